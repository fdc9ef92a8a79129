package cloudflaretest

import (
	"encoding/json"
	"slices"
	"strings"
)

// unsaid are the fields that tell when something was changed and how often, not what it is.
var unsaid = []string{"modified_on", "updated_at", "last_updated", "version", "created_at", "created_on"}

// Snapshot returns all that stands in the accounts and zones, as canonical JSON: no deleted tunnels, no connections, no events, and not
// when or how often something was changed. What undo put back is what was there before.
func (c *Cloudflare) Snapshot() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := map[string]any{}
	for _, a := range c.accounts {
		m["account "+a.Name] = map[string]any{"tunnels": a.snapshot(), "access apps": shown(a.apps), "access policies": shown(a.policies)}
	}
	for _, z := range c.zones {
		m["zone "+z.Name] = z.snapshot()
	}
	var plain any
	if err := json.Unmarshal(encode(m), &plain); err != nil {
		panic(err) // it was encoded one line above
	}
	strip(plain)
	b, err := json.MarshalIndent(plain, "", "  ")
	if err != nil {
		panic(err) // it came from JSON
	}
	return append(b, '\n')
}

func (a *account) snapshot() []any {
	l := []any{}
	for _, t := range a.tunnels {
		if t.deleted.IsZero() {
			l = append(l, map[string]any{"id": t.id, "name": t.name, "config_src": t.source, "config": t.config})
		}
	}
	return l
}

func (z *zone) snapshot() map[string]any {
	phases := map[string]any{}
	for _, s := range z.rulesets {
		if s.kind == "zone" && len(s.rules) > 0 {
			phases[s.phase] = shown(s.rules)
		}
	}
	return map[string]any{
		"rules": phases, "dns records": sorted(shown(z.records)), "settings": z.settings, "bot management": z.bots, "ip access rules": sorted(shown(z.rules)),
		"access apps": sorted(shown(z.apps)), "user agent rules": sorted(shown(z.agents)),
	}
}

// sorted by id: where the order says nothing.
func sorted(l []map[string]any) []map[string]any {
	slices.SortFunc(l, func(a, b map[string]any) int { return strings.Compare(text(a, "id"), text(b, "id")) })
	return l
}

func strip(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range unsaid {
			delete(v, name)
		}
		for _, inside := range v {
			strip(inside)
		}
	case []any:
		for _, inside := range v {
			strip(inside)
		}
	}
}
