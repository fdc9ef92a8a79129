package cloudflare

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// botSettings switch off, for a whole zone, what no rule can take off single paths: Bot Fight Mode; and what a rule ought to have
// skipped and did not.
type botSettings struct{ lever }

func (b *botSettings) Name() string { return botsResource(b.zone.Name) }

func (b *botSettings) Proof() []string {
	return []string{"edge.challenges-off", "edge.ai-bots-allowed", "edge.not-blocked"}
}

// off are what each field is switched to, and what the dashboard calls it.
var off = map[string]struct {
	to        any
	dashboard string
}{
	fightMode:     {false, "switch Bot Fight Mode off (Security > Settings > Bot traffic)"},
	aiProtection:  {"disabled", `set Block AI bots to "Do not block" (Security > Settings > Bot traffic)`},
	contentBots:   {"disabled", `switch the block of content bots off (Security > Settings > Bot traffic)`},
	sbfmAutomated: {"allow", `set Definitely automated to "Allow" (Security > Settings > Super Bot Fight Mode)`},
	sbfmLikely:    {"allow", `set Likely automated to "Allow" (Security > Settings > Super Bot Fight Mode)`},
	sbfmVerified:  {"allow", `set Verified bots to "Allow" (Security > Settings > Super Bot Fight Mode)`},
}

// fieldOf is the field that a fact is about.
func fieldOf(data map[string]any) string {
	switch data["product"] {
	case "bot-fight-mode":
		return fightMode
	case "block-ai-bots":
		return aiProtection
	}
	name, _ := data["name"].(string)
	return name
}

func (b *botSettings) Plan(ctx context.Context) (plan.Change, error) {
	s, facts, err := b.look(ctx, b.Name(), partBots, phaseCustom, partIP)
	if err != nil {
		return plan.Change{}, err
	}
	if c, unseen, err := b.unseen(s, partBots); unseen {
		return c, err
	}
	var stand []string
	for _, data := range facts {
		if name := fieldOf(data); (data["applies"] == true || b.insisted && data["skipped_by"] != nil) && !slices.Contains(stand, name) {
			stand = append(stand, name)
		}
	}
	return b.settle(stand, func(name string) any { return s.bots[name] }, off)
}

// settle plans to switch off what stands in the way, where that is allowed. Where it is not, a finding that names it is refused
// with what to do, and a plan only tells of it: it may stop nobody.
func (l *lever) settle(stand []string, now func(string) any, to map[string]struct {
	to        any
	dashboard string
}) (plan.Change, error) {
	var f fields
	before := map[string]any{}
	byHand := ""
	for _, name := range stand {
		before[name] = now(name)
		f.want(name, now(name), to[name].to)
		byHand = to[name].dashboard
	}
	switch c, err := f.change(plan.Update, before); {
	case err != nil || c.Empty():
		return plan.Change{Action: plan.None}, err
	case l.c.Expose.Rules == plan.RulesSettings:
		c.Note = "this holds for every host of " + l.zone.Name
		return c, nil
	case l.insisted:
		return refused("it holds for every host of "+l.zone.Name+", and no rule can take single paths out", wholeZone(byHand)), nil
	}
	return plan.Change{Action: plan.None, Note: "may stand in clients' way: " + wholeZone(byHand)}, nil
}

func (b *botSettings) Apply(ctx context.Context, c plan.Change) error {
	want := map[string]any{}
	for _, f := range c.Fields {
		want[f.Path] = f.After
	}
	b.insisted = false
	return b.api.setBots(ctx, b.zone.ID, want)
}

func (b *botSettings) Undo(ctx context.Context, c plan.Change) error {
	var before map[string]any
	if err := json.Unmarshal(c.Before, &before); err != nil {
		return fmt.Errorf("read what was before: %w", err)
	}
	return b.api.setBots(ctx, b.zone.ID, before)
}

// checkSettings are settings of a zone that a rule ought to have skipped and did not.
type checkSettings struct{ lever }

func (s *checkSettings) Name() string { return settingsResource(s.zone.Name) }

func (s *checkSettings) Proof() []string {
	return []string{"edge.challenges-off", "edge.rules-let-in", "edge.not-blocked"}
}

var calm = map[string]struct {
	to        any
	dashboard string
}{
	"security_level": {"medium", "end Under Attack mode (Security > Settings)"},
	"browser_check":  {"off", "switch Browser Integrity Check off (Security > Settings)"},
}

func (s *checkSettings) Plan(ctx context.Context) (plan.Change, error) {
	now, facts, err := s.look(ctx, s.Name(), partSettings, phaseCustom, phaseConfig)
	if err != nil {
		return plan.Change{}, err
	}
	if c, unseen, err := s.unseen(now, partSettings); unseen || !s.insisted {
		return c, err
	}
	var stand []string
	for _, data := range facts {
		name := map[any]string{"security-level": "security_level", "browser-check": "browser_check"}[data["product"]]
		if data["skipped_by"] != nil && !slices.Contains(stand, name) {
			stand = append(stand, name)
		}
	}
	return s.settle(stand, func(name string) any { return now.settings[name] }, calm)
}

func (s *checkSettings) Apply(ctx context.Context, c plan.Change) error {
	want := map[string]any{}
	for _, f := range c.Fields {
		want[f.Path] = f.After
	}
	s.insisted = false
	return s.set(ctx, want)
}

func (s *checkSettings) Undo(ctx context.Context, c plan.Change) error {
	var before map[string]any
	if err := json.Unmarshal(c.Before, &before); err != nil {
		return fmt.Errorf("read what was before: %w", err)
	}
	return s.set(ctx, before)
}

func (s *checkSettings) set(ctx context.Context, all map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		to, _ := all[name].(string)
		if err := s.api.setSetting(ctx, s.zone.ID, name, to); err != nil {
			return err
		}
	}
	return nil
}
