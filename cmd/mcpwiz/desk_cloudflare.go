package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server/cloudflare"
	"github.com/mcpwiz/mcpwiz/server/cloudflared"
	"github.com/mcpwiz/mcpwiz/tui/wizard"
)

// as is the desk's program for somebody's answers: the token for Cloudflare that they have is given to it as by the environment.
func (d *desk) as(a wizard.Answers) *program {
	p := *d.program
	p.env = func(name string) (string, bool) {
		if name == plan.EnvCloudflareToken && a.EdgeToken != "" {
			return a.EdgeToken.Reveal(), true
		}
		return d.env(name)
	}
	return &p
}

// checkCloudflare verifies a token, and tells what it sees and may do.
func (d *desk) checkCloudflare(ctx context.Context, token plan.Secret) (wizard.Cloudflare, wizard.Verdict) {
	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	seen, v, err := d.seenWith(ctx, token)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return seen, wizard.Verdict{Note: fmt.Sprintf("no answer within %s", lookFor)}
	case err != nil:
		return seen, wizard.Verdict{Note: edgeRefusal(err)}
	}
	return seen, v
}

func (d *desk) seenWith(ctx context.Context, token plan.Secret) (seen wizard.Cloudflare, v wizard.Verdict, err error) {
	api, err := d.as(wizard.Answers{EdgeToken: token}).cloudflare(ctx)
	if err != nil {
		return seen, v, err
	}
	zones, err := api.Zones(ctx)
	if err != nil {
		return seen, v, err
	}
	for _, z := range zones {
		seen.Zones = append(seen.Zones, wizard.Zone{Name: z.Name, Account: z.AccountID})
	}
	if len(zones) == 0 {
		return seen, wizard.Verdict{Note: "the token is good, and sees no zone: it takes Zone · Zone · Read, for the zone that the name is to be in"}, nil
	}
	seen.Tunnels = tunnelsOf(ctx, api, zones)
	seen.May, v, err = permissions(ctx, api, zones)
	return seen, v, err
}

// tunnelsOf are those of the zones' accounts. What the token may not list is none to choose: that it lacks the permission is told
// with the others.
func tunnelsOf(ctx context.Context, api *cloudflare.API, zones []cloudflare.Zone) (tunnels []wizard.Tunnel) {
	var done []string
	for _, z := range zones {
		if slices.Contains(done, z.AccountID) {
			continue
		}
		done = append(done, z.AccountID)
		all, err := api.Tunnels(ctx, z.AccountID)
		if err != nil {
			continue
		}
		for _, t := range all {
			state := t.Status + ", rules at Cloudflare"
			if t.Local {
				state = t.Status + ", rules in its own file"
			}
			tunnels = append(tunnels, wizard.Tunnel{Name: t.Name, Account: z.AccountID, State: state})
		}
	}
	return tunnels
}

// edgeWork is what may be to do at Cloudflare: needed for the way there, else for what stands in a client's way. Names are the
// dashboard's, short ones for a page.
var edgeWork = []struct {
	kind, short, name string
	needed            bool
}{
	{"tunnel", "Tunnel", "Account · Cloudflare Tunnel", true}, {"dns", "DNS", "Zone · DNS", true}, {"rule", "WAF", "", false},
	{"access", "Access", "", false}, {"bots", "Bots", "", false}, {"settings", "Settings", "", false},
}

// permissions says what a token may edit, as asked in its first zone. What is needed and lacks is to be read before going on.
func permissions(ctx context.Context, api *cloudflare.API, zones []cloudflare.Zone) (string, wizard.Verdict, error) {
	c := plan.Connection{Servers: []plan.Server{{URL: "https://" + zones[0].Name + "/"}}, Expose: plan.Expose{Way: plan.WayCloudflare}}
	site, err := api.Site(ctx, c)
	if err != nil {
		return "", wizard.Verdict{}, err
	}
	var p plan.Plan
	for _, w := range edgeWork {
		p.Changes = append(p.Changes, plan.Change{Resource: cloudflarePrefix + w.kind + "/" + zones[0].Name, Action: plan.Create})
	}
	may, err := site.May(ctx, p)
	if err != nil {
		return "", wizard.Verdict{}, err
	}
	var can, lacks, needed []string
	for i, w := range edgeWork {
		switch lack := slices.ContainsFunc(may.Lacks, func(l plan.Lack) bool { return l.Resource == p.Changes[i].Resource }); {
		case !lack:
			can = append(can, w.short)
		case w.needed:
			needed = append(needed, w.name)
			fallthrough
		default:
			lacks = append(lacks, w.short)
		}
	}
	text := "the token may edit " + cmp.Or(strings.Join(can, ", "), "nothing")
	if len(lacks) > 0 {
		text += "; not " + strings.Join(lacks, ", ")
	}
	if len(needed) > 0 {
		return text, wizard.Verdict{OK: true, Warn: true, Note: "the token lacks " + strings.Join(needed, " · Edit and ") + " · Edit: give it that in Cloudflare's dashboard, and ask again"}, nil
	}
	return text, wizard.Verdict{OK: true, Note: text}, nil
}

// edgeRefusal says why in short.
func edgeRefusal(err error) string {
	var e *cloudflare.Error
	switch {
	case errors.As(err, &e) && e.Permission != "" && e.Status == 403:
		return "the token lacks " + e.Permission
	case errors.As(err, &e) && e.Message != "":
		return fmt.Sprintf("Cloudflare says: %s (%d)", e.Message, e.Code)
	}
	return err.Error()
}

// connector says which cloudflared is here, and how to get one where none is.
func (d *desk) connector(ctx context.Context) (version string, missing string) {
	program, err := cloudflared.Find(d.env)
	if err != nil {
		return "", err.Error() + ": " + cloudflared.Here(runtime.GOOS)
	}
	if version, err = cloudflared.Version(ctx, program); err != nil {
		return "", err.Error()
	}
	return version, ""
}
