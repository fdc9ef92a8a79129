package cloudflaretest

import (
	"net/http"
	"slices"
)

// User Agent Blocking: rules for one User-Agent each, which has to be the same whole.

func listAgentRules(c *call) answer { return paged(c, shown(c.zone.agents), 20, 1000) }

func createAgentRule(c *call) answer {
	b := c.object()
	target := inner(b, "configuration")
	if text(target, "target") != "ua" || text(target, "value") == "" || !slices.Contains(accessModes, text(b, "mode")) {
		return refused(http.StatusBadRequest, 10001, "firewalluablock.api.validation_error")
	}
	d := &document{id: c.id(), fields: changed(map[string]any{"paused": false, "description": ""}, b)}
	d.fields["id"] = d.id
	c.zone.agents = append(c.zone.agents, d)
	return found(copied(d.fields))
}

func deleteAgentRule(c *call) answer {
	if find(c.zone.agents, c.at["rule"]) == nil {
		return refused(http.StatusNotFound, 10001, "firewalluablock.api.not_found")
	}
	c.zone.agents = without(c.zone.agents, c.at["rule"])
	return found(map[string]any{"id": c.at["rule"]})
}

// agentRules stops a visit whose User-Agent a rule names.
func (v *visit) agentRules() *page {
	if v.off.products["uaBlock"] {
		return nil
	}
	for _, d := range v.zone.agents {
		if d.truth("paused") || text(inner(d.fields, "configuration"), "value") != v.r.UserAgent() {
			continue
		}
		if mode := d.text("mode"); mode != "block" {
			return v.stop(challenge(), mode, "uaBlock", d.id, "", d.text("description"))
		}
		return v.stop(v.fault(1010), "block", "uaBlock", d.id, "", d.text("description"))
	}
	return nil
}
