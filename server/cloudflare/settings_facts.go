package cloudflare

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// SettingKind is the kind of fact that Settings tells.
const SettingKind = "edge-setting"

// Settings tells what of their zones stands before the hosts of a server and its authorization server: each setting, rule or
// application once, with whom of the connection's clients it stops. Of other hosts, and of who visits, nothing is told. The same
// informant may be given to several handshakes: what was read since one began is told it too, without asking again.
func (a *API) Settings(c plan.Connection, target string) probe.Informant {
	var last lookback
	return func(ctx context.Context, from, _ time.Time, note func(probe.Fact)) error {
		return last.tell(from, note, func(note func(probe.Fact)) error { return a.tellSettings(ctx, c, target, note) })
	}
}

// A lookback keeps the facts that were told last.
type lookback struct {
	mu    sync.Mutex
	since time.Time
	facts []probe.Fact
	err   error
}

func (r *lookback) tell(from time.Time, note func(probe.Fact), read func(func(probe.Fact)) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.since.IsZero() || r.since.Before(from) || r.err != nil {
		r.since, r.facts = time.Now(), nil
		r.err = read(func(f probe.Fact) { r.facts = append(r.facts, f) })
	}
	for _, f := range r.facts {
		note(f)
	}
	return r.err
}

func (a *API) tellSettings(ctx context.Context, c plan.Connection, target string, note func(probe.Fact)) error {
	of, err := a.zonesOf(ctx, c, target)
	if err != nil {
		return err
	}
	var failures error
	if len(of) == 0 {
		note(probe.Fact{Kind: SettingKind, Source: "cloudflare api", At: a.now(), Data: map[string]any{
			"product": "zone", "state": "none that the token sees has the host in it", "applies": false}})
	}
	for _, in := range of {
		s, err := a.stand(ctx, in.zone, in.hosts())
		failures = errors.Join(failures, err)
		s.facts(in.surfaces, callers(c), func(data map[string]any) {
			note(probe.Fact{Kind: SettingKind, Source: "cloudflare api", At: a.now(), Data: data})
		})
	}
	return failures
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
	// hosted: all of them come from hosted Claude's network.
	hosted bool
	note   func(map[string]any)
}

// facts tells what stands before surfaces.
func (s *standing) facts(of []surface, by []caller, note func(map[string]any)) {
	for _, one := range of {
		view{standing: s, surface: one, visits: one.visits(by), hosted: allHosted(by), note: func(data map[string]any) {
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
	all := v.obstacles(v.apps, v.hosted)
	for _, o := range all {
		data := map[string]any{"product": "access", "name": o.name(), "state": o.told(), "applies": o.stops(),
			"managed_oauth": o.stops() && o.decides(false) == managesAuth, "paths": o.paths, "resource": accessResource(v.host)}
		if !o.stops() {
			data["may"], data["paths"], data["where"] = true, o.pages, "a user signs in twice: programs do not meet it"
		}
		v.note(data)
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

// put writes a tally of what rules can skip into a fact. Where the token may not see the rules, one may do so.
func (v view) put(t tally, data map[string]any) {
	t.dataOf(data, v.visits)
	if lack := v.lacks[phaseCustom]; lack != "" && data["applies"] == true {
		data["applies"], data["may"], data["where"] = false, true, "no custom rule skips it, which the token may not see: it lacks "+lack
	}
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
	v.note(map[string]any{"product": "ai-labyrinth", "state": cmp.Or(wordOf(v.bots, labyrinth), "disabled"), "applies": false}) // links in pages alone
	if wordOf(v.bots, contentBots) == "block" {
		v.tellSkippable("content-bots", contentBots)
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
		v.put(t, ai)
		ai["resource"] = v.next(t, botsResource(v.zone.Name))
	}
	v.note(ai)
	if on, there := v.bots[fightMode].(bool); there {
		v.note(map[string]any{"product": "bot-fight-mode", "state": wordOf(v.bots, fightMode), "applies": on && !v.allowedByAddress(),
			"resource": botsResource(v.zone.Name)})
	}
	for _, name := range slices.Sorted(maps.Keys(superBots(v.bots))) {
		v.tellSkippable("super-bot-fight-mode", name)
	}
}

// tellSkippable tells of a field of bot management that a rule can take off the server's paths.
func (v view) tellSkippable(product, field string) {
	data := map[string]any{"product": product, "name": field, "state": wordOf(v.bots, field)}
	t := v.unskipped(certain, skipsPhase(phaseSuperBots))
	v.put(t, data)
	data["resource"] = v.next(t, botsResource(v.zone.Name))
	v.note(data)
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
	v.put(t, level)
	level["resource"] = v.next(t, settingsResource(v.zone.Name))
	v.note(level)
	check := map[string]any{"product": "browser-check", "state": v.settings["browser_check"], "on": v.settings["browser_check"] == "on"}
	t = v.unskipped(func(one visit) judged {
		return settled(v.configured(one, "browser_check") == "on" && failsIntegrity(one.agent), "")
	}, skipsProduct("bic"))
	v.put(t, check)
	check["resource"] = v.next(t, settingsResource(v.zone.Name))
	v.note(check)
	for _, name := range []string{"always_use_https", "min_tls_version", "email_obfuscation", "websockets"} { // programs are stopped by none of them
		v.note(map[string]any{"product": strings.ReplaceAll(name, "_", "-"), "state": v.settings[name], "applies": false})
	}
}
