package cloudflare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// tellChanges tells of what sends requests elsewhere, keeps answers, or rewrites pages.
func (v view) tellChanges() {
	if v.may(phaseRedirect, "redirect-rule") {
		v.tellRules(phaseRedirect, "redirect-rule", func(r rule) (string, bool) {
			to := r.Parameters.From
			return fmt.Sprintf("%d to %s", to.Status, cmp.Or(to.Target.Value, to.Target.Expression)), r.Action == "redirect"
		})
	}
	if v.may(phaseCache, "cache-rule") {
		v.tellRules(phaseCache, "cache-rule", func(r rule) (string, bool) {
			return "caches everything", r.Parameters.Cache != nil && *r.Parameters.Cache
		})
	}
	v.tellPageRules()
	if !v.may(partSettings, "rocket-loader", "ssl") {
		return
	}
	pages := false
	for _, one := range v.asks {
		pages = pages || one.login && v.configured(visit{method: one.method, host: v.host, path: one.path}, "rocket_loader") == "on"
	}
	v.note(map[string]any{"product": "rocket-loader", "state": v.settings["rocket_loader"], "applies": pages})
	flexible := v.settings["ssl"] == "flexible" && !v.tunnelled() && v.lacks[partRecords] == ""
	v.note(map[string]any{"product": "ssl", "state": v.settings["ssl"], "applies": flexible})
}

func (v view) tellRules(phase, product string, does func(rule) (string, bool)) {
	told := false
	for _, r := range v.phases[phase].Rules {
		state, ok := does(r)
		t := count(v.visits, func(one visit) judged { return holds(r.Expression, one) })
		if !ok || !r.enabled() || t.none() {
			continue
		}
		data := map[string]any{"product": product, "name": r.name(), "rule": r.ID, "state": state}
		t.dataOf(data, v.visits)
		v.note(data)
		told = true
	}
	if !told {
		v.note(map[string]any{"product": product, "state": "none on the server's paths", "applies": false})
	}
}

const tunnelSuffix = ".cfargotunnel.com"

func (v view) recordsHere() []record {
	return slices.DeleteFunc(slices.Clone(v.records), func(r record) bool { return r.Name != v.host })
}

func (v view) tunnelled() bool {
	return slices.ContainsFunc(v.recordsHere(), func(r record) bool { return strings.HasSuffix(r.Content, tunnelSuffix) })
}

// tellRecord tells where the host's name leads. A tunnel's name means something only to the edge.
func (v view) tellRecord() {
	if !v.may(partRecords, "dns-record") {
		return
	}
	for _, r := range v.recordsHere() {
		if r.Type != "A" && r.Type != "AAAA" && r.Type != "CNAME" {
			continue
		}
		state, tunnel := r.Type, ""
		if strings.HasSuffix(r.Content, tunnelSuffix) {
			tunnel, state = strings.TrimSuffix(r.Content, tunnelSuffix), r.Type+" to a tunnel"
		}
		if !r.Proxied {
			state += ", not proxied"
		}
		data := map[string]any{"product": "dns-record", "name": r.Name, "state": state, "applies": tunnel != "" && !r.Proxied,
			"resource": "cloudflare/dns/" + v.host}
		if tunnel != "" {
			data["tunnel"] = tunnel
		}
		v.note(data)
	}
}
