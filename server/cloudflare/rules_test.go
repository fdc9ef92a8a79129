package cloudflare_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server/cloudflare"
	"github.com/mcpwiz/mcpwiz/server/cloudflare/cloudflaretest"
)

const (
	aHost   = "mcp.example.com"
	aTarget = "https://mcp.example.com/mcp"
	aToken  = cloudflaretest.DefaultToken
)

// A trial is a small Cloudflare with a server behind its edge, and our API to it.
type trial struct {
	*cloudflaretest.Cloudflare
	t   *testing.T
	api *cloudflare.API
	c   plan.Connection
}

func aTrial(t *testing.T, o cloudflaretest.Options) *trial {
	t.Helper()
	k := &trial{Cloudflare: cloudflaretest.New(o), t: t, c: plan.Connection{
		Servers:  []plan.Server{{URL: aTarget}},
		Keycloak: plan.Keycloak{Issuer: "https://mcp.example.com/realms/home"},
		Clients:  []plan.Client{{Profile: "claude-ai"}, {Profile: "python-sdk"}},
	}}
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the server") }))
	t.Cleanup(origin.Close)
	connector, err := k.Expose(aHost, origin.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(connector.Close)
	k.open(aToken)
	return k
}

func (k *trial) open(token string) {
	k.t.Helper()
	served := httptest.NewServer(k.Cloudflare)
	k.t.Cleanup(served.Close)
	var err error
	if k.api, err = cloudflare.Open(k.t.Context(), cloudflare.Options{BaseURL: served.URL + "/client/v4", Token: plan.Secret(token)}); err != nil {
		k.t.Fatal(err)
	}
}

func (k *trial) do(method, path string, body any) {
	k.t.Helper()
	if _, err := k.Do(method, strings.Replace(path, "ZONE", "zones/"+k.ZoneID("example.com"), 1), body); err != nil {
		k.t.Fatal(err)
	}
}

func (k *trial) rule(phase string, fields map[string]any) {
	k.t.Helper()
	if err := k.AddRule("example.com", phase, fields); err != nil {
		k.t.Fatal(err)
	}
}

func (k *trial) app(fields map[string]any) {
	k.t.Helper()
	app := map[string]any{"name": "an app", "type": "self_hosted", "domain": aHost, "policies": []any{map[string]any{
		"name": "users", "decision": "allow", "include": []any{map[string]any{"email": map[string]any{"email": "a@example.com"}}}}}}
	for name, v := range fields {
		app[name] = v
	}
	k.do("POST", "accounts/"+k.AccountID("Home")+"/access/apps", app)
}

// ask sends a request through the edge, and returns the status and what the answer says.
func (k *trial) ask(method, path, agent string) (int, string) {
	k.t.Helper()
	r := httptest.NewRequest(method, "https://"+aHost+path, nil)
	r.RemoteAddr = "160.79.106.11:4242"
	r.Header.Set("User-Agent", agent)
	w := httptest.NewRecorder()
	k.Edge().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// facts are those of a product, as told now.
func (k *trial) facts(product string) []map[string]any {
	k.t.Helper()
	var all []map[string]any
	err := k.api.Settings(k.c, aTarget)(k.t.Context(), time.Now(), time.Now(), func(f probe.Fact) {
		if f.Kind != cloudflare.SettingKind || f.Source == "" || f.At.IsZero() {
			k.t.Errorf("not a fact of a setting: %+v", f)
		}
		if f.Data["product"] == product {
			all = append(all, f.Data)
		}
	})
	if err != nil {
		k.t.Fatal(err)
	}
	return all
}

// applying is the fact of a product that stops somebody for certain, nil for none.
func (k *trial) applying(product string) map[string]any {
	for _, data := range k.facts(product) {
		if data["applies"] == true {
			return data
		}
	}
	return nil
}

func (k *trial) resources() []plan.Resource {
	k.t.Helper()
	all, err := k.api.RuleResources(k.t.Context(), k.c)
	if err != nil {
		k.t.Fatal(err)
	}
	return all
}

// named is one of them, as fix has it when a finding names it.
func (k *trial) named(name string) plan.Resource {
	k.t.Helper()
	for _, r := range k.resources() {
		if r.Name() == name {
			r.(interface{ Insist() }).Insist()
			return r
		}
	}
	k.t.Fatalf("no resource %s", name)
	return nil
}

// apply plans these and applies it; what was done is in the journal.
func (k *trial) apply(j *plan.Journal, all ...plan.Resource) plan.Plan {
	k.t.Helper()
	p, err := plan.Look(k.t.Context(), all)
	if err != nil {
		k.t.Fatal(err)
	}
	if err := plan.Apply(k.t.Context(), all, p, j, nil); err != nil {
		k.t.Fatal(err)
	}
	return p
}

// undo goes all the way back.
func (k *trial) undo(path string) {
	k.t.Helper()
	records, err := plan.ReadJournal(path)
	if err != nil {
		k.t.Fatal(err)
	}
	find := func(p plan.Past) (plan.Resource, error) {
		for _, r := range k.resources() {
			if r.Name() == p.Change.Resource {
				return r, nil
			}
		}
		return nil, fmt.Errorf("no resource %s", p.Change.Resource)
	}
	if err := plan.Undo(k.t.Context(), plan.Standing(records), find, plan.OpenJournal(path), nil); err != nil {
		k.t.Fatal(err)
	}
}

func TestNothingIsPlannedWhereNothingStandsInTheWay(t *testing.T) {
	t.Parallel()
	k := aTrial(t, cloudflaretest.Options{})
	k.c.Clients = k.c.Clients[:1] // the other sends no User-Agent, which a new zone does not let in
	before := k.Snapshot()
	p, err := plan.Look(t.Context(), k.resources())
	if err != nil {
		t.Fatal(err)
	}
	if !p.Empty() || len(p.Changes) != 5 {
		t.Errorf("planned: %+v", p)
	}
	if left, needed, err := plan.LookNeeded(t.Context(), k.resources()); err != nil || len(left)+len(needed.Changes) != 0 {
		t.Errorf("needed: %+v, %v", needed, err)
	}
	for _, product := range []string{"access", "block-ai-bots", "bot-fight-mode", "ai-crawl-control", "custom-rule", "security-level", "browser-check", "dns-record", "ssl"} {
		if k.applying(product) != nil || len(k.facts(product)) != 1 {
			t.Errorf("%s: %+v", product, k.facts(product))
		}
	}
	if string(k.Snapshot()) != string(before) {
		t.Error("looking changed something")
	}
}

// Each product that stands in the way is told with what mends it, is mended by just that, and comes back with undo.
func TestEachProductIsToldMendedAndPutBack(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct {
		on            func(k *trial)
		product, by   string
		agent         string
		settings      bool
		quiet         bool // the small edge does not have it
		paths, agents []string
	}{
		"block ai bots": {on: func(k *trial) { k.do("PUT", "ZONE/bot_management", map[string]any{"ai_bots_protection": "block"}) },
			product: "block-ai-bots", by: "cloudflare/rule/mcp.example.com", agent: "Claude-User", agents: []string{"Claude-User"}, paths: []string{"/mcp"}},
		"ai crawl control": {on: func(k *trial) {
			if err := k.BlockAICrawlers("example.com", "ClaudeBot", "Claude-User"); err != nil {
				k.t.Fatal(err)
			}
		}, product: "ai-crawl-control", by: "cloudflare/crawl/example.com", agent: "Claude-User", agents: []string{"Claude-User"}, paths: []string{"/mcp"}},
		"bot fight mode": {on: func(k *trial) { k.do("PUT", "ZONE/bot_management", map[string]any{"fight_mode": true}) },
			product: "bot-fight-mode", by: "cloudflare/bots/example.com", agent: "Claude-User", settings: true},
		"content bots": {on: func(k *trial) { k.do("PUT", "ZONE/bot_management", map[string]any{"content_bots_protection": "block"}) },
			product: "content-bots", by: "cloudflare/rule/mcp.example.com", agent: "Claude-User", quiet: true},
		"under attack": {on: func(k *trial) { k.do("PATCH", "ZONE/settings/security_level", map[string]any{"value": "under_attack"}) },
			product: "security-level", by: "cloudflare/rule/mcp.example.com", agent: "Claude-User"},
		"integrity check": {on: func(k *trial) { k.do("PATCH", "ZONE/settings/browser_check", map[string]any{"value": "on"}) },
			product: "browser-check", by: "cloudflare/rule/mcp.example.com", agent: "", agents: []string{""}},
		"access": {on: func(k *trial) { k.app(nil) }, product: "access", by: "cloudflare/access/mcp.example.com", agent: "Claude-User"},
		"access, managed oauth": {on: func(k *trial) { k.app(map[string]any{"oauth_configuration": map[string]any{}}) },
			product: "access", by: "cloudflare/access/mcp.example.com", agent: "Claude-User"},
		"access, wildcard": {on: func(k *trial) { k.app(map[string]any{"domain": "*.example.com"}) }, product: "access", by: "cloudflare/access/mcp.example.com", agent: "Claude-User"},
		"access, documents alone": {on: func(k *trial) { k.app(map[string]any{"domain": aHost + "/.well-known"}) }, product: "access", by: "cloudflare/access/mcp.example.com",
			paths: []string{"/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-authorization-server/realms/home"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := aTrial(t, cloudflaretest.Options{})
			if name != "integrity check" {
				k.do("PATCH", "ZONE/settings/browser_check", map[string]any{"value": "off"})
			}
			one.on(k)
			before := k.Snapshot()
			if one.settings {
				k.c.Expose.Rules = plan.RulesSettings
			}
			data := k.applying(one.product)
			if data == nil || data["resource"] != one.by || data["host"] != aHost {
				t.Fatalf("told as %+v", k.facts(one.product))
			}
			if one.agents != nil && !slices.Equal(data["user_agents"].([]string), one.agents) || one.paths != nil && !slices.Equal(data["paths"].([]string), one.paths) {
				t.Errorf("stops %v at %v", data["user_agents"], data["paths"])
			}
			if !one.quiet && one.paths == nil || slices.Contains(one.paths, "/mcp") {
				if status, said := k.ask("POST", "/mcp", one.agent); status == 200 {
					t.Errorf("it does not stop: %d %s", status, said)
				}
			}
			journal := filepath.Join(t.TempDir(), "journal.jsonl")
			p := k.apply(plan.OpenJournal(journal), k.resources()...)
			for _, c := range p.Changes {
				if c.Empty() == (c.Resource == one.by) {
					t.Errorf("plans %s of %s: %+v", c.Action, c.Resource, c.Fields)
				}
			}
			if left := k.applying(one.product); left != nil {
				t.Errorf("still told: %+v", left)
			}
			for _, path := range []string{"/mcp", "/.well-known/oauth-protected-resource/mcp", "/realms/home/protocol/openid-connect/token"} {
				if status, said := k.ask("POST", path, one.agent); status != 200 {
					t.Errorf("%s: %d %s", path, status, said)
				}
			}
			if again, err := plan.Look(t.Context(), k.resources()); err != nil || !again.Empty() {
				t.Errorf("then still planned: %+v, %v", again, err)
			}
			k.undo(journal)
			if after := k.Snapshot(); string(after) != string(before) {
				t.Errorf("undone it is not as before:\n%s\nbut\n%s", before, after)
			}
		})
	}
}

// What the rule does not let through is given up step by step: first more of the rule, then the zone's setting, if that is allowed.
func TestAFindingThatComesBackHasTheNextStronger(t *testing.T) {
	t.Parallel()
	k := aTrial(t, cloudflaretest.Options{AIBotsUnskippable: true})
	k.c.Clients = k.c.Clients[:1]
	k.do("PUT", "ZONE/bot_management", map[string]any{"ai_bots_protection": "block"})
	before := k.Snapshot()
	journal := filepath.Join(t.TempDir(), "journal.jsonl")
	var phases []any
	for range 2 {
		p := k.apply(plan.OpenJournal(journal), k.named("cloudflare/rule/mcp.example.com"))
		for _, f := range p.Changes[0].Fields {
			if f.Path == "skip.phases" {
				phases = append(phases, f.After)
			}
		}
		if status, _ := k.ask("POST", "/mcp", "Claude-User"); status != 403 {
			t.Fatalf("let through: %d", status)
		}
	}
	if got := fmt.Sprint(phases); got != "[[http_request_sbfm] [http_request_sbfm http_request_firewall_managed]]" {
		t.Errorf("skips, one after the other: %s", got)
	}
	told := k.facts("block-ai-bots")[0]
	if told["resource"] != "cloudflare/bots/example.com" || told["skipped_by"] == nil || told["applies"] == true {
		t.Fatalf("then it is told as %+v", told)
	}
	last, err := plan.Look(t.Context(), []plan.Resource{k.named("cloudflare/bots/example.com")})
	if err != nil || last.Changes[0].Action != plan.Refuse || !strings.Contains(last.Changes[0].Propose, "Block AI bots") ||
		!strings.Contains(last.Changes[0].Propose, "expose.rules: settings") {
		t.Errorf("not allowed, it plans %+v, %v", last, err)
	}
	k.c.Expose.Rules = plan.RulesSettings
	if p, err := plan.Look(t.Context(), k.resources()); err != nil || !p.Empty() {
		t.Errorf("without a finding it plans %+v, %v", p, err)
	}
	k.apply(plan.OpenJournal(journal), k.named("cloudflare/bots/example.com"))
	if status, said := k.ask("POST", "/mcp", "Claude-User"); status != 200 {
		t.Errorf("still %d: %s", status, said)
	}
	k.undo(journal)
	if after := k.Snapshot(); string(after) != string(before) {
		t.Errorf("undone it is not as before:\n%s\nbut\n%s", before, after)
	}
}

func TestWhatIsTheOperatorsIsLeftToThem(t *testing.T) {
	t.Parallel()
	t.Run("bot fight mode", func(t *testing.T) {
		t.Parallel()
		k := aTrial(t, cloudflaretest.Options{})
		k.c.Clients = k.c.Clients[:1]
		k.do("PUT", "ZONE/bot_management", map[string]any{"fight_mode": true})
		p, err := plan.Look(t.Context(), k.resources())
		if err != nil || !p.Empty() {
			t.Fatalf("%+v, %v", p, err)
		}
		note := ""
		for _, c := range p.Changes {
			note += c.Note
		}
		if !strings.Contains(note, "Bot Fight Mode") {
			t.Errorf("the plan tells %q", note)
		}
	})
	t.Run("an application on our very path", func(t *testing.T) {
		t.Parallel()
		k := aTrial(t, cloudflaretest.Options{})
		k.app(map[string]any{"name": "mine", "domain": aHost + "/mcp"})
		p, err := plan.Look(t.Context(), []plan.Resource{k.named("cloudflare/access/mcp.example.com")})
		if err != nil || p.Changes[0].Action != plan.Refuse || !strings.Contains(p.Changes[0].Stop, `"mine"`) {
			t.Errorf("%+v, %v", p, err)
		}
	})
	t.Run("five custom rules", func(t *testing.T) {
		t.Parallel()
		k := aTrial(t, cloudflaretest.Options{})
		for i := range 5 {
			k.rule(cloudflaretest.PhaseCustom, map[string]any{"description": fmt.Sprint("mine ", i), "action": "block", "expression": `http.host eq "www.example.com"`})
		}
		k.do("PUT", "ZONE/bot_management", map[string]any{"ai_bots_protection": "block"})
		p, err := plan.Look(t.Context(), []plan.Resource{k.named("cloudflare/rule/mcp.example.com")})
		if err != nil || p.Changes[0].Action != plan.Refuse || !strings.Contains(p.Changes[0].Stop, `"mine 4"`) {
			t.Errorf("%+v, %v", p, err)
		}
	})
}

// Older applications hang on the zone; what the journal has is found again after the host is gone from the connection.
func TestWhatHangsOnTheZoneAndWhatIsGone(t *testing.T) {
	t.Parallel()
	k := aTrial(t, cloudflaretest.Options{})
	k.do("POST", "ZONE/access/apps", map[string]any{"name": "old", "type": "self_hosted", "domain": aHost, "policies": []any{}})
	if data := k.applying("access"); data == nil || data["name"] != "old" {
		t.Errorf("told as %+v", k.facts("access"))
	}
	k.do("PUT", "ZONE/bot_management", map[string]any{"ai_bots_protection": "block"})
	before := k.Snapshot()
	journal := filepath.Join(t.TempDir(), "journal.jsonl")
	k.apply(plan.OpenJournal(journal), k.resources()...)
	c := k.c
	c.Servers, c.Keycloak.Issuer = []plan.Server{{URL: "https://other.example.com/mcp"}}, "https://other.example.com/realms/home"
	site, err := k.api.Site(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	records, err := plan.ReadJournal(journal)
	if err != nil {
		t.Fatal(err)
	}
	find := func(p plan.Past) (plan.Resource, error) { return site.Named(p.Change.Resource) }
	if err := plan.Undo(t.Context(), plan.Standing(records), find, plan.OpenJournal(journal), nil); err != nil {
		t.Fatal(err)
	}
	if after := k.Snapshot(); string(after) != string(before) {
		t.Errorf("undone it is not as before:\n%s\nbut\n%s", before, after)
	}
	for _, name := range []string{"cloudflare/crawl/example.com", "cloudflare/bots/example.com", "cloudflare/settings/example.com"} {
		if r, err := site.Named(name); err != nil || r.Name() != name {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
	if _, err := site.Named("cloudflare/nonsense/example.com"); err == nil {
		t.Error("nonsense is found")
	}
}

// Rules of the operator are told with whom they stop, which requests from here need not show.
func TestTheOperatorsRulesAreTriedOnWhatClientsSend(t *testing.T) {
	t.Parallel()
	block := func(expression string) map[string]any {
		return map[string]any{"description": "mine", "action": "block", "expression": expression}
	}
	for name, one := range map[string]struct {
		on      func(k *trial)
		product string
		want    map[string]any
	}{
		"geo":             {func(k *trial) { k.rule(cloudflaretest.PhaseCustom, block(`ip.src.country ne "CH"`)) }, "custom-rule", map[string]any{"applies": true, "network": "160.79.104.0/21 (US)"}},
		"geo with claude": {func(k *trial) { k.rule(cloudflaretest.PhaseCustom, block(`not ip.src.country in {"CH" "US"}`)) }, "custom-rule", map[string]any{"applies": false, "may": true}},
		"another host":    {func(k *trial) { k.rule(cloudflaretest.PhaseCustom, block(`http.host eq "www.example.com" and ssl`)) }, "custom-rule", map[string]any{"applies": false, "may": nil}},
		"by network": {func(k *trial) {
			k.rule(cloudflaretest.PhaseCustom, block(`ip.src.asnum eq 396982 and http.host eq "mcp.example.com"`))
		}, "custom-rule", map[string]any{"applies": false, "may": true, "where": "ip.src.asnum eq 396982"}},
		"by path": {func(k *trial) {
			k.rule(cloudflaretest.PhaseCustom, block(`starts_with(http.request.uri.path, "/.well-known/")`))
		}, "custom-rule", map[string]any{"applies": true}},
		"country": {func(k *trial) {
			k.do("POST", "ZONE/firewall/access_rules/rules", map[string]any{"mode": "block", "configuration": map[string]any{"target": "country", "value": "US"}})
		}, "ip-access-rule", map[string]any{"applies": true, "name": "country US", "network": "160.79.104.0/21 (US)"}},
		"rate limit": {func(k *trial) {
			k.rule(cloudflaretest.PhaseRateLimit, map[string]any{"description": "slow", "action": "block", "expression": `http.host eq "mcp.example.com"`,
				"ratelimit": map[string]any{"characteristics": []string{"ip.src"}, "period": 10, "requests_per_period": 3, "mitigation_timeout": 10}})
		}, "rate-limit", map[string]any{"applies": true, "state": "block after 3 requests in 10 s"}},
		"redirect": {func(k *trial) {
			k.rule(cloudflaretest.PhaseRedirect, map[string]any{"description": "home", "action": "redirect", "expression": `http.host eq "mcp.example.com"`,
				"action_parameters": map[string]any{"from_value": map[string]any{"status_code": 301, "target_url": map[string]any{"value": "https://www.example.com/"}}}})
		}, "redirect-rule", map[string]any{"applies": true, "state": "301 to https://www.example.com/"}},
		"cache everything": {func(k *trial) {
			k.rule(cloudflaretest.PhaseCache, map[string]any{"description": "all", "action": "set_cache_settings", "expression": `true`, "action_parameters": map[string]any{"cache": true}})
		}, "cache-rule", map[string]any{"applies": true}},
		"integrity check off by a configuration rule": {func(k *trial) {
			k.rule(cloudflaretest.PhaseConfig, map[string]any{"description": "calm", "action": "set_config", "expression": `http.host eq "mcp.example.com"`, "action_parameters": map[string]any{"bic": false}})
		}, "browser-check", map[string]any{"applies": false, "state": "on"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := aTrial(t, cloudflaretest.Options{})
			one.on(k)
			all := k.facts(one.product)
			if len(all) != 1 {
				t.Fatalf("told %d times: %+v", len(all), all)
			}
			for field, want := range one.want {
				if all[0][field] != want {
					t.Errorf("%s is %v, want %v: %+v", field, all[0][field], want, all[0])
				}
			}
			text, err := json.Marshal(all)
			if err != nil || strings.Contains(strings.TrimSuffix(string(text), "}"), "www.example.com\\\"") {
				t.Errorf("another host is told: %s, %v", text, err)
			}
		})
	}
}

// A token that may not see or do something names the permission that it lacks, as a fact, and as an error where it is needed.
func TestATokenThatLacksAPermissionNamesIt(t *testing.T) {
	t.Parallel()
	for lack, product := range map[string]string{
		cloudflaretest.ZoneWAF: "custom-rule", cloudflaretest.BotManagement: "block-ai-bots", cloudflaretest.ZoneSettings: "security-level",
		cloudflaretest.AccessApps: "access", cloudflaretest.FirewallServices: "ip-access-rule", cloudflaretest.DynamicRedirect: "redirect-rule",
		cloudflaretest.CacheRules: "cache-rule", cloudflaretest.ZoneDNS: "dns-record",
	} {
		t.Run(lack, func(t *testing.T) {
			t.Parallel()
			may := slices.DeleteFunc(cloudflaretest.Everything(), func(p string) bool { return strings.HasPrefix(p, lack+" ·") })
			k := aTrial(t, cloudflaretest.Options{Tokens: []cloudflaretest.Token{{Value: aToken, Permissions: may}}})
			all := k.facts(product)
			if len(all) != 1 || all[0]["state"] != "unreadable" || all[0]["permission"] != lack+" · Read" {
				t.Errorf("told as %+v", all)
			}
			if _, err := plan.Look(t.Context(), k.resources()); err != nil {
				t.Errorf("what may not be seen stops the plan: %v", err)
			}
			k.do("PUT", "ZONE/bot_management", map[string]any{"ai_bots_protection": "block"})
			if ai := k.facts("block-ai-bots")[0]; lack == cloudflaretest.ZoneWAF && (ai["applies"] == true || ai["may"] != true) {
				t.Errorf("whether a rule skips it is not known, and it is told as %+v", ai)
			}
		})
	}
	t.Run("edit", func(t *testing.T) {
		t.Parallel()
		may := cloudflaretest.Everything()
		for i, p := range may {
			may[i] = strings.Replace(p, "Zone WAF · Edit", "Zone WAF · Read", 1)
		}
		k := aTrial(t, cloudflaretest.Options{Tokens: []cloudflaretest.Token{{Value: aToken, Permissions: may}}})
		k.do("PUT", "ZONE/bot_management", map[string]any{"ai_bots_protection": "block"})
		all := []plan.Resource{k.named("cloudflare/rule/mcp.example.com")}
		p, err := plan.Look(t.Context(), all)
		if err != nil {
			t.Fatal(err)
		}
		err = plan.Apply(t.Context(), all, p, plan.OpenJournal(filepath.Join(t.TempDir(), "j")), nil)
		if err == nil || !strings.Contains(err.Error(), "Zone · Zone WAF · Edit") || strings.Contains(err.Error(), aToken) {
			t.Errorf("%v", err)
		}
	})
}

// Who is let past Access, and whom it does not concern.
func TestAccessIsAnObstacleToWhomItStops(t *testing.T) {
	t.Parallel()
	bypassing := func(include ...any) map[string]any {
		return map[string]any{"policies": []any{map[string]any{"name": "p", "decision": "bypass", "include": include}}}
	}
	everyone := map[string]any{"everyone": map[string]any{}}
	anthropic := map[string]any{"ip": map[string]any{"ip": "160.79.104.0/21"}}
	for name, one := range map[string]struct {
		app    map[string]any
		client string
		want   map[string]any
	}{
		"everyone passes":                {bypassing(everyone), "claude-ai", map[string]any{"applies": false, "name": nil}},
		"Claude passes by its network":   {bypassing(anthropic), "claude-ai", map[string]any{"applies": false, "may": true}},
		"others do not":                  {bypassing(anthropic), "claude-code", map[string]any{"applies": true, "state": "asks for a login"}},
		"a part of the network is none":  {bypassing(map[string]any{"ip": map[string]any{"ip": "160.79.104.0/24"}}), "claude-ai", map[string]any{"applies": true}},
		"pages alone are for a browser":  {map[string]any{"domain": aHost + "/realms/home/login-actions"}, "claude-ai", map[string]any{"applies": false, "may": true}},
		"a more specific one decides":    {map[string]any{"domain": aHost + "/other"}, "claude-ai", map[string]any{"applies": false, "name": nil}},
		"everyone is denied":             {map[string]any{"policies": []any{map[string]any{"name": "p", "decision": "deny", "include": []any{everyone}}}}, "claude-ai", map[string]any{"applies": true, "state": "denies everyone"}},
		"an application of another sort": {map[string]any{"type": "ssh"}, "claude-ai", map[string]any{"applies": false, "name": nil}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := aTrial(t, cloudflaretest.Options{})
			k.c.Clients = []plan.Client{{Profile: one.client}}
			k.app(one.app)
			all := k.facts("access")
			if len(all) != 1 {
				t.Fatalf("told as %+v", all)
			}
			for field, want := range one.want {
				if all[0][field] != want {
					t.Errorf("%s is %v, want %v: %+v", field, all[0][field], want, all[0])
				}
			}
			p, err := plan.Look(t.Context(), []plan.Resource{k.named("cloudflare/access/mcp.example.com")})
			if err != nil || p.Empty() != (one.want["applies"] == false) {
				t.Errorf("planned %+v, %v", p, err)
			}
		})
	}
}

// One informant for several handshakes asks once for all that began before.
func TestSettingsAreReadOnceForHandshakesThatBeganBefore(t *testing.T) {
	t.Parallel()
	k := aTrial(t, cloudflaretest.Options{})
	calls := 0
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/bot_management") {
			calls++
		}
		k.Cloudflare.ServeHTTP(w, r)
	}))
	t.Cleanup(served.Close)
	api, err := cloudflare.Open(t.Context(), cloudflare.Options{BaseURL: served.URL + "/client/v4", Token: aToken})
	if err != nil {
		t.Fatal(err)
	}
	ask := api.Settings(k.c, aTarget)
	began := time.Now()
	for _, one := range []struct {
		from time.Time
		want int
	}{{began, 1}, {began, 1}, {time.Now().Add(time.Minute), 2}} {
		told := 0
		if err := ask(t.Context(), one.from, time.Now(), func(probe.Fact) { told++ }); err != nil || told == 0 || calls != one.want {
			t.Errorf("%d facts after %d questions, want %d: %v", told, calls, one.want, err)
		}
	}
}

func TestApplicationsAreReadToTheLastPage(t *testing.T) {
	t.Parallel()
	k := aTrial(t, cloudflaretest.Options{})
	for i := range 1003 {
		k.app(map[string]any{"name": fmt.Sprint("app ", i), "domain": fmt.Sprintf("app%d.example.com", i)})
	}
	k.app(map[string]any{"name": "the last", "domain": aHost})
	if data := k.applying("access"); data == nil || data["name"] != "the last" {
		t.Errorf("told as %+v", k.facts("access"))
	}
}

func TestEventsAreThoseOfOurPathsAlone(t *testing.T) {
	t.Parallel()
	k := aTrial(t, cloudflaretest.Options{})
	k.do("PUT", "ZONE/bot_management", map[string]any{"ai_bots_protection": "block"})
	k.ask("POST", "/mcp", "Claude-User")
	k.ask("GET", "/index.html", "GPTBot")
	events := func() (all []probe.Fact, summary map[string]any, err error) {
		err = k.api.Events(k.c, aTarget)(context.Background(), time.Now(), time.Now(), func(f probe.Fact) {
			if f.Kind == cloudflare.EventsKind {
				summary = f.Data
				return
			}
			all = append(all, f)
		})
		return all, summary, err
	}
	all, summary, err := events()
	if err != nil || len(all) != 1 || summary["count"] != 1 {
		t.Fatalf("%+v, %+v, %v", all, summary, err)
	}
	for name, want := range map[string]any{"product": "block-ai-bots", "action": "block", "source": "firewallManaged", "user_agent": "Claude-User", "path": "/mcp",
		"resource": "cloudflare/rule/mcp.example.com"} {
		if all[0].Data[name] != want {
			t.Errorf("%s is %v, want %v", name, all[0].Data[name], want)
		}
	}
	for _, private := range []string{"clientIP", "ip", "query"} {
		if _, told := all[0].Data[private]; told {
			t.Errorf("%s is told", private)
		}
	}
	k.Fail(cloudflaretest.Fault{Path: "/graphql", Status: 429, Times: 1})
	if _, summary, err = events(); err != nil || summary["count"] != 1 {
		t.Errorf("asked again after 429: %+v, %v", summary, err)
	}
	k.Fail(cloudflaretest.Fault{Path: "/graphql", Status: 400})
	var refused *cloudflare.Error
	if _, _, err = events(); !errors.As(err, &refused) || refused.Status != 400 {
		t.Errorf("%v", err)
	}
	k.Mend()
	home := k.c
	k.c.Servers, k.c.Keycloak.Issuer = []plan.Server{{URL: "https://mcp.example.org/mcp"}}, "https://mcp.example.org/realms/home"
	if err := k.api.Events(k.c, "https://mcp.example.org/mcp")(t.Context(), time.Now(), time.Now(), func(f probe.Fact) { summary = f.Data }); err != nil || summary["no_zone"] != true {
		t.Errorf("a host in no zone: %+v, %v", summary, err)
	}
	k.c = home
	may := slices.DeleteFunc(cloudflaretest.Everything(), func(p string) bool { return strings.HasPrefix(p, cloudflaretest.ZoneAnalytics+" ·") })
	k = aTrial(t, cloudflaretest.Options{Tokens: []cloudflaretest.Token{{Value: aToken, Permissions: may}}})
	if _, summary, err = events(); err != nil || summary["permission"] != "Zone · Analytics · Read" {
		t.Errorf("%+v, %v", summary, err)
	}
}
