package keycloak

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// clientPolicy is an entry of one of the realm's two lists that client policies are made of: a profile says what is
// enforced, a policy on whom. Entries bear no attributes, so the description says whose they are.
type clientPolicy struct {
	a     *Admin
	realm string
	list  policyList
	want  policyRep
	// refusal is why it cannot work here, "" where it can.
	refusal string
}

// madeByUs begins the description of an entry that is ours.
const madeByUs = "Made by mcpwiz"

// A policyList is one of the two lists, as it is called in a path and in resources.
type policyList struct{ name, kind string }

var (
	enforcements = policyList{"profiles", "client-profile"}
	policies     = policyList{"policies", "client-policy"}
)

// policyRep is an entry of either list.
type policyRep struct {
	Name        string         `json:"name"`
	Description string         `json:"description,omitempty"`
	Enabled     bool           `json:"enabled,omitempty"`
	Executors   []executorRep  `json:"executors,omitempty"`
	Conditions  []conditionRep `json:"conditions,omitempty"`
	Profiles    []string       `json:"profiles,omitempty"`
}

type executorRep struct {
	Executor string         `json:"executor"`
	Options  map[string]any `json:"configuration"`
}

type conditionRep struct {
	Condition string         `json:"condition"`
	Options   map[string]any `json:"configuration"`
}

func (p *clientPolicy) Name() string    { return "keycloak/" + p.list.kind + "/" + p.want.Name }
func (p *clientPolicy) Proof() []string { return proofs[p.list.kind] }

// entries are kept as they are read: a PUT replaces the whole list, others' entries with it.
func (a *Admin) policyEntries(ctx context.Context, realm string, of policyList) (all []json.RawMessage, err error) {
	var got map[string]json.RawMessage
	err = a.raw(ctx, "read the client "+of.name+" of realm "+realm, http.MethodGet, nil, &got, "realms", realm, "client-policies", of.name)
	if noRealm(err) {
		return nil, nil
	}
	if err == nil && got[of.name] != nil {
		err = json.Unmarshal(got[of.name], &all)
	}
	return all, err
}

// entry reads an entry by its name; nil when it is not there.
func entry(all []json.RawMessage, name string) (have *policyRep, at int, err error) {
	for i, raw := range all {
		var one policyRep
		if err := json.Unmarshal(raw, &one); err != nil {
			return nil, 0, fmt.Errorf("read the client policies: %w", err)
		}
		if one.Name == name {
			return &one, i, nil
		}
	}
	return nil, len(all), nil
}

func (p *clientPolicy) find(ctx context.Context) (all []json.RawMessage, have *policyRep, at int, err error) {
	if all, err = p.a.policyEntries(ctx, p.realm, p.list); err != nil {
		return nil, nil, 0, err
	}
	have, at, err = entry(all, p.want.Name)
	return all, have, at, err
}

func (p *clientPolicy) Plan(ctx context.Context) (plan.Change, error) {
	if p.refusal != "" {
		return plan.Change{Action: plan.Refuse, Stop: p.refusal,
			Propose: "registration: " + plan.PreRegistered + ", or a Keycloak of 26.8 or newer, started with --features=cimd"}, nil
	}
	all, have, at, err := p.find(ctx)
	switch {
	case err != nil:
		return plan.Change{}, err
	case have == nil:
		return p.compare(&policyRep{}).change(plan.Create, nil)
	case !strings.HasPrefix(have.Description, madeByUs):
		return plan.Change{Action: plan.Refuse, Stop: "an entry of that name is there that mcpwiz did not make", Propose: "rename it in Realm settings, Client policies"}, nil
	}
	return p.compare(have).change(plan.Update, all[at])
}

// compare shows the options of executors and conditions one by one.
func (p *clientPolicy) compare(have *policyRep) fields {
	var f fields
	f.want("description", have.Description, p.want.Description)
	f.want("enabled", have.Enabled, p.want.Enabled)
	f.want("profiles", have.Profiles, p.want.Profiles)
	before, after := have.flat(), p.want.flat()
	for _, path := range slices.Sorted(maps.Keys(merged(before, after))) {
		f.want(path, before[path], after[path])
	}
	return f
}

func merged(a, b map[string]any) map[string]any {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// flat is what an entry does, by path.
func (r *policyRep) flat() map[string]any {
	all := map[string]any{}
	add := func(list, name string, options map[string]any) {
		all[list+"."+name] = true
		for key, v := range options {
			all[list+"."+name+"."+key] = v
		}
	}
	for _, e := range r.Executors {
		add("executors", e.Executor, e.Options)
	}
	for _, c := range r.Conditions {
		add("conditions", c.Condition, c.Options)
	}
	return all
}

func (p *clientPolicy) Apply(ctx context.Context, _ plan.Change) error {
	all, have, at, err := p.find(ctx)
	if err != nil {
		return err
	}
	if have != nil && !strings.HasPrefix(have.Description, madeByUs) {
		return fmt.Errorf("change %s: %w", p.Name(), plan.ErrMoved)
	}
	raw, err := json.Marshal(p.want)
	if err != nil {
		return err
	}
	if at == len(all) {
		all = append(all, nil)
	}
	all[at] = raw
	return p.put(ctx, "change", all)
}

func (p *clientPolicy) put(ctx context.Context, verb string, all []json.RawMessage) error {
	return p.a.raw(ctx, verb+" the client "+p.list.name+" of realm "+p.realm, http.MethodPut, map[string]any{p.list.name: append([]json.RawMessage{}, all...)}, nil,
		"realms", p.realm, "client-policies", p.list.name)
}

func (p *clientPolicy) Undo(ctx context.Context, c plan.Change) error {
	all, have, at, err := p.find(ctx)
	switch {
	case err != nil:
		return err
	case have == nil:
		return plan.ErrGone
	case !strings.HasPrefix(have.Description, madeByUs):
		return fmt.Errorf("put back %s: %w", p.Name(), plan.ErrNotOurs)
	case c.Action == plan.Create:
		all = slices.Delete(all, at, at+1)
	default:
		all[at] = c.Before
	}
	return p.put(ctx, "put back", all)
}
