package cloudflare

import (
	"fmt"
	"slices"
	"strings"
)

// isCrawlControl tells AI Crawl Control's rule from those of the operator.
func isCrawlControl(r rule) bool {
	return strings.HasPrefix(r.Description, "AI Crawl Control") || strings.Contains(r.Ref, "CF AI Audit")
}

func (v view) tellCustomRules() {
	if !v.may(phaseCustom, "custom-rule", "ai-crawl-control") {
		return
	}
	told, crawl := false, false
	for _, r := range v.phases[phaseCustom].Rules {
		t := count(v.visits, func(one visit) judged {
			for _, s := range v.phases[phaseCustom].pass(one).stops {
				if s.ID == r.ID {
					return s.judged
				}
			}
			return judged{truth: no}
		})
		if t.none() {
			continue
		}
		data := map[string]any{"product": "custom-rule", "name": r.name(), "rule": r.ID, "state": r.Action}
		if isCrawlControl(r) {
			data["product"], data["resource"], crawl = "ai-crawl-control", crawlResource(v.zone.Name), true
		}
		t.dataOf(data, v.visits)
		v.note(data)
		told = told || data["product"] == "custom-rule"
	}
	if !told {
		v.note(map[string]any{"product": "custom-rule", "state": "none that stops the clients", "applies": false})
	}
	if !crawl {
		v.note(map[string]any{"product": "ai-crawl-control", "state": "none that stops the clients", "applies": false})
	}
}

// connecting is about how many requests one client makes to connect.
const connecting = 20

func (v view) tellRateLimits() {
	if !v.may(phaseRateLimit, "rate-limit") {
		return
	}
	for _, r := range v.phases[phaseRateLimit].Rules {
		if r.RateLimit == nil || !r.enabled() {
			continue
		}
		t := v.unskipped(func(one visit) judged { return holds(r.Expression, one) }, func(p passage) (rule, bool) {
			if by, ok := p.products["rateLimit"]; ok {
				return by, true
			}
			by, ok := p.phases[phaseRateLimit]
			return by, ok
		})
		if t.none() {
			continue
		}
		data := map[string]any{"product": "rate-limit", "name": r.name(), "rule": r.ID,
			"state": fmt.Sprintf("%s after %d requests in %d s", r.Action, r.RateLimit.Requests, r.RateLimit.Period)}
		v.put(t, data)
		if data["on"] = true; r.RateLimit.Requests >= connecting {
			data["applies"] = false
			delete(data, "may")
		}
		v.note(data)
	}
}

func (v view) tellIPRules() {
	if !v.may(partIP, "ip-access-rule") {
		return
	}
	told := false
	for _, r := range v.ip {
		if r.Paused || !slices.Contains([]string{"block", "challenge", "js_challenge", "managed_challenge"}, r.Mode) {
			continue
		}
		of := r.Configuration
		t := count(v.visits, func(one visit) judged {
			switch n, ok := network(of.Value); {
			case ok && one.from.IsValid():
				return settled(equal(one.from, n), "ip.src in {"+of.Value+"}")
			case of.Target == "country" && one.country != "":
				return settled(strings.EqualFold(of.Value, one.country), "")
			case of.Target == "asn" && one.from.IsValid():
				return judged{maybe, "ip.src.asnum eq " + strings.TrimPrefix(strings.ToUpper(of.Value), "AS")}
			}
			return judged{truth: no}
		})
		if t.none() {
			continue
		}
		data := map[string]any{"product": "ip-access-rule", "name": of.Target + " " + of.Value, "rule": r.ID, "state": r.Mode}
		t.dataOf(data, v.visits)
		v.note(data)
		told = true
	}
	if !told {
		v.note(map[string]any{"product": "ip-access-rule", "state": "none that stops the clients", "applies": false})
	}
}

func (v view) tellManagedRules() {
	if !v.may(phaseManaged, "managed-waf") {
		return
	}
	for _, r := range v.phases[phaseManaged].Rules {
		if !r.enabled() || r.Action != "execute" {
			continue
		}
		t := v.unskipped(func(one visit) judged { return holds(r.Expression, one) }, func(p passage) (rule, bool) {
			if by, ok := p.products["waf"]; ok {
				return by, true
			}
			by, ok := p.phases[phaseManaged]
			return by, ok
		})
		if !t.none() {
			v.note(map[string]any{"product": "managed-waf", "name": r.name(), "state": "on", "applies": false, "on": t.by == nil, "paths": t.paths})
		}
	}
}
