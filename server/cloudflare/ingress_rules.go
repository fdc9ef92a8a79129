package cloudflare

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/cloudflare/cloudflare-go/v7/option"
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

// A configuration is that of a tunnel: each rule is kept whole, since it may say more than we read.
type configuration struct {
	whole map[string]json.RawMessage
	rules []json.RawMessage
}

// configurationOf is what a tunnel has now.
func (a *API) configurationOf(ctx context.Context, account, tunnel string) (configuration, error) {
	var e struct {
		Result struct {
			Config json.RawMessage `json:"config"`
		} `json:"result"`
	}
	var p zero_trust.TunnelCloudflaredConfigurationGetParams
	p.AccountID.Value, p.AccountID.Present = account, true
	_, err := zero_trust.NewTunnelCloudflaredConfigurationService(a.options()...).Get(ctx, tunnel, p, option.WithResponseBodyInto(&e))
	if statusOf(err) == http.StatusNotFound {
		return configuration{}, nil
	}
	if err != nil {
		return configuration{}, a.failed("read the ingress rules", permTunnel+levelRead, err)
	}
	return parseConfiguration(e.Result.Config)
}

func parseConfiguration(raw json.RawMessage) (configuration, error) {
	c := configuration{}
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return c, nil
	}
	if err := json.Unmarshal(raw, &c.whole); err != nil {
		return c, fmt.Errorf("read the ingress rules: %w", err)
	}
	if rules := c.whole["ingress"]; len(rules) > 0 {
		if err := json.Unmarshal(rules, &c.rules); err != nil {
			return c, fmt.Errorf("read the ingress rules: %w", err)
		}
	}
	return c, nil
}

func (c configuration) ingress() (Ingress, error) {
	all := make(Ingress, len(c.rules))
	for i, raw := range c.rules {
		if err := json.Unmarshal(raw, &all[i]); err != nil {
			return nil, fmt.Errorf("read ingress rule %d: %w", i+1, err)
		}
	}
	return all, nil
}

// with returns the configuration with other rules; of one that stays all that it says.
func (c configuration) with(rules Ingress) (map[string]json.RawMessage, error) {
	old, err := c.ingress()
	if err != nil {
		return nil, err
	}
	taken := make([]bool, len(old))
	var all []any
	for _, r := range rules {
		at := -1
		for i, o := range old {
			if o == r && !taken[i] {
				at = i
				break
			}
		}
		if at < 0 {
			all = append(all, r)
			continue
		}
		taken[at] = true
		all = append(all, c.rules[at])
	}
	whole := map[string]json.RawMessage{}
	for k, v := range c.whole {
		whole[k] = v
	}
	whole["ingress"], err = json.Marshal(all)
	return whole, err
}

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

func (c configuration) raw() json.RawMessage {
	if c.whole == nil {
		return nil
	}
	raw, err := json.Marshal(c.whole)
	if err != nil {
		panic(err) // it was read as JSON
	}
	return raw
}

// look returns what is there and what has to be.
func (i *ingress) look(ctx context.Context) (c configuration, rules Ingress, added []Rule, refused *plan.Change, err error) {
	t, err := i.s.Tunnel(ctx)
	if err != nil {
		return c, nil, nil, nil, err
	}
	if t != nil && t.Local {
		return c, nil, nil, i.local(), nil
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

// local says what to write where the rules are in a file.
func (i *ingress) local() *plan.Change {
	rules, _, _ := i.s.carried.into(nil, true)
	var text strings.Builder
	for _, r := range rules[:len(rules)-1] {
		text.WriteString("\n    - hostname: " + r.Hostname)
		if r.Path != "" {
			text.WriteString("\n      path: " + r.Path)
		}
		text.WriteString("\n      service: " + r.Service)
	}
	return &plan.Change{Action: plan.Refuse, Stop: "this tunnel is managed locally: its rules are in the config.yml of the machine where cloudflared runs",
		Propose: "put these before the last rule there, then cloudflared tunnel ingress validate:\n  ingress:" + text.String()}
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
	if err != nil || t == nil || t.Local {
		return err
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
	if slices.Equal(left, old) {
		if was.whole == nil {
			return i.put(ctx, t.ID, map[string]any{"ingress": []any{}})
		}
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
