package cloudflare_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server/cloudflare/cloudflaretest"
)

// only is the id of the one tunnel that there is.
func (b *bench) only() string {
	b.t.Helper()
	var list []struct{ ID string }
	if err := json.Unmarshal(b.do(http.MethodGet, b.tunnels()+"?is_deleted=false", nil), &list); err != nil || len(list) != 1 {
		b.t.Fatalf("%d tunnels, %v", len(list), err)
	}
	return list[0].ID
}

// pasts is a plan as the journal has it.
func pasts(p plan.Plan) (all []plan.Past) {
	for _, c := range p.Changes {
		all = append(all, plan.Past{Record: plan.Record{Change: c}})
	}
	return all
}

func finder(all []plan.Resource) func(plan.Past) (plan.Resource, error) {
	return func(p plan.Past) (plan.Resource, error) {
		for _, r := range all {
			if r.Name() == p.Change.Resource {
				return r, nil
			}
		}
		return nil, errors.New("not found")
	}
}

// A tunnel goes with all that is in it: with others' rules, or with a cloudflared that runs it, undo says so and touches nothing.
func TestWhatATunnelHoldsIsNotDeletedWithIt(t *testing.T) {
	t.Parallel()
	b := newBench(t, cloudflaretest.Options{})
	all, p := b.resources(connection(nil))
	b.apply(all, p)
	if err := plan.Holding(t.Context(), pasts(p), finder(all)); err != nil {
		t.Errorf("with ours alone in it: %v", err)
	}
	id := b.only()
	run, err := b.api().RunToken(t.Context(), b.AccountID("Home"), id)
	if err != nil {
		t.Fatal(err)
	}
	connector, err := b.Connect(run.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	before := b.Snapshot()
	if err := plan.Holding(t.Context(), pasts(p), finder(all)); err == nil || errors.Is(err, plan.ErrHolds) || !strings.Contains(err.Error(), "stop that first") {
		t.Errorf("with a cloudflared that runs it: %v", err)
	}
	if err := all[0].Undo(t.Context(), p.Changes[0]); err == nil || !strings.Contains(err.Error(), "stop that first") {
		t.Errorf("deleted while cloudflared runs it: %v", err)
	}
	if !bytes.Equal(before, b.Snapshot()) {
		t.Error("something was touched")
	}
	connector.Close()
	b.do(http.MethodPut, b.tunnels()+"/"+id+"/configurations", map[string]any{"config": map[string]any{"ingress": []map[string]any{
		{"hostname": "mcp.example.com", "service": "http://127.0.0.1:8800"}, {"hostname": "other.example.com", "service": "http://localhost:1"}, {"service": "http_status:404"}}}})
	if err := plan.Holding(t.Context(), pasts(p), finder(all)); !errors.Is(err, plan.ErrHolds) || !strings.Contains(err.Error(), "other.example.com") ||
		strings.Contains(err.Error(), "mcp.example.com") {
		t.Errorf("with another's rule in it: %v", err)
	}
}

// What is not there any more, or not ours, is told by undo and not passed over in silence.
func TestUndoOfWhatIsNotOursAnyMore(t *testing.T) {
	t.Parallel()
	b := newBench(t, cloudflaretest.Options{})
	all, p := b.resources(connection(nil))
	b.apply(all, p)
	records := "zones/" + b.ZoneID("example.com") + "/dns_records"
	var list []struct{ ID string }
	if err := json.Unmarshal(b.do(http.MethodGet, records, nil), &list); err != nil || len(list) != 1 {
		t.Fatalf("%d records, %v", len(list), err)
	}
	b.do(http.MethodPatch, records+"/"+list[0].ID, map[string]any{"comment": "mine now"})
	if err := all[2].Undo(t.Context(), p.Changes[2]); !errors.Is(err, plan.ErrNotOurs) {
		t.Errorf("a record that bears another's comment: %v", err)
	}
	b.do(http.MethodDelete, records+"/"+list[0].ID, nil)
	b.do(http.MethodDelete, b.tunnels()+"/"+b.only(), nil)
	for i, r := range all {
		if err := r.Undo(t.Context(), p.Changes[i]); !errors.Is(err, plan.ErrGone) {
			t.Errorf("%s, which is gone: %v", r.Name(), err)
		}
	}
}

// Undo of the rules takes away ours alone, also where somebody has changed others since.
func TestUndoOfRulesKeepsWhatOthersChangedSince(t *testing.T) {
	t.Parallel()
	b := newBench(t, cloudflaretest.Options{})
	id := b.tunnel("home", "cloudflare", map[string]any{"hostname": "other.example.com", "service": "http://localhost:1"}, map[string]any{"service": "http_status:404"})
	all, p := b.resources(connection(func(c *plan.Connection) { c.Expose.Way, c.Expose.Tunnel = plan.WayExistingTunnel, "home" }))
	b.apply(all, p)
	var c struct{ Config map[string]any }
	if err := json.Unmarshal(b.do(http.MethodGet, b.tunnels()+"/"+id+"/configurations", nil), &c); err != nil {
		t.Fatal(err)
	}
	for _, r := range c.Config["ingress"].([]any) {
		if rule := r.(map[string]any); rule["hostname"] == "other.example.com" {
			rule["originRequest"] = map[string]any{"noTLSVerify": true}
		}
	}
	b.do(http.MethodPut, b.tunnels()+"/"+id+"/configurations", map[string]any{"config": c.Config})
	b.undo(all, p)
	raw := b.do(http.MethodGet, b.tunnels()+"/"+id+"/configurations", nil)
	if !bytes.Contains(raw, []byte("noTLSVerify")) || bytes.Contains(raw, []byte("mcp.example.com")) {
		t.Errorf("undone: %s", raw)
	}
}
