package cloudflare

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// A bypass lets everyone past Access to just the paths of a host that clients and their users need: applications with the policy
// Bypass, Everyone, more specific than what stands there. The server and Keycloak judge who comes by themselves.
type bypass struct{ lever }

func (b *bypass) Name() string    { return accessResource(b.host()) }
func (b *bypass) Proof() []string { return []string{"edge.access-open", "edge.no-login"} }

// ownName begins the names of applications of ours.
func (b *bypass) ownName() string { return "mcpwiz: let MCP and OAuth clients through to " + b.host() }

// mostDomains are how many paths an application may stand before.
const mostDomains = 5

// applications are those that are wanted, by their names, each with the paths that it stands before.
func (b *bypass) wanted() map[string][]string {
	s := b.surfaces[0]
	var all []string
	add := func(paths ...string) {
		for _, p := range paths {
			if p = s.host + p; !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	}
	for _, p := range s.exact {
		if p != "/" {
			add(strings.TrimSuffix(p, "/"))
		}
	}
	for _, p := range append(slices.Clone(s.below), s.pages...) {
		if !slices.ContainsFunc(s.pages, func(page string) bool { return p != page && strings.HasPrefix(p, page) }) {
			add(p + "*")
		}
	}
	named := map[string][]string{}
	for i, some := range slices.Collect(slices.Chunk(all, mostDomains)) {
		name := b.ownName()
		if len(all) > mostDomains {
			name += fmt.Sprintf(" (%d)", i+1)
		}
		named[name] = some
	}
	return named
}

func (b *bypass) isOurs(a application) bool {
	rest, ok := strings.CutPrefix(a.Name, b.ownName())
	return ok && (rest == "" || strings.HasPrefix(rest, " ("))
}

func (b *bypass) Plan(ctx context.Context) (plan.Change, error) {
	s, _, err := b.look(ctx, b.Name(), partAccess)
	if err != nil {
		return plan.Change{}, err
	}
	if c, unseen, err := b.unseen(s, partAccess); unseen {
		return c, err
	}
	theirs := slices.DeleteFunc(slices.Clone(s.apps), b.isOurs)
	own := slices.DeleteFunc(slices.Clone(s.apps), func(a application) bool { return !b.isOurs(a) })
	if len(own) == 0 && !slices.ContainsFunc(b.obstacles(theirs), obstacle.stops) {
		return plan.Change{Action: plan.None}, nil
	}
	if stop := b.asClose(theirs); stop != nil {
		return refused(fmt.Sprintf("the Access application %q stands at %s itself, and nothing can be more specific",
			stop.name(), strings.Join(stop.paths, ", ")), "add the policy Bypass, Everyone to it, before the others, or take these paths off it; with Managed OAuth on, switch that off there"), nil
	}
	return b.difference(own)
}

func (b *bypass) obstacles(all []application) []obstacle {
	return b.surfaces[0].obstacles(all, allHosted(callers(b.c)))
}

// asClose returns an application of somebody else's that decides for a path of ours even beside our applications.
func (b *bypass) asClose(theirs []application) *obstacle {
	all := slices.Clone(theirs)
	for name, domains := range b.wanted() {
		all = append(all, application{ID: name, Name: name, Type: "self_hosted", Domains: domains, Policies: everyonePasses})
	}
	for _, left := range b.obstacles(all) {
		if left.stops() {
			return &left
		}
	}
	for _, domains := range b.wanted() {
		for _, a := range theirs {
			for _, d := range a.domains() {
				if slices.Contains(domains, d) && a.decides(false) != letsIn {
					return &obstacle{application: a, paths: []string{d}}
				}
			}
		}
	}
	return nil
}

var everyonePasses = []accessPolicy{{Decision: letsIn, Include: []map[string]json.RawMessage{{"everyone": json.RawMessage(`{}`)}}}}

func (b *bypass) difference(own []application) (plan.Change, error) {
	var f fields
	wanted := b.wanted()
	before := []json.RawMessage{}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		have := slices.IndexFunc(own, func(a application) bool { return a.Name == name })
		if have < 0 {
			f.want(name+".paths", nil, wanted[name])
			f.want(name+".policy", nil, "Bypass, Everyone")
			continue
		}
		f.want(name+".paths", own[have].domains(), wanted[name])
		if own[have].decides(false) != letsIn {
			f.want(name+".policy", own[have].told(), "Bypass, Everyone")
		}
	}
	action := plan.Create
	for _, a := range own {
		action, before = plan.Update, append(before, a.whole)
		if wanted[a.Name] == nil {
			f.want(a.Name+".paths", a.domains(), nil)
		}
	}
	c, err := f.change(action, before)
	if action == plan.Create {
		c.Before = nil
	}
	if !c.Empty() {
		c.Note = "for these paths alone Access asks nobody for a login and logs nobody; the server and Keycloak judge who comes"
	}
	return c, err
}

func (b *bypass) own(ctx context.Context) ([]application, error) {
	all, err := b.api.applications(ctx, b.zone.AccountID)
	return slices.DeleteFunc(all, func(a application) bool { return !b.isOurs(a) }), err
}

func (b *bypass) Apply(ctx context.Context, _ plan.Change) error {
	own, err := b.own(ctx)
	if err != nil {
		return err
	}
	wanted := b.wanted()
	for _, a := range own { // first what goes: two applications cannot have one path
		if wanted[a.Name] == nil {
			if err := b.api.deleteApplication(ctx, b.zone.AccountID, a.ID); err != nil {
				return err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		fields := definition(name, wanted[name])
		if i := slices.IndexFunc(own, func(a application) bool { return a.Name == name }); i >= 0 {
			err = b.api.replaceApplication(ctx, b.zone.AccountID, own[i].ID, fields)
		} else {
			err = b.api.addApplication(ctx, b.zone.AccountID, fields)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// definition is an application that everyone passes. It is not shown in the launcher: it is no place to go to.
func definition(name string, domains []string) map[string]any {
	var destinations []any
	for _, d := range domains {
		destinations = append(destinations, map[string]any{"type": "public", "uri": d})
	}
	return map[string]any{
		"name": name, "type": "self_hosted", "domain": domains[0], "destinations": destinations, "app_launcher_visible": false, "skip_interstitial": true,
		"policies": []any{map[string]any{"name": "Everyone", "decision": letsIn, "include": []any{map[string]any{"everyone": map[string]any{}}}}},
	}
}

func (b *bypass) Undo(ctx context.Context, c plan.Change) error {
	own, err := b.own(ctx)
	switch {
	case err != nil:
		return err
	case len(own) == 0 && c.Action == plan.Create:
		return plan.ErrGone
	}
	var before []json.RawMessage
	if c.Action == plan.Update {
		if err := json.Unmarshal(c.Before, &before); err != nil {
			return fmt.Errorf("read what was before: %w", err)
		}
	}
	return b.putBack(ctx, own, before)
}

// putBack leaves just these applications of ours.
func (b *bypass) putBack(ctx context.Context, own []application, before []json.RawMessage) error {
	was := map[string]map[string]any{}
	for _, one := range before {
		var fields map[string]any
		if err := json.Unmarshal(one, &fields); err != nil {
			return fmt.Errorf("read what was before: %w", err)
		}
		name, _ := fields["name"].(string)
		was[name] = fields
	}
	for _, a := range own {
		var err error
		if fields := was[a.Name]; fields != nil {
			err = b.api.replaceApplication(ctx, b.zone.AccountID, a.ID, writable(fields))
			delete(was, a.Name)
		} else {
			err = b.api.deleteApplication(ctx, b.zone.AccountID, a.ID)
		}
		if err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(was)) {
		if err := b.api.addApplication(ctx, b.zone.AccountID, writable(was[name])); err != nil {
			return err
		}
	}
	return nil
}

// writable is what of an application can be written back.
func writable(fields map[string]any) map[string]any {
	for _, name := range []string{"id", "uid", "aud", "created_at", "updated_at"} {
		delete(fields, name)
	}
	return fields
}
