package cloudflare

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// A crawlRule leaves MCP and OAuth paths out of the custom rule that AI Crawl Control keeps in a zone. A rule that skips it would
// have to skip every custom rule after it too.
type crawlRule struct{ lever }

func (r *crawlRule) Name() string { return crawlResource(r.zone.Name) }

func (r *crawlRule) Proof() []string {
	return []string{"edge.ai-bots-allowed", "edge.not-blocked", "edge.user-agents-alike"}
}

// without is an expression that holds for none of the surfaces.
func (r *crawlRule) without(expression string) string {
	all := "(" + expression + ")"
	for _, s := range r.surfaces {
		all += " and not " + s.expression()
	}
	return all
}

func (r *crawlRule) Plan(ctx context.Context) (plan.Change, error) {
	s, facts, err := r.look(ctx, r.Name(), phaseCustom)
	if err != nil {
		return plan.Change{}, err
	}
	if c, unseen, err := r.unseen(s, phaseCustom); unseen || !stopsNow(facts) {
		return c, err
	}
	var f fields
	before := map[string]json.RawMessage{}
	for _, one := range s.phases[phaseCustom].Rules {
		if !r.named(one, facts) {
			continue
		}
		after := r.without(one.Expression)
		if len(after) > maxExpression {
			return refused(fmt.Sprintf("the rule %q would be longer than Cloudflare takes with these paths left out", one.name()),
				"allow the client in AI Crawl Control, under Crawlers"), nil
		}
		f.want(one.name()+".expression", one.Expression, after)
		before[one.ID] = one.whole
	}
	c, err := f.change(plan.Update, before)
	if !c.Empty() {
		c.Note = "crawlers stay blocked everywhere else; AI Crawl Control may write its rule anew when crawlers are changed there"
	}
	return c, err
}

// named: it is one of the rules that facts say stop clients.
func (r *crawlRule) named(one rule, facts []map[string]any) bool {
	for _, data := range facts {
		if data["rule"] == one.ID && data["applies"] == true {
			return true
		}
	}
	return false
}

func (r *crawlRule) Apply(ctx context.Context, c plan.Change) error {
	var before map[string]json.RawMessage
	if err := json.Unmarshal(c.Before, &before); err != nil {
		return fmt.Errorf("read what the rule is: %w", err)
	}
	set, err := r.api.entrypoint(ctx, r.zone.ID, phaseCustom)
	if err != nil {
		return err
	}
	r.insisted = false
	for _, one := range set.Rules {
		if before[one.ID] == nil {
			continue
		}
		fields, err := one.definition()
		if err != nil {
			return err
		}
		fields["expression"] = r.without(one.Expression)
		if err := r.api.editRule(ctx, r.zone.ID, phaseCustom, set.ID, one, fields); err != nil {
			return err
		}
	}
	return nil
}

// Undo leaves a rule alone that was written anew since: our paths are not in it any more.
func (r *crawlRule) Undo(ctx context.Context, c plan.Change) error {
	var before map[string]json.RawMessage
	if err := json.Unmarshal(c.Before, &before); err != nil {
		return fmt.Errorf("read what the rule was before: %w", err)
	}
	set, err := r.api.entrypoint(ctx, r.zone.ID, phaseCustom)
	if err != nil {
		return err
	}
	left := plan.ErrGone
	for _, one := range set.Rules {
		var was rule
		if before[one.ID] == nil || json.Unmarshal(before[one.ID], &was) != nil || !strings.HasPrefix(one.Expression, "("+was.Expression+") and not ") {
			continue
		}
		left = nil
		if err := r.api.putBack(ctx, r.zone.ID, set.ID, one, before[one.ID]); err != nil {
			return err
		}
	}
	return left
}
