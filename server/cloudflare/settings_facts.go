package cloudflare

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// SettingKind is the kind of fact that Settings tells.
const SettingKind = "edge-setting"

// Settings tells what of their zones stands before the hosts of a server and its authorization server: each setting, rule or
// application once, with whom of the connection's clients it stops. Of other hosts, and of who visits, nothing is told.
func (a *API) Settings(c plan.Connection, target string) probe.Informant {
	return func(ctx context.Context, _, _ time.Time, note func(probe.Fact)) error {
		of, err := a.zonesOf(ctx, c, target)
		if err != nil {
			return err
		}
		var failures error
		for _, in := range of {
			s, err := a.stand(ctx, in.zone, in.hosts())
			failures = errors.Join(failures, err)
			s.facts(in.surfaces, callers(c), func(data map[string]any) {
				note(probe.Fact{Kind: SettingKind, Source: "cloudflare api", At: a.o.Now(), Data: data})
			})
		}
		return failures
	}
}

// A zoned is a zone with those of its surfaces that are at hand.
type zoned struct {
	zone     Zone
	surfaces []surface
}

func (z zoned) hosts() []string {
	var all []string
	for _, s := range z.surfaces {
		all = append(all, s.host)
	}
	return all
}

// zonesOf are the zones that the connection's hosts lie in, each once; with a target only its host and Keycloak's. A host in no zone
// that the token sees is another edge's.
func (a *API) zonesOf(ctx context.Context, c plan.Connection, target string) ([]zoned, error) {
	zones, err := a.Zones(ctx)
	if err != nil {
		return nil, err
	}
	var all []zoned
	for _, s := range surfacesAt(c, target) {
		zone, err := ZoneOf(zones, "", s.host)
		i := slices.IndexFunc(all, func(z zoned) bool { return z.zone.ID == zone.ID })
		switch {
		case err != nil: // another edge's, or nobody's
		case i < 0:
			all = append(all, zoned{zone, []surface{s}})
		default:
			all[i].surfaces = append(all[i].surfaces, s)
		}
	}
	return all, nil
}

// surfacesAt are those of the hosts that a handshake with the target meets; all without one.
func surfacesAt(c plan.Connection, target string) []surface {
	if target == "" {
		return surfaces(c)
	}
	c.Servers = slices.DeleteFunc(slices.Clone(c.Servers), func(s plan.Server) bool { return s.URL != target })
	if len(c.Servers) == 0 {
		c.Servers = []plan.Server{{URL: target}}
	}
	return surfaces(c)
}

// A view is what stands before one surface.
type view struct {
	*standing
	surface
	visits []visit
	note   func(map[string]any)
}

// facts tells what stands before surfaces.
func (s *standing) facts(of []surface, by []caller, note func(map[string]any)) {
	for _, one := range of {
		view{standing: s, surface: one, visits: one.visits(by), note: func(data map[string]any) {
			data["host"], data["zone"] = one.host, s.zone.Name
			note(data)
		}}.tell()
	}
}

func (v view) tell() {
	v.tellAccess()
	v.tellBots()
	v.tellCustomRules()
	v.tellRateLimits()
	v.tellIPRules()
	v.tellManagedRules()
	v.tellChecks()
	v.tellChanges()
	v.tellRecord()
}

// may tells of a product whose state the token may not see, and reports whether it may.
func (v view) may(part string, products ...string) bool {
	lack, missing := v.lacks[part]
	for _, p := range products {
		if missing {
			v.note(map[string]any{"product": p, "state": "unreadable", "permission": lack, "applies": false})
		}
	}
	return !missing
}

// Names of the resources that mend.
func ruleResource(host string) string     { return "cloudflare/rule/" + host }
func accessResource(host string) string   { return "cloudflare/access/" + host }
func crawlResource(zone string) string    { return "cloudflare/crawl/" + zone }
func botsResource(zone string) string     { return "cloudflare/bots/" + zone }
func settingsResource(zone string) string { return "cloudflare/settings/" + zone }

func (v view) tellAccess() {
	if !v.may(partAccess, "access") {
		return
	}
	all := v.obstacles(v.apps)
	for _, o := range all {
		v.note(map[string]any{"product": "access", "name": o.name(), "state": o.told(), "applies": true, "managed_oauth": o.decides() == managesAuth,
			"paths": o.paths, "resource": accessResource(v.host)})
	}
	if len(all) == 0 {
		v.note(map[string]any{"product": "access", "state": "none before the server's paths", "applies": false})
	}
}

// certain says of every visit that it is stopped.
func certain(visit) judged { return judged{truth: yes} }

// unskipped tallies visits that a product stops, unless a rule skips it for all of them: then by is that rule.
func (v view) unskipped(stops func(visit) judged, skips func(passage) (rule, bool)) tally {
	var by *rule
	t := count(v.visits, func(one visit) judged {
		j := stops(one)
		if r, ok := skips(v.phases[phaseCustom].pass(one)); ok && j.truth != no {
			by = &r
			return judged{truth: no}
		}
		return j
	})
	if t.none() && by != nil {
		t = count(v.visits, stops)
		t.by = by
	}
	return t
}

func skipsPhase(name string) func(passage) (rule, bool) {
	return func(p passage) (rule, bool) { r, ok := p.phases[name]; return r, ok }
}

func skipsProduct(name string) func(passage) (rule, bool) {
	return func(p passage) (rule, bool) { r, ok := p.products[name]; return r, ok }
}

// next is what mends a product that rules can skip: the rule, and where one skips it already to no avail, what is stronger.
func (v view) next(t tally, stronger string) string {
	if t.by != nil && (slices.Contains(t.by.Parameters.Phases, phaseManaged) || !ours(*t.by, v.host)) {
		return stronger
	}
	return ruleResource(v.host)
}

func (v view) tellBots() {
	if !v.may(partBots, "block-ai-bots", "bot-fight-mode", "super-bot-fight-mode") {
		return
	}
	ai := map[string]any{"product": "block-ai-bots", "state": cmp.Or(wordOf(v.bots, aiProtection), "disabled"), "applies": false}
	if state := ai["state"]; state == "block" || state == "only_on_ad_pages" {
		how := judged{yes, ""}
		if state != "block" {
			how = judged{maybe, "Cloudflare sees advertisements on the host"}
		}
		t := v.unskipped(func(one visit) judged {
			if !isAIBot(one.agent) {
				return judged{truth: no}
			}
			return how
		}, skipsPhase(phaseSuperBots))
		t.dataOf(ai, v.visits)
		ai["resource"] = v.next(t, botsResource(v.zone.Name))
	}
	v.note(ai)
	if on, there := v.bots[fightMode].(bool); there {
		data := map[string]any{"product": "bot-fight-mode", "state": wordOf(v.bots, fightMode), "applies": on && !v.allowedByAddress(), "resource": botsResource(v.zone.Name)}
		v.note(data)
	}
	for _, name := range slices.Sorted(maps.Keys(superBots(v.bots))) {
		data := map[string]any{"product": "super-bot-fight-mode", "name": name, "state": wordOf(v.bots, name)}
		t := v.unskipped(certain, skipsPhase(phaseSuperBots))
		t.dataOf(data, v.visits)
		data["resource"] = v.next(t, botsResource(v.zone.Name))
		v.note(data)
	}
}

// allowedByAddress: IP access rules let all of hosted Claude's network past Bot Fight Mode, and all clients come from there.
func (v view) allowedByAddress() bool {
	if slices.ContainsFunc(v.visits, func(one visit) bool { return !one.from.IsValid() }) {
		return false
	}
	for at := hostedAt.Addr(); hostedAt.Contains(at); at = next24(at) {
		n := netip.PrefixFrom(at, 24)
		if !slices.ContainsFunc(v.ip, func(r ipRule) bool {
			allowed, ok := network(r.Configuration.Value)
			return ok && r.Mode == "whitelist" && !r.Paused && allowed.Bits() <= n.Bits() && allowed.Contains(at)
		}) {
			return false
		}
	}
	return len(v.visits) > 0
}

func next24(a netip.Addr) netip.Addr {
	b := a.As4()
	b[2]++
	return netip.AddrFrom4(b)
}

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
	for product, stops := range map[string]bool{"custom-rule": told, "ai-crawl-control": crawl} {
		if !stops {
			v.note(map[string]any{"product": product, "state": "none that stops the clients", "applies": false})
		}
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
		data := map[string]any{"product": "rate-limit", "name": r.name(), "rule": r.ID, "state": fmt.Sprintf("%s after %d requests in %d s", r.Action, r.RateLimit.Requests, r.RateLimit.Period)}
		t.dataOf(data, v.visits)
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

// configured is a setting as a configuration rule has it for a visit, or the zone's own.
func (v view) configured(one visit, name string) string {
	value := v.settings[name]
	for _, r := range v.phases[phaseConfig].Rules {
		if !r.enabled() || holds(r.Expression, one).truth != yes {
			continue
		}
		p := r.Parameters
		switch on := map[string]*bool{"browser_check": p.BIC, "rocket_loader": p.RocketLoader}[name]; {
		case on != nil:
			value = map[bool]string{true: "on", false: "off"}[*on]
		case name == "security_level" && p.SecurityLevel != "":
			value = p.SecurityLevel
		}
	}
	return value
}

// tellChecks tells of the zone's settings that judge every request.
func (v view) tellChecks() {
	if !v.may(partSettings, "security-level", "browser-check") {
		return
	}
	level := map[string]any{"product": "security-level", "state": v.settings["security_level"]}
	t := v.unskipped(func(one visit) judged {
		return settled(v.configured(one, "security_level") == "under_attack", "")
	}, skipsProduct("securityLevel"))
	t.dataOf(level, v.visits)
	level["resource"] = v.next(t, settingsResource(v.zone.Name))
	v.note(level)
	check := map[string]any{"product": "browser-check", "state": v.settings["browser_check"], "on": v.settings["browser_check"] == "on"}
	t = v.unskipped(func(one visit) judged {
		return settled(v.configured(one, "browser_check") == "on" && failsIntegrity(one.agent), "")
	}, skipsProduct("bic"))
	t.dataOf(check, v.visits)
	check["resource"] = v.next(t, settingsResource(v.zone.Name))
	v.note(check)
}

// tellChanges tells of what sends requests elsewhere, keeps answers, or rewrites pages.
func (v view) tellChanges() {
	if v.may(phaseRedirect, "redirect-rule") {
		v.tellRules(phaseRedirect, "redirect-rule", func(r rule) (string, bool) {
			return fmt.Sprintf("%d to %s", r.Parameters.From.Status, cmp.Or(r.Parameters.From.Target.Value, r.Parameters.From.Target.Expression)), r.Action == "redirect"
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
	v.note(map[string]any{"product": "ssl", "state": v.settings["ssl"], "applies": v.settings["ssl"] == "flexible" && !v.tunnelled() && v.lacks[partRecords] == ""})
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
		data := map[string]any{"product": "dns-record", "name": r.Name, "state": state, "applies": tunnel != "" && !r.Proxied, "resource": "cloudflare/dns/" + v.host}
		if tunnel != "" {
			data["tunnel"] = tunnel
		}
		v.note(data)
	}
}
