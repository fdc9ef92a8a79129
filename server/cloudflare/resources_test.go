package cloudflare_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server/cloudflare"
	"github.com/mcpwiz/mcpwiz/server/cloudflare/cloudflaretest"
)

// A bench is a small Cloudflare and who calls it.
type bench struct {
	*cloudflaretest.Running
	t *testing.T
}

func newBench(t *testing.T, o cloudflaretest.Options) *bench {
	t.Helper()
	r, err := cloudflaretest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return &bench{r, t}
}

func (b *bench) open(token string) (*cloudflare.API, error) {
	return cloudflare.Open(b.t.Context(), cloudflare.Options{BaseURL: b.URL + "/client/v4", Token: plan.Secret(token)})
}

func (b *bench) api() *cloudflare.API {
	b.t.Helper()
	a, err := b.open(cloudflaretest.DefaultToken)
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

// connection is one with a server at mcp.example.com; change may be nil.
func connection(change func(*plan.Connection)) plan.Connection {
	c := plan.Connection{
		Servers:  []plan.Server{{URL: "https://mcp.example.com/mcp", Listen: "127.0.0.1:8800"}},
		Keycloak: plan.Keycloak{Issuer: "https://mcp.example.com/realms/mcp"},
		Expose:   plan.Expose{Way: plan.WayCloudflare},
	}
	if change != nil {
		change(&c)
	}
	return c
}

func (b *bench) resources(c plan.Connection) ([]plan.Resource, plan.Plan) {
	b.t.Helper()
	all, _, err := b.api().Resources(b.t.Context(), c)
	if err != nil {
		b.t.Fatal(err)
	}
	p, err := plan.Look(b.t.Context(), all)
	if err != nil {
		b.t.Fatal(err)
	}
	return all, p
}

func (b *bench) apply(all []plan.Resource, p plan.Plan) {
	b.t.Helper()
	if err := plan.Apply(b.t.Context(), all, p, plan.OpenJournal(filepath.Join(b.t.TempDir(), "journal")), nil); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) undo(all []plan.Resource, p plan.Plan) {
	b.t.Helper()
	for i := len(all) - 1; i >= 0; i-- {
		if p.Changes[i].Empty() {
			continue
		}
		if err := all[i].Undo(b.t.Context(), p.Changes[i]); err != nil {
			b.t.Errorf("undo %s: %v", all[i].Name(), err)
		}
	}
}

// do is the operator, in the dashboard.
func (b *bench) do(method, path string, body any) json.RawMessage {
	b.t.Helper()
	result, err := b.Do(method, path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	return result
}

func (b *bench) tunnels() string { return "accounts/" + b.AccountID("Home") + "/cfd_tunnel" }

// tunnel makes one by hand, with rules.
func (b *bench) tunnel(name, source string, rules ...map[string]any) string {
	b.t.Helper()
	var made struct{ ID string }
	if err := json.Unmarshal(b.do(http.MethodPost, b.tunnels(), map[string]any{"name": name, "config_src": source}), &made); err != nil {
		b.t.Fatal(err)
	}
	if len(rules) > 0 {
		b.do(http.MethodPut, b.tunnels()+"/"+made.ID+"/configurations", map[string]any{"config": map[string]any{"ingress": rules}})
	}
	return made.ID
}

func (b *bench) ingress(id string) cloudflare.Ingress {
	b.t.Helper()
	var c struct {
		Config struct{ Ingress cloudflare.Ingress }
	}
	if err := json.Unmarshal(b.do(http.MethodGet, b.tunnels()+"/"+id+"/configurations", nil), &c); err != nil {
		b.t.Fatal(err)
	}
	return c.Config.Ingress
}

func actions(p plan.Plan) string {
	var all []string
	for _, c := range p.Changes {
		all = append(all, string(c.Action))
	}
	return strings.Join(all, " ")
}

func TestATunnelIsMadeAndUndone(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*plan.Connection){
		"one server": nil,
		"a path that is escaped": func(c *plan.Connection) {
			c.Servers[0].URL = "https://mcp.example.com/m%20cp"
		},
		"a name of one's own for the tunnel": func(c *plan.Connection) {
			c.Expose.Tunnel, c.Expose.Adopt = "home", true
		},
		"Keycloak on the same name": func(c *plan.Connection) {
			c.Expose.Keycloak = "http://127.0.0.1:8180"
		},
		"Keycloak on a name of its own, two servers": func(c *plan.Connection) {
			c.Keycloak.Issuer = "https://id.example.com/auth/realms/mcp"
			c.Expose.Keycloak = "http://127.0.0.1:8180"
			c.Servers = append(c.Servers, plan.Server{URL: "https://mcp.example.com/files/mcp", Listen: ":8801"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, cloudflaretest.Options{})
			before := b.Snapshot()
			all, p := b.resources(connection(change))
			if got := actions(p); strings.ReplaceAll(strings.ReplaceAll(got, "create", ""), " ", "") != "" {
				t.Fatalf("planned %s", got)
			}
			b.apply(all, p)
			again, second := b.resources(connection(change))
			if !second.Empty() || len(again) != len(all) {
				t.Errorf("planned again: %s", actions(second))
			}
			b.undo(all, p)
			if after := b.Snapshot(); !bytes.Equal(before, after) {
				t.Errorf("not as it was:\n%s\n%s", before, after)
			}
		})
	}
}

// Whatever is carried: what clients need is answered by what has to, and nothing of Keycloak's administration is.
func TestWhatIsNeededIsCarriedAndAdminNever(t *testing.T) {
	t.Parallel()
	b := newBench(t, cloudflaretest.Options{})
	c := connection(func(c *plan.Connection) {
		c.Keycloak.Issuer = "https://id.example.com/auth/realms/mcp"
		c.Expose.Keycloak = "http://127.0.0.1:8180"
		c.Servers = append(c.Servers, plan.Server{URL: "https://mcp.example.com/files/mcp", Listen: ":8801"})
	})
	all, p := b.resources(c)
	b.apply(all, p)
	var list []struct{ ID string }
	if err := json.Unmarshal(b.do(http.MethodGet, b.tunnels(), nil), &list); err != nil {
		t.Fatal(err)
	}
	in := b.ingress(list[0].ID)
	if err := in.Validate(); err != nil {
		t.Fatal(err)
	}
	const mcp, files, keycloak, nobody = "http://127.0.0.1:8800", "http://127.0.0.1:8801", "http://127.0.0.1:8180", "http_status:404"
	for at, want := range map[string]string{
		"mcp.example.com/mcp": mcp, "mcp.example.com/.well-known/oauth-protected-resource/mcp": mcp,
		"mcp.example.com/files/mcp": files, "mcp.example.com/.well-known/oauth-protected-resource/files/mcp": files,
		"id.example.com/auth/realms/mcp/protocol/openid-connect/token": keycloak, "id.example.com/auth/resources/x.css": keycloak,
		"id.example.com/.well-known/oauth-authorization-server/auth/realms/mcp": keycloak,
		"id.example.com/auth/admin/master/console/":                             nobody, "id.example.com/auth/admin/realms/mcp": nobody,
		"id.example.com/metrics": nobody, "other.example.com/mcp": nobody, "id.example.com/": nobody,
	} {
		host, path, _ := strings.Cut(at, "/")
		if _, r, _ := in.Match(host, "/"+path); r.Service != want {
			t.Errorf("%s is answered by %s, want %s; rules %v", at, r.Service, want, in)
		}
	}
}

// The mistake that costs days: all of a host goes to one port, and what the other serves never arrives.
func TestTheDualPortMistakeIsMended(t *testing.T) {
	t.Parallel()
	for name, to := range map[string]string{"to Keycloak": "http://localhost:8180", "to the MCP server": "http://localhost:8800"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, cloudflaretest.Options{})
			id := b.tunnel("home", "cloudflare",
				map[string]any{"hostname": "other.example.com", "service": "http://localhost:1", "originRequest": map[string]any{"noTLSVerify": true}},
				map[string]any{"hostname": "mcp.example.com", "service": to}, map[string]any{"service": "http_status:503"})
			b.do(http.MethodPost, "zones/"+b.ZoneID("example.com")+"/dns_records",
				map[string]any{"type": "CNAME", "proxied": true, "name": "mcp.example.com", "content": id + ".cfargotunnel.com"})
			before := b.Snapshot()
			c := connection(func(c *plan.Connection) {
				c.Expose.Way, c.Expose.Tunnel, c.Expose.Keycloak = plan.WayExistingTunnel, "home", "http://127.0.0.1:8180"
			})
			all, p := b.resources(c)
			if actions(p) != "none update none" || !strings.Contains(p.Changes[1].Note, "was never reached") {
				t.Fatalf("planned %s, %q", actions(p), p.Changes[1].Note)
			}
			b.apply(all, p)
			in := b.ingress(id)
			for path, want := range map[string]string{"/mcp": "8800", "/realms/mcp/protocol/openid-connect/auth": "8180", "/.well-known/oauth-authorization-server/realms/mcp": "8180", "/.well-known/oauth-protected-resource/mcp": "8800"} {
				if _, r, _ := in.Match("mcp.example.com", path); !strings.HasSuffix(r.Service, want) {
					t.Errorf("%s is answered by %s", path, r.Service)
				}
			}
			if in[0].Hostname != "other.example.com" || in[len(in)-1].Service != "http_status:503" {
				t.Errorf("others' rules: %v", in)
			}
			if raw := b.do(http.MethodGet, b.tunnels()+"/"+id+"/configurations", nil); !bytes.Contains(raw, []byte("noTLSVerify")) {
				t.Errorf("what another's rule says besides is lost: %s", raw)
			}
			b.undo(all, p)
			if after := b.Snapshot(); !bytes.Equal(before, after) {
				t.Errorf("not as it was:\n%s\n%s", before, after)
			}
		})
	}
}

func TestWhatIsAnothersIsNotChangedUnasked(t *testing.T) {
	t.Parallel()
	record := func(b *bench, fields map[string]any) {
		fields["name"] = "mcp.example.com"
		b.do(http.MethodPost, "zones/"+b.ZoneID("example.com")+"/dns_records", fields)
	}
	for name, c := range map[string]struct {
		there  func(*bench)
		change func(*plan.Connection)
		want   string // actions
		stop   string
	}{
		"a record": {func(b *bench) { record(b, map[string]any{"type": "A", "content": "192.0.2.7", "proxied": true}) }, nil, "create create refuse", "A 192.0.2.7"},
		"a record, adopted": {func(b *bench) {
			record(b, map[string]any{"type": "A", "content": "192.0.2.7", "proxied": true, "comment": "the old host"})
		},
			func(c *plan.Connection) { c.Expose.Adopt = true }, "create create update", ""},
		"two records": {func(b *bench) {
			record(b, map[string]any{"type": "A", "content": "192.0.2.7"})
			record(b, map[string]any{"type": "AAAA", "content": "2001:db8::7"})
		}, func(c *plan.Connection) { c.Expose.Adopt = true }, "create create refuse", "2 records"},
		"a record beside": {func(b *bench) { record(b, map[string]any{"type": "TXT", "content": `"x"`}) }, nil, "create create create", ""},
		"no tunnel of the name": {func(b *bench) { b.tunnel("home", "cloudflare") },
			func(c *plan.Connection) { c.Expose.Way, c.Expose.Tunnel = plan.WayExistingTunnel, "hone" }, "refuse create create", "has no tunnel hone"},
		"a locally managed tunnel": {func(b *bench) { b.tunnel("home", "local") },
			func(c *plan.Connection) { c.Expose.Way, c.Expose.Tunnel = plan.WayExistingTunnel, "home" }, "none none create", ""},
		"a tunnel of a name of one's own, adopted": {func(b *bench) { b.tunnel("home", "cloudflare", map[string]any{"service": "http_status:404"}) },
			func(c *plan.Connection) { c.Expose.Tunnel, c.Expose.Adopt = "home", true }, "none update create", ""},
		"a rule for our very path": {func(b *bench) {
			b.tunnel("home", "cloudflare", map[string]any{"hostname": "mcp.example.com", "path": "^/mcp$", "service": "http://localhost:7"}, map[string]any{"service": "http_status:404"})
		}, func(c *plan.Connection) { c.Expose.Way, c.Expose.Tunnel = plan.WayExistingTunnel, "home" }, "none refuse create", "leads /mcp to http://localhost:7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, cloudflaretest.Options{})
			c.there(b)
			before := b.Snapshot()
			all, p := b.resources(connection(c.change))
			if got := actions(p); got != c.want {
				t.Fatalf("planned %s, want %s: %+v", got, c.want, p.Stopped())
			}
			if stopped := p.Stopped(); len(stopped) > 0 {
				if !strings.Contains(stopped[0].Stop, c.stop) || stopped[0].Propose == "" {
					t.Errorf("stopped by %q, proposed %q", stopped[0].Stop, stopped[0].Propose)
				}
				return
			}
			b.apply(all, p)
			b.undo(all, p)
			if after := b.Snapshot(); !bytes.Equal(before, after) {
				t.Errorf("not as it was:\n%s\n%s", before, after)
			}
		})
	}
}

// The rules of a locally managed tunnel are in a file: what they have to be is said, and stops the plan only where they are seen not
// to carry everything.
func TestALocallyManagedTunnel(t *testing.T) {
	t.Parallel()
	b := newBench(t, cloudflaretest.Options{})
	id := b.tunnel("home", "local")
	c := connection(func(c *plan.Connection) { c.Expose.Way, c.Expose.Tunnel = plan.WayExistingTunnel, "home" })
	all, s, err := b.api().Resources(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	good, _, err := cloudflare.RulesFor(c)
	if err != nil {
		t.Fatal(err)
	}
	written := func(text string) cloudflare.Ingress {
		_, rules, _ := strings.Cut(text, "ingress:")
		in, err := cloudflare.ParseIngress([]byte("ingress:" + rules + "\n    - service: http_status:404\n"))
		if err != nil {
			t.Errorf("what is to be written is no config.yml: %v: %s", err, text)
		}
		return in
	}
	for name, one := range map[string]struct {
		rules cloudflare.Ingress
		known bool
		want  plan.Action
	}{
		"not seen": {nil, false, plan.None}, "right": {good, true, plan.None}, "none": {nil, true, plan.Refuse},
		"elsewhere": {cloudflare.Ingress{{Hostname: "mcp.example.com", Service: "http://localhost:9"}, {Service: "http_status:404"}}, true, plan.Refuse},
	} {
		s.Effective = func(_ context.Context, of string) (cloudflare.Ingress, bool) { return one.rules, one.known && of == id }
		change, err := all[1].Plan(t.Context())
		if err != nil || change.Action != one.want {
			t.Errorf("%s: %+v, %v", name, change, err)
		}
		if text := change.Note + change.Propose; text != "" && !slices.Equal(written(text), good) {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func TestAZoneThatIsNotInForceIsTold(t *testing.T) {
	t.Parallel()
	b := newBench(t, cloudflaretest.Options{Zones: []cloudflaretest.Zone{{Name: "example.com", Status: "pending"}}})
	if _, p := b.resources(connection(nil)); !strings.Contains(p.Changes[2].Note, "the zone example.com is pending") {
		t.Errorf("%+v", p.Changes[2])
	}
}
