package cloudflare

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/cloudflare/cloudflare-go/v7/zero_trust"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// ingress is the rules of a tunnel: those that are there stay as they are, with all that they say, and ours are put among them.
type ingress struct {
	s *Site
	t *tunnel
}

func (i *ingress) Name() string { return "cloudflare/ingress/" + i.t.named() }
func (i *ingress) Proof() []string {
	return []string{"edge.own-answers", "resource-metadata.found"}
}
func (i *ingress) Place() string { return i.s.Place() }

func (i *ingress) put(ctx context.Context, tunnel string, config any) error {
	var p zero_trust.TunnelCloudflaredConfigurationUpdateParams
	p.AccountID.Value, p.AccountID.Present = i.s.Account.ID, true
	_, err := zero_trust.NewTunnelCloudflaredConfigurationService(i.s.api.options()...).Update(ctx, tunnel, p, sending(map[string]any{"config": config})...)
	return i.s.api.failed("write the ingress rules of the tunnel "+i.t.named(), permTunnel+levelEdit, err)
}

// ingressBefore is what Undo puts back: the configuration, while it is as we left it, else it takes away what we added.
type ingressBefore struct {
	Config json.RawMessage `json:"config"`
	Added  []Rule          `json:"added"`
}

func (i *ingress) Plan(ctx context.Context) (plan.Change, error) {
	c, rules, added, refused, err := i.look(ctx)
	switch {
	case err != nil:
		return plan.Change{}, err
	case refused != nil:
		return *refused, nil
	case len(added) == 0:
		return plan.Change{Action: plan.None}, nil
	}
	before, err := json.Marshal(ingressBefore{c.raw(), added})
	if err != nil {
		return plan.Change{}, err
	}
	change := plan.Change{Action: plan.Update, Fields: i.fields(rules, added), Before: before}
	if len(c.rules) == 0 {
		change.Action = plan.Create
	}
	change.Note = i.dual(c)
	return change, nil
}

// look returns what is there and what has to be.
func (i *ingress) look(ctx context.Context) (c configuration, rules Ingress, added []Rule, refused *plan.Change, err error) {
	t, err := i.s.Tunnel(ctx)
	if err != nil {
		return c, nil, nil, nil, err
	}
	if t != nil && t.Local {
		return c, nil, nil, i.local(ctx, t.ID), nil
	}
	if t != nil {
		if c, err = i.s.api.configurationOf(ctx, i.s.Account.ID, t.ID); err != nil {
			return c, nil, nil, nil, err
		}
	}
	have, err := c.ingress()
	if err != nil {
		return c, nil, nil, nil, err
	}
	rules, added, stop := i.s.carried.into(have, i.s.c.Expose.Adopt)
	if stop != "" {
		return c, nil, nil, &plan.Change{Action: plan.Refuse, Stop: stop,
			Propose: "expose.adopt: true puts ours before it, which then holds; or change the rule by hand"}, nil
	}
	if len(have) == len(rules) {
		added = nil
	}
	return c, rules, added, nil, nil
}

// local says what to write where the rules are in a file: it stops the plan only where they are seen to carry too little.
func (i *ingress) local(ctx context.Context, tunnel string) *plan.Change {
	const managed = "this tunnel is managed locally: its rules are in the config.yml of the machine where cloudflared runs"
	if i.s.Effective != nil {
		if have, known := i.s.Effective(ctx, tunnel); known {
			if i.s.carried.all(have) {
				return &plan.Change{Action: plan.None}
			}
			return &plan.Change{Action: plan.Refuse, Stop: managed + ", and they do not carry everything",
				Propose: "put these before the last rule there, then cloudflared tunnel ingress validate, and start cloudflared again:\n" + i.yaml()}
		}
	}
	return &plan.Change{Action: plan.None, Note: managed + ", and cannot be seen from here; these have to stand before the last one there:\n" + i.yaml()}
}

// yaml is what config.yml has to say.
func (i *ingress) yaml() string {
	rules, _, _ := i.s.carried.into(nil, true)
	var text strings.Builder
	text.WriteString("  ingress:")
	for _, r := range rules[:len(rules)-1] {
		text.WriteString("\n    - hostname: " + r.Hostname)
		if r.Path != "" {
			text.WriteString("\n      path: '" + strings.ReplaceAll(r.Path, "'", "''") + "'")
		}
		text.WriteString("\n      service: " + r.Service)
	}
	return text.String()
}

// fields show the rules as they will stand, ours by what they are and the others by what they were.
func (i *ingress) fields(rules Ingress, added []Rule) []plan.Field {
	var all []plan.Field
	for n, r := range rules {
		f := plan.Field{Path: fmt.Sprintf("ingress[%d]", n), After: r.String()}
		if !slices.Contains(added, r) {
			f.Before = f.After
		}
		all = append(all, f)
	}
	return all
}

// String is a rule in a line: "mcp.example.com ^/mcp -> http://127.0.0.1:8080".
func (r Rule) String() string {
	what := r.Hostname
	if what == "" {
		what = "*"
	}
	if r.Path != "" {
		what += " " + r.Path
	}
	return what + " -> " + r.Service
}

// dual tells of the mistake that costs days: one rule leads a whole host to one port, and what the other serves never arrives.
func (i *ingress) dual(c configuration) string {
	have, err := c.ingress()
	if err != nil {
		return ""
	}
	for _, host := range i.s.carried.hosts {
		var reached, lost []string
		for _, n := range i.s.carried.needs {
			_, r, ok := have.Match(n.host, n.path)
			switch {
			case n.host != host || !ok || r.Path != "" || r.Hostname == "" || r.Hostname == "*":
			case sameService(r.Service, n.service):
				reached = append(reached, n.service)
			default:
				lost = append(lost, n.service)
			}
		}
		if len(lost) > 0 {
			if len(reached) > 0 {
				return fmt.Sprintf("one rule leads all of %s to %s: what %s serves was never reached", host, reached[0], lost[0])
			}
			return fmt.Sprintf("one rule leads all of %s elsewhere: what %s serves was never reached", host, lost[0])
		}
	}
	return ""
}

func (i *ingress) Apply(ctx context.Context, _ plan.Change) error {
	t, err := i.s.Tunnel(ctx)
	if err != nil {
		return err
	}
	if t == nil {
		return fmt.Errorf("write the ingress rules: there is no tunnel %s", i.t.named())
	}
	c, rules, added, refused, err := i.look(ctx)
	switch {
	case err != nil:
		return err
	case refused != nil:
		return fmt.Errorf("write the ingress rules: %s", refused.Stop)
	case len(added) == 0:
		return nil
	}
	config, err := c.with(rules)
	if err != nil {
		return err
	}
	return i.put(ctx, t.ID, config)
}

func (i *ingress) Undo(ctx context.Context, change plan.Change) error {
	var before ingressBefore
	if err := json.Unmarshal(change.Before, &before); err != nil {
		return fmt.Errorf("read what was before: %w", err)
	}
	t, err := i.s.Tunnel(ctx)
	switch {
	case err != nil:
		return err
	case t == nil:
		return plan.ErrGone
	case t.Local:
		return plan.ErrNotOurs
	}
	now, err := i.s.api.configurationOf(ctx, i.s.Account.ID, t.ID)
	if err != nil {
		return err
	}
	have, err := now.ingress()
	if err != nil {
		return err
	}
	was, err := parseConfiguration(before.Config)
	if err != nil {
		return err
	}
	left := slices.DeleteFunc(slices.Clone(have), func(r Rule) bool { return slices.Contains(before.Added, r) })
	old, err := was.ingress()
	if err != nil {
		return err
	}
	switch {
	case was.whole == nil && slices.Equal(left, old):
		return i.put(ctx, t.ID, map[string]any{"ingress": []any{}})
	case slices.Equal(left, old) && now.keeps(was):
		return i.put(ctx, t.ID, was.whole)
	}
	if len(left) == 0 || !left[len(left)-1].all() { // others' rules need an end
		left = append(left, Rule{Service: "http_status:404"})
	}
	config, err := now.with(left)
	if err != nil {
		return err
	}
	return i.put(ctx, t.ID, config)
}
