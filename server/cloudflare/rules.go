package cloudflare

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// RuleResources are what lets a connection's clients through the zones that its hosts lie in, the smallest change first: a rule and
// an Access application for each host, then what is of a whole zone. Each plans nothing where nothing stands in the way. A host in
// no zone that the token sees has none; who brings it there, a tunnel of ours or another, is all the same.
func (a *API) RuleResources(ctx context.Context, c plan.Connection) ([]plan.Resource, error) {
	c = c.Defaults()
	in, err := a.zonesOf(ctx, c, "")
	if err != nil {
		return nil, err
	}
	var all, whole []plan.Resource
	for _, z := range in {
		for _, s := range z.surfaces {
			one := lever{api: a, c: c, zone: z.zone, surfaces: []surface{s}}
			all = append(all, &skipRule{lever: one}, &bypass{lever: one})
		}
		one := lever{api: a, c: c, zone: z.zone, surfaces: z.surfaces}
		whole = append(whole, &crawlRule{one}, &botSettings{one}, &checkSettings{one})
	}
	return append(all, whole...), nil
}

// ruleNamed returns the one of that name, as the journal has it, also where the connection has its host no more.
func (a *API) ruleNamed(all []Zone, c plan.Connection, name string) (plan.Resource, error) {
	kind, of, _ := strings.Cut(strings.TrimPrefix(name, "cloudflare/"), "/")
	zone, err := ZoneOf(all, "", of)
	if err != nil {
		return nil, err
	}
	at := slices.DeleteFunc(surfaces(c), func(s surface) bool { return s.host != of && of != zone.Name })
	if len(at) == 0 {
		at = []surface{{host: of}}
	}
	one := lever{api: a, c: c, zone: zone, surfaces: at}
	switch kind {
	case "rule":
		return &skipRule{one}, nil
	case "access":
		return &bypass{one}, nil
	case "crawl":
		return &crawlRule{one}, nil
	case "bots":
		return &botSettings{one}, nil
	case "settings":
		return &checkSettings{one}, nil
	}
	return nil, fmt.Errorf("%s is nothing that mcpwiz knows of Cloudflare", name)
}

// A lever is what all of them have: where they are set, and for whom.
type lever struct {
	api      *API
	c        plan.Connection
	zone     Zone
	surfaces []surface
	// insisted: a finding names it, though it may be in place already: what is stronger is planned.
	insisted bool
}

// Insist says that a finding names the resource: what only a finding shows to be needed is planned too, until it is applied.
func (l *lever) Insist() { l.insisted = true }

// Standby: where nothing stands in the way it is in no plan.
func (l *lever) Standby() {}

// Place is where it is set, for the journal.
func (l *lever) Place() string { return l.zone.Place() }

func (l *lever) host() string { return l.surfaces[0].host }

// look reads parts of the zone, and which facts name a resource.
func (l *lever) look(ctx context.Context, name string, parts ...string) (*standing, []map[string]any, error) {
	s, err := l.api.stand(ctx, l.zone, nil, parts...)
	if err != nil {
		return nil, nil, err
	}
	var named []map[string]any
	s.facts(l.surfaces, callers(l.c), func(data map[string]any) {
		if data["resource"] == name {
			named = append(named, data)
		}
	})
	return s, named, nil
}

// unseen is the plan of what the token may not look at: nothing, or an error where a finding names it.
func (l *lever) unseen(s *standing, parts ...string) (plan.Change, bool, error) {
	for _, part := range parts {
		if lack, missing := s.lacks[part]; missing {
			if l.insisted {
				return plan.Change{}, true, fmt.Errorf("look at %s: the token lacks %s", part, lack)
			}
			return plan.Change{Action: plan.None, Note: "not looked at: the token lacks " + lack}, true, nil
		}
	}
	return plan.Change{Action: plan.None}, false, nil
}

// stopsNow: a fact says for certain that clients are stopped.
func stopsNow(facts []map[string]any) bool {
	return slices.ContainsFunc(facts, func(data map[string]any) bool { return data["applies"] == true })
}

// fields collects what differs.
type fields []plan.Field

func (f *fields) want(path string, before, after any) {
	if b, a := plain(before), plain(after); !reflect.DeepEqual(b, a) {
		*f = append(*f, plan.Field{Path: path, Before: b, After: a})
	}
}

// plain makes a value what it would be if read from JSON.
func plain(v any) any {
	data, err := json.Marshal(v)
	if err != nil {
		return v
	}
	var read any
	if json.Unmarshal(data, &read) != nil {
		return v
	}
	return read
}

// change makes a plan of what differs, with what Undo puts back.
func (f fields) change(a plan.Action, before any) (plan.Change, error) {
	if len(f) == 0 {
		return plan.Change{Action: plan.None}, nil
	}
	c := plan.Change{Action: a, Fields: f}
	if before == nil {
		return c, nil
	}
	data, err := json.Marshal(before)
	c.Before = data
	return c, err
}

// refused is a plan that is stopped.
func refused(stop, propose string) plan.Change {
	return plan.Change{Action: plan.Refuse, Stop: stop, Propose: propose}
}

// wholeZone proposes how to allow what holds for every host of a zone.
func wholeZone(byHand string) string {
	return byHand + "; or set expose.rules: " + plan.RulesSettings + ", and mcpwiz does it for the whole zone"
}

// withAll adds to a list what it lacks.
func withAll(have []string, need ...string) []string {
	all := slices.Clone(have)
	for _, one := range need {
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}

func names(all []rule) string {
	var each []string
	for _, r := range all {
		each = append(each, fmt.Sprintf("%q", r.name()))
	}
	return strings.Join(each, ", ")
}

// free: the zone is on the plan without a price, whose limits are the narrowest.
func (z Zone) free() bool { return strings.HasPrefix(strings.ToLower(z.Plan), "free") }
