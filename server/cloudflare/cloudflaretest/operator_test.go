package cloudflaretest

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/cloudflare/cloudflare-go/v7/zones"
)

// Applications of a zone stand before its hosts as those of the account do, and so do reusable policies.
func TestApplicationsOfAZone(t *testing.T) {
	t.Parallel()
	e := expose(t, Options{})
	path := e.zone("/access/apps")
	var app struct {
		ID       string
		Policies []struct{ ID string }
	}
	e.get(e.do("POST", path, map[string]any{"name": "n", "type": "self_hosted", "domain": aHost, "policies": []any{allowUsers}}), &app)
	try := func(want int) {
		t.Helper()
		if res := e.ask("POST", "https://"+aHost+"/mcp", claudeUser); res.StatusCode != want {
			t.Errorf("%d, want %d", res.StatusCode, want)
		}
	}
	try(302)
	policies := path + "/" + app.ID + "/policies"
	var made struct{ ID string }
	e.get(e.do("POST", policies, bypass), &made)
	try(200)
	e.do("PUT", policies+"/"+made.ID, changed(bypass, map[string]any{"include": []any{map[string]any{"ip": map[string]any{"ip": "203.0.113.0/24"}}}}))
	try(302)
	e.do("DELETE", policies+"/"+made.ID, nil)
	var reusable struct{ ID string }
	account := "accounts/" + e.AccountID("Home") + "/access/policies"
	e.get(e.do("POST", account, bypass), &reusable)
	e.do("PUT", path+"/"+app.ID, map[string]any{"name": "n", "type": "self_hosted", "domain": aHost, "policies": []any{reusable.ID}})
	try(200)
	e.do("PUT", account+"/"+reusable.ID, changed(bypass, map[string]any{"decision": "deny"}))
	try(403)
	e.do("DELETE", path+"/"+app.ID, nil)
	try(200)
}

// Of networks only those of certain sizes may stand in an access rule.
func TestAccessRules(t *testing.T) {
	t.Parallel()
	c := New(Options{})
	path := "zones/" + c.ZoneID("example.com") + "/firewall/access_rules/rules"
	for _, tt := range []struct {
		mode, target, value string
		want                bool
	}{
		{"whitelist", "ip_range", "160.79.104.0/24", true}, {"whitelist", "ip_range", "160.79.104.0/21", false}, {"block", "ip_range", "2001:db8::/48", true},
		{"block", "ip", "192.0.2.1", true}, {"block", "ip", "192.0.2.1", false}, {"block", "asn", "AS13335", true}, {"block", "country", "T1", true}, {"block", "country", "Togo", false},
		{"allow", "ip", "192.0.2.2", false}, {"block", "host", "x", false},
	} {
		body := map[string]any{"mode": tt.mode, "configuration": map[string]any{"target": tt.target, "value": tt.value}}
		if _, err := c.Do("POST", path, body); (err == nil) != tt.want {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}

func TestSlowAnswers(t *testing.T) {
	t.Parallel()
	r, opts := start(t, Options{Faults: []Fault{{Path: "/zones", Delay: time.Minute}}})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := zones.NewZoneService(opts...).List(ctx, zones.ZoneListParams{}); err == nil {
		t.Error("answered at once")
	}
	r.Mend()
	if _, err := zones.NewZoneService(opts...).List(context.Background(), zones.ZoneListParams{}); err != nil {
		t.Error(err)
	}
}

// A snapshot tells what is there, not when it was changed.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	e := expose(t, Options{})
	before := string(e.Snapshot())
	e.set("rocket_loader", "on")
	e.ask("GET", "https://"+aHost+"/", claudeUser)
	if after := string(e.Snapshot()); after == before || !json.Valid([]byte(after)) || !strings.Contains(after, aHost) {
		t.Error(after)
	}
	e.set("rocket_loader", "off")
	if after := string(e.Snapshot()); after != before {
		t.Error(after)
	}
}
