package cloudflare

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// A skipRule has requests to a host's MCP and OAuth paths skip what takes programs for attackers; see
// https://developers.cloudflare.com/waf/custom-rules/skip/options/. Login pages stay as guarded as they are.
type skipRule struct{ lever }

func (r *skipRule) Name() string { return ruleResource(r.host()) }

func (r *skipRule) Proof() []string {
	return []string{"edge.ai-bots-allowed", "edge.challenges-off", "edge.not-blocked", "edge.user-agents-alike"}
}

// ref is the tag by which the rule is known as ours: it is unique in its ruleset and stays when the rule is edited by hand.
func ref(host string) string { return "mcpwiz-" + host }

func ours(r rule, host string) bool { return r.Ref == ref(host) }

// What the rule skips: Super Bot Fight Mode with Block AI bots, and the products that stand outside the Ruleset Engine. Bot Fight
// Mode can be skipped by none.
var (
	skippedPhases   = []string{phaseSuperBots}
	skippedProducts = []string{"bic", "uaBlock", "securityLevel"}
)

// mostRules are how many custom rules a free zone takes.
const mostRules = 5

func (r *skipRule) own(s *standing) (own *rule) {
	for i, one := range s.phases[phaseCustom].Rules {
		if ours(one, r.host()) {
			own = &s.phases[phaseCustom].Rules[i]
		}
	}
	return own
}

func (r *skipRule) Plan(ctx context.Context) (plan.Change, error) {
	s, facts, err := r.look(ctx, r.Name(), phaseCustom, phaseConfig, partBots, partSettings)
	if err != nil {
		return plan.Change{}, err
	}
	if c, unseen, err := r.unseen(s, phaseCustom); unseen {
		return c, err
	}
	own := r.own(s)
	switch rules := s.phases[phaseCustom].Rules; {
	case own == nil && !stopsNow(facts) && !r.insisted:
		return plan.Change{Action: plan.None}, nil
	case own == nil && r.zone.free() && len(rules) >= mostRules:
		return refused(fmt.Sprintf("the free plan takes %d custom rules, and all are in use: %s", mostRules, names(rules)),
			"put two of them into one, or delete one, and apply again"), nil
	case own == nil:
		return r.create()
	}
	return r.update(*own)
}

func (r *skipRule) create() (plan.Change, error) {
	var f fields
	f.want("action", nil, "skip")
	f.want("expression", nil, r.surfaces[0].expression())
	f.want("skip.phases", nil, skippedPhases)
	f.want("skip.products", nil, skippedProducts)
	f.want("position", nil, 1)
	c, err := f.change(plan.Create, nil)
	c.Note = "for these paths alone; what the zone's custom rules and managed rules block is blocked as before"
	return c, err
}

// update keeps what somebody added. In place and still named by a finding, the rule skips the managed rules too: by some reports
// that is where Block AI bots is judged.
func (r *skipRule) update(own rule) (plan.Change, error) {
	f := r.differs(own, skippedPhases)
	note := ""
	if len(f) == 0 && r.insisted {
		f = r.differs(own, withAll(skippedPhases, phaseManaged))
		note = "attacks in what clients send to these paths are then the server's to refuse"
	}
	c, err := f.change(plan.Update, own.whole)
	if !c.Empty() {
		c.Note = note
	}
	return c, err
}

func (r *skipRule) differs(own rule, phases []string) (f fields) {
	f.want("action", own.Action, "skip")
	f.want("expression", own.Expression, r.surfaces[0].expression())
	f.want("skip.phases", own.Parameters.Phases, withAll(own.Parameters.Phases, phases...))
	f.want("skip.products", own.Parameters.Products, withAll(own.Parameters.Products, skippedProducts...))
	f.want("enabled", own.enabled(), true)
	return f
}

func (r *skipRule) Apply(ctx context.Context, c plan.Change) error {
	set, err := r.api.entrypoint(ctx, r.zone.ID, phaseCustom)
	if err != nil {
		return err
	}
	r.insisted = false
	own := r.own(&standing{phases: map[string]ruleset{phaseCustom: set}})
	phases, products := skippedPhases, skippedProducts
	if own != nil {
		phases, products = withAll(own.Parameters.Phases, phases...), withAll(own.Parameters.Products, products...)
	}
	for _, f := range c.Fields {
		if f.Path == "skip.phases" {
			phases = texts(f.After)
		}
	}
	parameters := map[string]any{"phases": phases, "products": products}
	if own != nil && own.Parameters.Ruleset != "" {
		parameters["ruleset"] = own.Parameters.Ruleset
	}
	want := map[string]any{
		"ref": ref(r.host()), "description": "mcpwiz: let MCP and OAuth clients through to " + r.host(), "action": "skip", "enabled": true,
		"expression": r.surfaces[0].expression(), "action_parameters": parameters, "logging": map[string]any{"enabled": true},
	}
	if own != nil {
		return r.api.editRule(ctx, r.zone.ID, phaseCustom, set.ID, *own, want)
	}
	return r.api.addRule(ctx, r.zone.ID, phaseCustom, set, want)
}

func (r *skipRule) Undo(ctx context.Context, c plan.Change) error {
	set, err := r.api.entrypoint(ctx, r.zone.ID, phaseCustom)
	if err != nil {
		return err
	}
	own := r.own(&standing{phases: map[string]ruleset{phaseCustom: set}})
	switch {
	case own == nil:
		return plan.ErrGone
	case c.Action == plan.Create:
		return r.api.deleteRule(ctx, r.zone.ID, phaseCustom, set.ID, *own)
	}
	return r.api.putBack(ctx, r.zone.ID, set.ID, *own, c.Before)
}

// putBack gives a custom rule the definition that it had.
func (a *API) putBack(ctx context.Context, zone, set string, have rule, before json.RawMessage) error {
	var was rule
	if err := json.Unmarshal(before, &was); err != nil {
		return fmt.Errorf("read what the rule was before: %w", err)
	}
	fields, err := was.definition()
	if err != nil {
		return fmt.Errorf("read what the rule was before: %w", err)
	}
	return a.editRule(ctx, zone, phaseCustom, set, have, fields)
}

// texts reads a list of a field, as it was planned or as a journal has it.
func texts(v any) []string {
	all, _ := v.([]any)
	var each []string
	for _, one := range all {
		if s, ok := one.(string); ok {
			each = append(each, s)
		}
	}
	return each
}
