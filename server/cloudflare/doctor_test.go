package cloudflare_test

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
	"github.com/mcpwiz/mcpwiz/probe/client"
	"github.com/mcpwiz/mcpwiz/probe/client/profiles"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/probe/report"
	"github.com/mcpwiz/mcpwiz/server/cloudflare/cloudflaretest"
)

// aServer answers as an MCP server and its Keycloak do to somebody who has no token.
func aServer() http.Handler {
	const realm = "https://" + aHost + "/realms/home"
	mux := http.NewServeMux()
	document := func(w http.ResponseWriter, status int, body string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
	mux.HandleFunc("/mcp", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Www-Authenticate", `Bearer resource_metadata="https://`+aHost+`/.well-known/oauth-protected-resource/mcp", scope="mcp:tools"`)
		document(w, http.StatusUnauthorized, `{"error":"invalid_token"}`)
	})
	mux.HandleFunc("/.well-known/oauth-protected-resource/mcp", func(w http.ResponseWriter, _ *http.Request) {
		document(w, http.StatusOK, `{"resource":"`+aTarget+`","authorization_servers":["`+realm+`"],"scopes_supported":["mcp:tools"],"bearer_methods_supported":["header"]}`)
	})
	mux.HandleFunc("/.well-known/oauth-authorization-server/realms/home", func(w http.ResponseWriter, _ *http.Request) {
		at := realm + "/protocol/openid-connect"
		document(w, http.StatusOK, `{"issuer":"`+realm+`","authorization_endpoint":"`+at+`/auth","token_endpoint":"`+at+`/token","jwks_uri":"`+at+`/certs",
			"response_types_supported":["code"],"grant_types_supported":["authorization_code","refresh_token"],"code_challenge_methods_supported":["S256"],
			"scopes_supported":["mcp:tools","offline_access"],"token_endpoint_auth_methods_supported":["client_secret_post"]}`)
	})
	mux.HandleFunc("/realms/home/protocol/openid-connect/token", func(w http.ResponseWriter, _ *http.Request) {
		document(w, http.StatusUnauthorized, `{"error":"invalid_client"}`)
	})
	return mux
}

// examine makes a handshake through the edge as a client does, with what the API tells of it, and returns what is found and what
// comes first.
func (k *trial) examine(profile string) (first string, found []probe.Finding) {
	k.t.Helper()
	p, err := profiles.Load(profile)
	if err != nil {
		k.t.Fatal(err)
	}
	edge := httptest.NewUnstartedServer(k.Edge())
	edge.Config.ErrorLog = log.New(io.Discard, "", 0) // it tells of each request in the clear
	edge.StartTLS()
	defer edge.Close()
	via := &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // the small edge's certificate is not what is judged here
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, edge.Listener.Addr().String())
		},
	}
	defer via.CloseIdleConnections()
	told := report.NewCollector(checks.All)
	e, err := client.New(client.Options{
		Target: aTarget, Profile: p, Checks: checks.All, Probes: true, Transport: via,
		Informants: []probe.Informant{k.api.Settings(k.c, aTarget), k.api.Events(k.c, aTarget)},
		Log:        k.t.Logf,
	})
	if err != nil {
		k.t.Fatal(err)
	}
	summary, err := e.Run(k.t.Context(), told.Sink)
	if err != nil {
		k.t.Fatal(err)
	}
	if summary.First != nil {
		first = *summary.First
	}
	return first, told.Reports()[0].Findings
}

// Each of Cloudflare's products, switched on, is what the doctor says to mend first; what it names mends it.
func TestTheDoctorNamesEachProductFirst(t *testing.T) {
	t.Parallel()
	atHome := cloudflaretest.Visitor{IP: netip.MustParseAddr("198.51.100.7"), Country: "CH", ASN: 3303}
	block := func(expression string) map[string]any {
		return map[string]any{"description": "mine", "action": "block", "expression": expression}
	}
	for name, one := range map[string]struct {
		on      func(k *trial)
		profile string
		first   string
		// by mends it; empty: only the operator can.
		by   string
		plan string
	}{
		"block ai bots": {on: func(k *trial) { k.do("PUT", "ZONE/bot_management", map[string]any{"ai_bots_protection": "block"}) },
			first: "edge.ai-bots-allowed", by: "cloudflare/rule/mcp.example.com"},
		"ai crawl control": {on: func(k *trial) { _ = k.BlockAICrawlers("example.com", "Claude-User") }, first: "edge.ai-bots-allowed", by: "cloudflare/crawl/example.com"},
		"bot fight mode": {on: func(k *trial) { k.do("PUT", "ZONE/bot_management", map[string]any{"fight_mode": true}) },
			first: "edge.challenges-off", by: "cloudflare/bots/example.com"},
		"super bot fight mode, challenging": {on: func(k *trial) {
			k.do("PUT", "ZONE/bot_management", map[string]any{"sbfm_definitely_automated": "managed_challenge"})
		}, first: "edge.challenges-off", by: "cloudflare/rule/mcp.example.com", plan: "pro"},
		"super bot fight mode, blocking": {on: func(k *trial) {
			k.do("PUT", "ZONE/bot_management", map[string]any{"sbfm_definitely_automated": "block"})
		}, first: "edge.challenges-off", by: "cloudflare/rule/mcp.example.com", plan: "pro"},
		"under attack": {on: func(k *trial) { k.do("PATCH", "ZONE/settings/security_level", map[string]any{"value": "under_attack"}) },
			first: "edge.challenges-off", by: "cloudflare/rule/mcp.example.com"},
		"integrity check": {on: func(k *trial) { k.c.Clients = []plan.Client{{Profile: "python-sdk"}} }, profile: "python-sdk",
			first: "edge.rules-let-in", by: "cloudflare/rule/mcp.example.com"},
		"a rule that is not met from here":   {on: func(k *trial) { k.rule(cloudflaretest.PhaseCustom, block(`ip.src.country ne "CH"`)) }, first: "edge.rules-let-in"},
		"a rule that blocks everybody":       {on: func(k *trial) { k.rule(cloudflaretest.PhaseCustom, block(`http.request.uri.path contains "/mcp"`)) }, first: "edge.rules-let-in"},
		"a rule that depends on the network": {on: func(k *trial) { k.rule(cloudflaretest.PhaseCustom, block(`ip.src.asnum eq 3303`)) }, first: "edge.rules-let-in"},
		"a country": {on: func(k *trial) {
			k.do("POST", "ZONE/firewall/access_rules/rules", map[string]any{"mode": "block", "configuration": map[string]any{"target": "country", "value": "US"}})
		}, first: "edge.rules-let-in"},
		"a rate limit": {on: func(k *trial) {
			k.rule(cloudflaretest.PhaseRateLimit, map[string]any{"description": "slow", "action": "block", "expression": `http.host eq "mcp.example.com"`,
				"ratelimit": map[string]any{"characteristics": []string{"ip.src"}, "period": 10, "requests_per_period": 3, "mitigation_timeout": 10}})
		}, first: "edge.rules-let-in"},
		"access": {on: func(k *trial) { k.app(nil) }, first: "edge.access-open", by: "cloudflare/access/mcp.example.com"},
		"access, for machines": {on: func(k *trial) {
			k.app(map[string]any{"service_auth_401_redirect": true, "policies": []any{map[string]any{"name": "machines", "decision": "non_identity",
				"include": []any{map[string]any{"any_valid_service_token": map[string]any{}}}}}})
		}, first: "edge.access-open", by: "cloudflare/access/mcp.example.com"},
		"access, managed oauth": {on: func(k *trial) { k.app(map[string]any{"oauth_configuration": map[string]any{"enabled": true}}) },
			first: "edge.managed-oauth-off", by: "cloudflare/access/mcp.example.com"},
		"a redirect": {on: func(k *trial) {
			k.rule(cloudflaretest.PhaseRedirect, map[string]any{"description": "home", "action": "redirect", "expression": `http.host eq "mcp.example.com"`,
				"action_parameters": map[string]any{"from_value": map[string]any{"status_code": 301, "target_url": map[string]any{"value": "https://www.example.com/"}}}})
		}, first: "edge.rules-let-in"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := aTrial(t, cloudflaretest.Options{Visitor: func(*http.Request) cloudflaretest.Visitor { return atHome },
				Zones: []cloudflaretest.Zone{{Name: "example.com", Plan: one.plan}}, Origin: served{aServer()}})
			k.c.Clients, k.c.Expose.Rules = k.c.Clients[:1], plan.RulesSettings
			one.on(k)
			if one.profile == "" {
				one.profile = "claude-ai"
			}
			first, found := k.examine(one.profile)
			if first != one.first {
				t.Fatalf("first is %q, want %q:%s", first, one.first, wrongOf(found))
			}
			by := ""
			for _, f := range found {
				if f.Check == first {
					by = f.By
				}
			}
			if by != one.by {
				t.Errorf("mended by %q, want %q", by, one.by)
			}
			if by == "" {
				return
			}
			k.apply(plan.OpenJournal(filepath.Join(t.TempDir(), "journal.jsonl")), k.named(by))
			if first, found = k.examine(one.profile); strings.HasPrefix(first, "edge.") {
				t.Errorf("then %s is first:%s", first, wrongOf(found))
			}
		})
	}
	t.Run("nothing", func(t *testing.T) {
		t.Parallel()
		k := aTrial(t, cloudflaretest.Options{Origin: served{aServer()}})
		k.c.Clients = k.c.Clients[:1]
		if first, found := k.examine("claude-ai"); strings.HasPrefix(first, "edge.") || strings.HasPrefix(first, "network.") {
			t.Errorf("%s is first:%s", first, wrongOf(found))
		}
	})
}

// served is an origin in this process.
type served struct{ handler http.Handler }

func (s served) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w.Result(), nil
}

func wrongOf(found []probe.Finding) string {
	var all strings.Builder
	for _, f := range found {
		if slices.Contains([]probe.Outcome{probe.Failed, probe.Warned}, f.Outcome) {
			all.WriteString("\n  " + string(f.Outcome) + " " + f.Check + ": " + f.Detail + " (because " + f.Because + ", by " + f.By + ")")
		}
	}
	return all.String()
}
