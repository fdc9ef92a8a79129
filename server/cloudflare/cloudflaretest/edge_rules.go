package cloudflaretest

import (
	"maps"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// matching calls do for each enabled rule of a phase that holds for the visit, until it returns an answer or stop.
func (v *visit) matching(phase string, do func(rule *document) (p *page, stop bool)) *page {
	s := v.zone.entrypoint(phase)
	if s == nil || v.off.phases[phase] {
		return nil
	}
	for _, rule := range s.rules {
		holds, err := parseExpression(rule.text("expression"))
		if err != nil || !rule.truth("enabled") || !holds(v) {
			continue
		}
		if p, stop := do(rule); p != nil || stop {
			return p
		}
	}
	return nil
}

func (v *visit) redirectRules() *page {
	return v.matching(PhaseRedirect, func(rule *document) (*page, bool) {
		from := inner(inner(rule.fields, "action_parameters"), "from_value")
		to := text(inner(from, "target_url"), "value")
		status := int(number(from, "status_code"))
		if status == 0 {
			status = http.StatusMovedPermanently
		}
		if e := text(inner(from, "target_url"), "expression"); e != "" {
			to = concatenated(e, v)
		}
		if truth(from, "preserve_query_string") && v.r.URL.RawQuery != "" {
			to += "?" + v.r.URL.RawQuery
		}
		return redirect(status, to), false
	})
}

// concatenated evaluates concat("...", field) as redirect rules have it.
func concatenated(expression string, v *visit) string {
	args, ok := strings.CutPrefix(strings.TrimSpace(expression), "concat(")
	if !ok {
		args = expression
	}
	var b strings.Builder
	for _, a := range strings.Split(strings.TrimSuffix(args, ")"), ",") {
		a = strings.TrimSpace(a)
		if f, ok := fields[a]; ok {
			s, _ := f.of(v).(string)
			b.WriteString(s)
		} else {
			b.WriteString(strings.Trim(a, `"`))
		}
	}
	return b.String()
}

// configRules change settings for a visit; the names are those of the settings but for one.
func (v *visit) configRules() *page {
	return v.matching(PhaseConfig, func(rule *document) (*page, bool) {
		p := maps.Clone(inner(rule.fields, "action_parameters"))
		if bic, ok := p["bic"]; ok {
			p["browser_check"] = bic
		}
		v.set = changed(orEmpty(v.set), p)
		return nil, false
	})
}

// accessRules are by address, network, AS or country; whitelist lets past all but Access.
func (v *visit) accessRules() *page {
	for _, d := range v.zone.rules {
		target := inner(d.fields, "configuration")
		code, ok := v.isTarget(text(target, "target"), text(target, "value"))
		if !ok {
			continue
		}
		switch mode := d.text("mode"); mode {
		case "whitelist":
			v.off = skips{
				custom: true, phases: map[string]bool{PhaseCustom: true, PhaseRateLimit: true, PhaseManaged: true, PhaseSuperBots: true},
				products: map[string]bool{"bic": true, "uaBlock": true, "securityLevel": true, "rateLimit": true, "waf": true, "botFight": true},
			}
			return nil
		case "block":
			return v.stop(v.fault(code), "block", "ip", d.id, "", d.text("notes"))
		default:
			return v.stop(challenge(), mode, "ip", d.id, "", d.text("notes"))
		}
	}
	return nil
}

// isTarget says by which error a rule for it blocks.
func (v *visit) isTarget(target, value string) (int, bool) {
	switch target {
	case "ip", "ip6":
		a, err := netip.ParseAddr(value)
		return 1006, err == nil && a == v.from.IP
	case "ip_range":
		n, err := netip.ParsePrefix(value)
		return 1006, err == nil && n.Contains(v.from.IP)
	case "asn":
		return 1005, strings.TrimPrefix(strings.ToUpper(value), "AS") == v.from.asn()
	}
	return 1009, target == "country" && strings.EqualFold(value, v.from.Country)
}

// stop records that a product answers, and returns its answer.
func (v *visit) stop(p *page, action, source, ruleID, rulesetID, description string) *page {
	v.status = p.status
	v.c.record(v, action, source, ruleID, rulesetID, description)
	return p
}

// act does what a rule's action says.
func (v *visit) act(rule *document, source, rulesetID string) (*page, bool) {
	switch action := rule.text("action"); action {
	case "block":
		return v.stop(v.blocked(rule), action, source, rule.id, rulesetID, rule.text("description")), false
	case "challenge", "js_challenge", "managed_challenge":
		return v.stop(challenge(), action, source, rule.id, rulesetID, rule.text("description")), false
	default:
		v.c.record(v, action, source, rule.id, rulesetID, rule.text("description"))
	}
	return nil, false
}

// blocked is the block page, or what the rule has instead.
func (v *visit) blocked(rule *document) *page {
	if r := inner(inner(rule.fields, "action_parameters"), "response"); r != nil {
		return &page{status: int(number(r, "status_code")), media: text(r, "content_type"), body: text(r, "content")}
	}
	return v.fault(1020)
}

func (v *visit) customRules() *page {
	s := v.zone.entrypoint(PhaseCustom)
	return v.matching(PhaseCustom, func(rule *document) (*page, bool) {
		if rule.text("action") != "skip" {
			return v.act(rule, "firewallCustom", s.id)
		}
		v.off.add(inner(rule.fields, "action_parameters"))
		if logging, ok := rule.fields["logging"].(map[string]any); !ok || truth(logging, "enabled") {
			v.c.record(v, "skip", "firewallCustom", rule.id, s.id, rule.text("description"))
		}
		return nil, v.off.custom
	})
}

// A counter is what a rate limit counted of one visitor.
type counter struct {
	since, until time.Time
	n            int
}

func (v *visit) rateLimits() *page {
	if v.off.products["rateLimit"] {
		return nil
	}
	return v.matching(PhaseRateLimit, func(rule *document) (*page, bool) {
		r := inner(rule.fields, "ratelimit")
		key := rule.id + " " + v.from.IP.String()
		k := v.c.counted[key]
		period := time.Duration(number(r, "period")) * time.Second
		if k == nil || v.now.Sub(k.since) >= period && !v.now.Before(k.until) {
			k = &counter{since: v.now}
			v.c.counted[key] = k
		}
		k.n++
		if !v.now.Before(k.until) && k.n <= int(number(r, "requests_per_period")) {
			return nil, false
		}
		if k.until.IsZero() {
			k.until = v.now.Add(time.Duration(max(1, number(r, "mitigation_timeout"))) * time.Second)
		}
		if rule.text("action") != "block" {
			return v.act(rule, "ratelimit", "")
		}
		wait := int(k.until.Sub(v.now)/time.Second) + 1
		p := v.fault(1015).with("Retry-After", strconv.Itoa(wait))
		return v.stop(p, "block", "ratelimit", rule.id, "", rule.text("description")), false
	})
}
