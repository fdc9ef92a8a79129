package cloudflaretest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const aHost = "mcp.example.com"

// exposed is a small Cloudflare with a tunnel, a record and a connector for aHost, before an origin of ours.
type exposed struct {
	*Cloudflare
	t      *testing.T
	tunnel string

	connector *Connector
	// seen is the last request that the origin got.
	seen atomic.Pointer[http.Request]
}

func expose(t *testing.T, o Options) *exposed {
	t.Helper()
	e := &exposed{Cloudflare: New(o), t: t}
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.seen.Store(r)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"path":"`+r.URL.Path+`"}`)
	}))
	t.Cleanup(origin.Close)
	e.tunnelTo(origin.URL)
	return e
}

// tunnelTo exposes aHost.
func (e *exposed) tunnelTo(service string) {
	e.t.Helper()
	k, err := e.Expose(aHost, service)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(k.Close)
	e.connector, e.tunnel = k, "accounts/"+e.AccountID("Home")+"/cfd_tunnel/"+k.tunnel.id
}

func (e *exposed) record(kind, name, content string) {
	e.t.Helper()
	e.do("POST", e.zone("/dns_records"), map[string]any{"type": kind, "name": name, "content": content, "proxied": true})
}

func (e *exposed) zone(path string) string { return "zones/" + e.ZoneID("example.com") + path }

func (e *exposed) do(method, path string, body any) json.RawMessage {
	e.t.Helper()
	b, err := e.Do(method, path, body)
	if err != nil {
		e.t.Fatal(err)
	}
	return b
}

func (e *exposed) get(b json.RawMessage, v any) {
	e.t.Helper()
	if err := json.Unmarshal(b, v); err != nil {
		e.t.Fatal(err)
	}
}

func (e *exposed) rule(phase string, rule map[string]any) {
	e.t.Helper()
	if err := e.AddRule("example.com", phase, rule); err != nil {
		e.t.Fatal(err)
	}
}

func (e *exposed) set(id string, value any) {
	e.t.Helper()
	e.do("PATCH", e.zone("/settings/"+id), map[string]any{"value": value})
}

func (e *exposed) bots(name string, value any) {
	e.t.Helper()
	e.do("PUT", e.zone("/bot_management"), map[string]any{name: value})
}

func (e *exposed) app(fields map[string]any) {
	e.t.Helper()
	app := changed(map[string]any{"name": "an app", "type": "self_hosted", "domain": aHost, "policies": []any{allowUsers}}, fields)
	e.do("POST", "accounts/"+e.AccountID("Home")+"/access/apps", app)
}

var (
	everyone   = []any{map[string]any{"everyone": map[string]any{}}}
	allowUsers = map[string]any{"name": "users", "decision": "allow", "include": []any{map[string]any{"email": map[string]any{"email": "a@example.com"}}}}
	bypass     = map[string]any{"name": "all", "decision": "bypass", "include": everyone}
	machines   = map[string]any{"name": "machines", "decision": "non_identity", "include": []any{map[string]any{"any_valid_service_token": map[string]any{}}}}
)

// ask sends one request to the edge; agent "" sends none.
func (e *exposed) ask(method, url, agent string, header ...string) *http.Response {
	e.t.Helper()
	r := httptest.NewRequest(method, url, nil)
	r.RemoteAddr = "198.51.100.7:4242"
	r.Header.Set("User-Agent", agent)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	e.Edge().ServeHTTP(w, r)
	res := w.Result()
	if res.Header.Get("Server") != "cloudflare" || !strings.HasSuffix(res.Header.Get("Cf-Ray"), "-FRA") {
		e.t.Errorf("%s: without the edge's headers: %v", url, res.Header)
	}
	return res
}

// sources are those of the events with a ray, as the API tells them.
func (e *exposed) sources(ray string) string {
	ray, _, _ = strings.Cut(ray, "-")
	query := `query($zone: string, $filter: FirewallEventsAdaptiveFilter_InputObject) { viewer { zones(filter: {zoneTag: $zone}) {
		firewallEventsAdaptive(filter: $filter, limit: 10, orderBy: [datetime_DESC]) { action source ruleId rayName clientRequestPath } } } }`
	r := httptest.NewRequest("POST", "/client/v4/graphql", strings.NewReader(string(encode(map[string]any{"query": query, "variables": map[string]any{
		"zone": e.ZoneID("example.com"), "filter": map[string]any{"rayName": ray, "clientRequestHTTPHost": aHost, "datetime_geq": time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)},
	}}))))
	r.Header.Set("Authorization", "Bearer "+DefaultToken)
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	var b struct {
		Data struct {
			Viewer struct {
				Zones []struct{ FirewallEventsAdaptive []struct{ Source string } }
			}
		}
		Errors []any
	}
	e.get(w.Body.Bytes(), &b)
	if len(b.Errors) > 0 || len(b.Data.Viewer.Zones) != 1 {
		return fmt.Sprint(b.Errors)
	}
	var l []string
	for _, one := range b.Data.Viewer.Zones[0].FirewallEventsAdaptive {
		l = append(l, one.Source)
	}
	return strings.Join(l, ",")
}
