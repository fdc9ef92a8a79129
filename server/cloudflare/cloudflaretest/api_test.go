package cloudflaretest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cloudflare/cloudflare-go/v7/accounts"
	"github.com/cloudflare/cloudflare-go/v7/dns"
	"github.com/cloudflare/cloudflare-go/v7/option"
	"github.com/cloudflare/cloudflare-go/v7/user"
	"github.com/cloudflare/cloudflare-go/v7/zero_trust"
	"github.com/cloudflare/cloudflare-go/v7/zones"
)

// start starts one and returns what the SDK's services are pointed at it by.
func start(t *testing.T, o Options) (*Running, []option.RequestOption) {
	t.Helper()
	r, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r, as(r, DefaultToken)
}

func as(r *Running, token string) []option.RequestOption {
	return []option.RequestOption{option.WithBaseURL(r.URL + "/client/v4/"), option.WithAPIToken(token), option.WithMaxRetries(0)}
}

// set fills a parameter of the SDK, whose type only its root package can make.
func set[T any](value *T, present *bool, v T) { *value, *present = v, true }

// refusal is status and first code of what the API refused: "403/10000"; "" for none.
func refusal(err error) string {
	var e *user.Error
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &e):
		return err.Error()
	case len(e.Errors) == 0:
		return fmt.Sprint(e.StatusCode)
	}
	return fmt.Sprintf("%d/%d", e.StatusCode, e.Errors[0].Code)
}

func TestToken(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	mine := func(letter string) string { return strings.Repeat(letter, 40) }
	r, _ := start(t, Options{Now: func() time.Time { return now }, Tokens: []Token{
		{Value: mine("u"), Permissions: Everything()},
		{Value: mine("d"), Permissions: Everything(), Status: "disabled"},
		{Value: mine("e"), Permissions: Everything(), ExpiresOn: now.Add(-time.Hour)},
		{Value: mine("a"), Permissions: Everything(), AccountOwned: "Home"},
	}})
	ctx := context.Background()
	for _, tt := range []struct{ token, user, account string }{
		{mine("u"), "active", "401/1000"},
		{mine("d"), "disabled", "401/1000"},
		{mine("e"), "expired", "401/1000"},
		{mine("a"), "401/1000", "active"},
		{mine("x"), "401/1000", "401/1000"},
		{"short", "400/6003", "400/6003"},
	} {
		v, err := user.NewTokenService(as(r, tt.token)...).Verify(ctx)
		got := refusal(err)
		if err == nil {
			got = string(v.Status)
		}
		if got != tt.user {
			t.Errorf("%.3s verified as a user's: %s, want %s", tt.token, got, tt.user)
		}
		var p accounts.TokenVerifyParams
		set(&p.AccountID.Value, &p.AccountID.Present, r.AccountID("Home"))
		av, err := accounts.NewTokenService(as(r, tt.token)...).Verify(ctx, p)
		got = refusal(err)
		if err == nil {
			got = string(av.Status)
		}
		if got != tt.account {
			t.Errorf("%.3s verified as an account's: %s, want %s", tt.token, got, tt.account)
		}
	}
}

func TestZonesAreFilteredAndPaged(t *testing.T) {
	t.Parallel()
	var all []Zone
	for i := range 45 {
		all = append(all, Zone{Name: fmt.Sprintf("z%02d.example", i)})
	}
	r, opts := start(t, Options{Zones: all})
	service, ctx := zones.NewZoneService(opts...), context.Background()
	n := 0
	pages := service.ListAutoPaging(ctx, zones.ZoneListParams{})
	for pages.Next() {
		n++
	}
	if err := pages.Err(); err != nil || n != 45 {
		t.Fatalf("%d zones in all, %v; want 45", n, err)
	}
	var p zones.ZoneListParams
	set(&p.Name.Value, &p.Name.Present, "z07.example")
	page, err := service.List(ctx, p)
	if err != nil || len(page.Result) != 1 || page.Result[0].ID != r.ZoneID("z07.example") || page.Result[0].Account.Name != "Home" {
		t.Fatalf("by name: %+v, %v", page, err)
	}
}

func TestTunnel(t *testing.T) {
	t.Parallel()
	r, opts := start(t, Options{})
	ctx, service, account := context.Background(), zero_trust.NewTunnelCloudflaredService(opts...), r.AccountID("Home")
	before := string(r.Snapshot())

	var p zero_trust.TunnelCloudflaredNewParams
	set(&p.AccountID.Value, &p.AccountID.Present, account)
	set(&p.Name.Value, &p.Name.Present, "mcpwiz-example")
	set(&p.ConfigSrc.Value, &p.ConfigSrc.Present, zero_trust.TunnelCloudflaredNewParamsConfigSrcCloudflare)
	made, err := service.New(ctx, p)
	if err != nil || made.Name != "mcpwiz-example" || made.Status != "inactive" || made.ConfigSrc != "cloudflare" {
		t.Fatalf("made %+v, %v", made, err)
	}
	if _, err := service.New(ctx, p); refusal(err) != "409/1013" {
		t.Errorf("a second of that name: %v", err)
	}
	var tp zero_trust.TunnelCloudflaredTokenGetParams
	set(&tp.AccountID.Value, &tp.AccountID.Present, account)
	token, err := service.Token.Get(ctx, made.ID, tp)
	if err != nil {
		t.Fatal(err)
	}
	k, err := r.Connect(*token)
	if err != nil {
		t.Fatal(err)
	}
	var gp zero_trust.TunnelCloudflaredGetParams
	set(&gp.AccountID.Value, &gp.AccountID.Present, account)
	if got, err := service.Get(ctx, made.ID, gp); err != nil || got.Status != "healthy" {
		t.Errorf("with a connector: %v, %v", got.Status, err)
	}
	var dp zero_trust.TunnelCloudflaredDeleteParams
	set(&dp.AccountID.Value, &dp.AccountID.Present, account)
	if _, err := service.Delete(ctx, made.ID, dp); refusal(err) != "400/1022" {
		t.Errorf("deleted with a connector: %v", err)
	}
	k.Close()
	if got, err := service.Get(ctx, made.ID, gp); err != nil || got.Status != "down" {
		t.Errorf("without: %v, %v", got.Status, err)
	}
	if _, err := service.Delete(ctx, made.ID, dp); err != nil {
		t.Error(err)
	}
	if after := string(r.Snapshot()); after != before {
		t.Errorf("not as it was:\n%s", after)
	}
}

func TestConfiguration(t *testing.T) {
	t.Parallel()
	r, _ := start(t, Options{})
	made, err := r.Do("POST", "accounts/"+r.AccountID("Home")+"/cfd_tunnel", map[string]any{"name": "t", "config_src": "cloudflare"})
	if err != nil {
		t.Fatal(err)
	}
	var tunnel struct{ ID string }
	if err := json.Unmarshal(made, &tunnel); err != nil {
		t.Fatal(err)
	}
	path := "accounts/" + r.AccountID("Home") + "/cfd_tunnel/" + tunnel.ID + "/configurations"
	rule := func(hostname, path, service string) map[string]any {
		return map[string]any{"hostname": hostname, "path": path, "service": service}
	}
	for _, tt := range []struct {
		want  string
		rules []any
	}{
		{"must match all URLs", []any{rule("a.example.com", "", "http://localhost:1")}},
		{"cannot contain a port", []any{rule("a.example.com:1", "", "http://localhost:1"), rule("", "", "http_status:404")}},
		{"is matching the hostname ''", []any{rule("", "", "http://localhost:1"), rule("", "", "http_status:404")}},
		{"invalid address", []any{rule("", "", "localhost:1")}},
		{"different path", []any{rule("", "", "http://localhost:1/mcp")}},
		{"invalid regex", []any{rule("a.example.com", "(", "http://localhost:1"), rule("", "", "http_status:404")}},
		{"", []any{rule("a.example.com", "^/mcp", "http://localhost:1"), rule("", "", "http_status:404")}},
	} {
		_, err := r.Do("PUT", path, map[string]any{"config": map[string]any{"ingress": tt.rules}})
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v, want %q", tt.rules, err, tt.want)
		}
	}
	got, err := r.Do("GET", path, nil)
	if err != nil || !strings.Contains(string(got), `"version":1`) || !strings.Contains(string(got), "^/mcp") {
		t.Errorf("%s, %v", got, err)
	}
}

func TestRecords(t *testing.T) {
	t.Parallel()
	r, opts := start(t, Options{})
	zone := r.ZoneID("example.com")
	service, ctx := dns.NewRecordService(opts...), context.Background()
	add := func(kind, name, content string) error {
		_, err := r.Do("POST", "zones/"+zone+"/dns_records", map[string]any{"type": kind, "name": name, "content": content, "proxied": kind != "TXT"})
		return err
	}
	for _, tt := range []struct{ kind, name, content, want string }{
		{"A", "www", "192.0.2.1", ""},
		{"CNAME", "www.example.com", "x.cfargotunnel.com", "81053"},
		{"A", "www", "192.0.2.1", "81058"},
		{"A", "www", "192.0.2.2", ""},
		{"AAAA", "www", "192.0.2.2", "9006"},
		{"CNAME", "mcp", "192.0.2.2", "9007"},
		{"CNAME", "mcp", "x.cfargotunnel.com", ""},
		{"TXT", "mcp", "hello", ""},
		{"", "y", "hello", "1004"},
	} {
		if err := add(tt.kind, tt.name, tt.content); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %s %s: %v, want %q", tt.kind, tt.name, tt.content, err, tt.want)
		}
	}
	var p dns.RecordListParams
	set(&p.ZoneID.Value, &p.ZoneID.Present, zone)
	var name dns.RecordListParamsName
	set(&name.Exact.Value, &name.Exact.Present, "mcp.example.com")
	set(&p.Name.Value, &p.Name.Present, name)
	set(&p.Type.Value, &p.Type.Present, dns.RecordListParamsTypeCNAME)
	page, err := service.List(ctx, p)
	if err != nil || len(page.Result) != 1 || page.Result[0].Content != "x.cfargotunnel.com" || !page.Result[0].Proxied {
		t.Fatalf("%+v, %v", page, err)
	}
}

// What a token may not do is refused with what the real API says.
func TestPermissions(t *testing.T) {
	t.Parallel()
	reader := strings.Repeat("r", 40)
	r, _ := start(t, Options{
		Zones:  []Zone{{Name: "example.com"}, {Name: "example.net"}},
		Tokens: []Token{{Value: reader, Permissions: []string{ZoneZone + " · Read", ZoneDNS + " · Read"}, Zones: []string{"example.com"}}},
	})
	seen, unseen, account := r.ZoneID("example.com"), r.ZoneID("example.net"), r.AccountID("Home")
	for _, tt := range []struct{ method, path, want string }{
		{"GET", "zones/" + seen, "200"},
		{"GET", "zones/" + unseen, "403 9109"},
		{"GET", "zones/" + seen + "/dns_records", "200"},
		{"POST", "zones/" + seen + "/dns_records", "403 10000"},
		{"GET", "zones/" + seen + "/settings/ssl", "403 9109"},
		{"GET", "accounts/" + account + "/cfd_tunnel", "403 10000"},
		{"GET", "zones/" + seen + "/nothing", "404 7003"},
		{"PUT", "zones/" + seen + "/settings/ssl", "405 7001"},
	} {
		req, err := http.NewRequest(tt.method, r.URL+"/client/v4/"+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+reader)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var e envelope
		err = json.NewDecoder(res.Body).Decode(&e)
		_ = res.Body.Close()
		got := fmt.Sprint(res.StatusCode)
		if len(e.Errors) > 0 {
			got += fmt.Sprint(" ", e.Errors[0].Code)
		}
		if err != nil || got != tt.want || e.Success != (tt.want == "200") {
			t.Errorf("%s %s: %s, %v; want %s", tt.method, tt.path, got, err, tt.want)
		}
	}
}

// A client that retries gets through a fault that ends.
func TestFaults(t *testing.T) {
	t.Parallel()
	r, opts := start(t, Options{Faults: []Fault{{Path: "/zones", Status: 429, Times: 1, RetryAfter: time.Second}}})
	opts = append(opts, option.WithMaxRetries(2))
	began := time.Now()
	if _, err := zones.NewZoneService(opts...).List(context.Background(), zones.ZoneListParams{}); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(began); d < time.Second {
		t.Errorf("retried after %v", d)
	}
	r.Fail(Fault{Status: 502})
	_, err := zones.NewZoneService(as(r, DefaultToken)...).List(context.Background(), zones.ZoneListParams{})
	if !strings.HasPrefix(refusal(err), "502") {
		t.Errorf("%v", err)
	}
	r.Mend()
	if _, err := user.NewTokenService(as(r, DefaultToken)...).Verify(context.Background()); err != nil {
		t.Error(err)
	}
}
