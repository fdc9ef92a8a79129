package cloudflaretest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/cloudflare/cloudflare-go/v7/bot_management"
	"github.com/cloudflare/cloudflare-go/v7/rulesets"
	"github.com/cloudflare/cloudflare-go/v7/zero_trust"
	"github.com/cloudflare/cloudflare-go/v7/zones"
)

func TestRulesets(t *testing.T) {
	t.Parallel()
	r, opts := start(t, Options{})
	ctx, zone := context.Background(), r.ZoneID("example.com")
	before := string(r.Snapshot())
	phases, rules := rulesets.NewPhaseService(opts...), rulesets.NewRuleService(opts...)
	var gp rulesets.PhaseGetParams
	set(&gp.ZoneID.Value, &gp.ZoneID.Present, zone)
	if _, err := phases.Get(ctx, rulesets.PhaseHTTPRequestFirewallCustom, gp); refusal(err) != "404/10003" {
		t.Fatalf("a phase without rules: %v", err)
	}
	var up rulesets.PhaseUpdateParams
	set(&up.ZoneID.Value, &up.ZoneID.Present, zone)
	made, err := phases.Update(ctx, rulesets.PhaseHTTPRequestFirewallCustom, up)
	if err != nil || made.Phase != rulesets.PhaseHTTPRequestFirewallCustom || made.Kind != "zone" {
		t.Fatalf("%+v, %v", made, err)
	}
	for i := range 5 {
		if err := r.AddRule("example.com", PhaseCustom, map[string]any{"action": "block", "expression": fmt.Sprintf(`http.host eq "h%d"`, i)}); err != nil {
			t.Fatal(err)
		}
	}
	err = r.AddRule("example.com", PhaseCustom, map[string]any{"action": "block", "expression": "true"})
	if err == nil || !strings.Contains(err.Error(), "exceeded the maximum number of rules in the phase http_request_firewall_custom: 6 out of 5") {
		t.Errorf("a sixth rule on the free plan: %v", err)
	}
	got, err := phases.Get(ctx, rulesets.PhaseHTTPRequestFirewallCustom, gp)
	if err != nil || len(got.Rules) != 5 || got.Rules[0].Expression != `http.host eq "h0"` || !got.Rules[4].Enabled {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, rule := range got.Rules {
		var dp rulesets.RuleDeleteParams
		set(&dp.ZoneID.Value, &dp.ZoneID.Present, zone)
		if _, err := rules.Delete(ctx, got.ID, rule.ID, dp); err != nil {
			t.Fatal(err)
		}
	}
	if after := string(r.Snapshot()); after != before {
		t.Errorf("not as it was:\n%s", after)
	}
}

func TestRulesAreChecked(t *testing.T) {
	t.Parallel()
	r := New(Options{})
	for _, tt := range []struct {
		phase string
		rule  map[string]any
		want  string
	}{
		{PhaseCustom, map[string]any{"action": "skip", "expression": "true", "action_parameters": map[string]any{"products": []any{"botFight"}}}, "'botFight' is not a valid value for products"},
		{PhaseCustom, map[string]any{"action": "skip", "expression": "true", "action_parameters": map[string]any{"phases": []any{"http_request_firewall_custom"}}}, "is not a valid value for phases"},
		{PhaseCustom, map[string]any{"action": "skip", "expression": "true"}, "action_parameters is required"},
		{PhaseCustom, map[string]any{"action": "allow", "expression": "true"}, "'allow' is not a valid value for action"},
		{PhaseCustom, map[string]any{"action": "block", "expression": "http.hots"}, "unknown identifier"},
		{PhaseCustom, map[string]any{"action": "block", "expression": `http.host matches "x"`}, "a Business plan or a WAF Advanced plan is required"},
		{PhaseRateLimit, map[string]any{"action": "block", "expression": "true"}, "ratelimit is required"},
		{PhaseCustom, map[string]any{"action": "block", "expression": `http.host eq "matches"`}, ""},
	} {
		if err := r.AddRule("example.com", tt.phase, tt.rule); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v, want %q", tt.rule, err, tt.want)
		}
	}
}

// A rule that is edited is replaced whole; with a position alone it moves.
func TestEditedRule(t *testing.T) {
	t.Parallel()
	r := New(Options{})
	for _, host := range []string{"a", "b"} {
		if err := r.AddRule("example.com", PhaseCustom, map[string]any{"action": "block", "description": host, "expression": `http.host eq "` + host + `"`}); err != nil {
			t.Fatal(err)
		}
	}
	type set struct {
		ID    string
		Rules []struct{ ID, Description, Version string }
	}
	call := func(method, path string, body any) (s set) {
		t.Helper()
		b, err := r.Do(method, "zones/"+r.ZoneID("example.com")+"/rulesets/"+path, body)
		if err == nil {
			err = json.Unmarshal(b, &s)
		}
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := call("GET", "phases/"+PhaseCustom+"/entrypoint", nil)
	s = call("PATCH", s.ID+"/rules/"+s.Rules[1].ID, map[string]any{"position": map[string]any{"before": ""}})
	if s.Rules[0].Description != "b" {
		t.Errorf("moved: %+v", s.Rules)
	}
	s = call("PATCH", s.ID+"/rules/"+s.Rules[0].ID, map[string]any{"action": "log", "expression": "true", "position": map[string]any{"after": s.Rules[1].ID}})
	if s.Rules[1].Description != "" || s.Rules[1].Version != "2" {
		t.Errorf("replaced: %+v", s.Rules)
	}
}

func TestBotsAndSettings(t *testing.T) {
	t.Parallel()
	r, opts := start(t, Options{})
	ctx, zone := context.Background(), r.ZoneID("example.com")
	var gp bot_management.BotManagementGetParams
	set(&gp.ZoneID.Value, &gp.ZoneID.Present, zone)
	got, err := bot_management.NewBotManagementService(opts...).Get(ctx, gp)
	if err != nil || got.FightMode || got.AIBotsProtection != "disabled" {
		t.Errorf("%+v, %v", got, err)
	}
	var sp zones.SettingGetParams
	set(&sp.ZoneID.Value, &sp.ZoneID.Present, zone)
	level, err := zones.NewSettingService(opts...).Get(ctx, "security_level", sp)
	if err != nil || level.ID != "security_level" || fmt.Sprint(level.Value) != "medium" {
		t.Errorf("%+v, %v", level, err)
	}
	if _, err := r.Do("PATCH", "zones/"+zone+"/settings/security_level", map[string]any{"value": "paranoid"}); err == nil {
		t.Error("a level that is none was taken")
	}
}

func TestAccessApplications(t *testing.T) {
	t.Parallel()
	r, opts := start(t, Options{})
	ctx, account := context.Background(), r.AccountID("Home")
	apps := "accounts/" + account + "/access/apps"
	add := func(fields map[string]any) error {
		_, err := r.Do("POST", apps, changed(map[string]any{"name": "n", "type": "self_hosted", "policies": []any{allowUsers}}, fields))
		return err
	}
	for _, tt := range []struct {
		fields map[string]any
		want   string
	}{
		{map[string]any{"domain": "mcp.example.org"}, "domain does not belong to zone"},
		{map[string]any{"type": ""}, "app type is missing or invalid"},
		{map[string]any{"domain": "mcp.example.com/mcp", "oauth_configuration": map[string]any{}}, "domain can not have a path if oauth is configured"},
		{map[string]any{"domain": "mcp.example.com", "policies": []any{map[string]any{"name": "x", "decision": "perhaps", "include": everyone}}}, "decision is missing or invalid"},
		{map[string]any{"domain": "mcp.example.com"}, ""},
		{map[string]any{"domain": "mcp.example.com"}, "already_exists"},
		{map[string]any{"destinations": []any{map[string]any{"type": "public", "uri": "mcp.example.com/mcp"}, map[string]any{"type": "public", "uri": "mcp.example.com/.well-known/*"}}}, ""},
	} {
		if err := add(tt.fields); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v, want %q", tt.fields, err, tt.want)
		}
	}
	var lp zero_trust.AccessApplicationListParams
	set(&lp.AccountID.Value, &lp.AccountID.Present, account)
	page, err := zero_trust.NewAccessApplicationService(opts...).List(ctx, lp)
	if err != nil || len(page.Result) != 2 || page.Result[0].Domain != "mcp.example.com" || len(page.Result[0].AUD) != 64 {
		t.Fatalf("%+v, %v", page, err)
	}
	if _, err := r.Do("GET", apps+"/0", nil); err == nil || !strings.Contains(err.Error(), "11021") {
		t.Errorf("%v", err)
	}
}

func TestMostSpecificApplication(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		domain, path string
		want         bool
	}{
		{"mcp.example.com", "/x", true}, {"*.example.com", "/x", true}, {"other.example.com", "/x", false}, {"mcp.example.com/a", "/a", true}, {"mcp.example.com/a", "/a/b", true},
		{"mcp.example.com/a", "/ab", false}, {"mcp.example.com/a/*", "/a", false}, {"mcp.example.com/a/*", "/a/b", true}, {"mcp.example.com/.well-known/*", "/.well-known/x/y", true},
	} {
		if _, ok := specific(tt.domain, "mcp.example.com", tt.path); ok != tt.want {
			t.Errorf("%s over %s: %v", tt.domain, tt.path, ok)
		}
	}
	order := []string{"*.example.com", "*.example.com/a", "mcp.example.com", "mcp.example.com/a", "mcp.example.com/a/b"}
	most := -1
	for _, domain := range order {
		n, ok := specific(domain, "mcp.example.com", "/a/b/c")
		if !ok || n <= most {
			t.Errorf("%s: %d after %d", domain, n, most)
		}
		most = n
	}
}
