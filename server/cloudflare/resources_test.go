package cloudflare_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
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
		"a tunnel of the name": {func(b *bench) { b.tunnel("home", "cloudflare") },
			func(c *plan.Connection) { c.Expose.Tunnel = "home" }, "refuse create create", "did not make"},
		"no tunnel of the name": {func(b *bench) { b.tunnel("home", "cloudflare") },
			func(c *plan.Connection) { c.Expose.Way, c.Expose.Tunnel = plan.WayExistingTunnel, "hone" }, "refuse create create", "has no tunnel hone"},
		"a locally managed tunnel": {func(b *bench) { b.tunnel("home", "local") },
			func(c *plan.Connection) { c.Expose.Way, c.Expose.Tunnel = plan.WayExistingTunnel, "home" }, "none refuse create", "managed locally"},
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

func TestTokensThatAreNotGood(t *testing.T) {
	t.Parallel()
	mine := func(letter string) string { return strings.Repeat(letter, 40) }
	but := func(lacks ...string) []string {
		var all []string
		for _, p := range cloudflaretest.Everything() {
			kept := true
			for _, l := range lacks {
				kept = kept && !strings.HasPrefix(p, l)
			}
			if kept {
				all = append(all, p)
			}
		}
		return all
	}
	b := newBench(t, cloudflaretest.Options{Tokens: []cloudflaretest.Token{
		{Value: mine("d"), Permissions: cloudflaretest.Everything(), Status: "disabled"},
		{Value: mine("a"), Permissions: cloudflaretest.Everything(), AccountOwned: "Home"},
		{Value: mine("t"), Permissions: but(cloudflaretest.CloudflareTunnel)},
		{Value: mine("z"), Permissions: but("Zone · Zone ·", "Zone · Zone S", cloudflaretest.ZoneZone)},
		{Value: mine("n"), Permissions: append(but(cloudflaretest.ZoneDNS), cloudflaretest.ZoneDNS+" · Read")},
	}})
	for token, want := range map[string]string{
		"": "no token", mine("x"): "verify the API token: Cloudflare answers 401", "short": "verify the API token", mine("d"): "disabled", mine("a"): "",
	} {
		_, err := b.open(token)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("token %.3s: %v, want %q", token, err, want)
		}
		if err != nil && token != "" && strings.Contains(err.Error(), token) {
			t.Errorf("the token is in the error: %v", err)
		}
	}
	for token, want := range map[string]string{
		mine("t"): "lacks the permission Account · Cloudflare Tunnel · Read",
		mine("z"): "Zone · Zone · Read",
		mine("n"): "lacks the permission Zone · DNS · Edit",
	} {
		a, err := b.open(token)
		if err != nil {
			t.Fatal(err)
		}
		all, _, err := a.Resources(t.Context(), connection(nil))
		var p plan.Plan
		if err == nil {
			p, err = plan.Look(t.Context(), all)
		}
		if err == nil {
			err = plan.Apply(t.Context(), all, p, plan.OpenJournal(filepath.Join(t.TempDir(), "journal")), nil)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("token %.3s: %v, want %q", token, err, want)
		}
	}
}

func TestCallsAreRepeatedWhereCloudflareAsksForIt(t *testing.T) {
	t.Parallel()
	for _, status := range []int{429, 500, 502} {
		b := newBench(t, cloudflaretest.Options{Faults: []cloudflaretest.Fault{{Status: status, Times: 2, RetryAfter: 0}}})
		if _, err := b.api().Zones(t.Context()); err != nil {
			t.Errorf("after two answers of %d: %v", status, err)
		}
	}
}

func TestZonesOfManyPages(t *testing.T) {
	t.Parallel()
	var zones []cloudflaretest.Zone
	for i := range 130 {
		zones = append(zones, cloudflaretest.Zone{Name: fmt.Sprintf("zone-%03d.example", i)})
	}
	zones = append(zones, cloudflaretest.Zone{Name: "deep.zone-007.example"})
	b := newBench(t, cloudflaretest.Options{Zones: zones})
	all, err := b.api().Zones(t.Context())
	if err != nil || len(all) != 131 {
		t.Fatalf("%d zones, %v", len(all), err)
	}
	for host, want := range map[string]string{"mcp.zone-129.example": "zone-129.example", "x.deep.zone-007.example": "deep.zone-007.example", "zone-007.example": "zone-007.example"} {
		if z, err := cloudflare.ZoneOf(all, "", host); err != nil || z.Name != want {
			t.Errorf("%s is in %s, %v", host, z.Name, err)
		}
	}
	if _, err := cloudflare.ZoneOf(all, "", "mcp.elsewhere.example"); !errors.Is(err, cloudflare.ErrNoZone) {
		t.Errorf("a host of no zone: %v", err)
	}
	if _, err := cloudflare.ZoneOf(all, "zone-001.example", "mcp.zone-002.example"); !errors.Is(err, cloudflare.ErrNoZone) {
		t.Errorf("a host of another zone than the one named: %v", err)
	}
}

// The SDK's root package takes minutes to compile and 18 MB: only its service packages are linked.
func TestTheRootOfTheSDKIsNotLinked(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(context.Background(), "go", "list", "-deps", "github.com/mcpwiz/mcpwiz/cmd/mcpwiz", "github.com/mcpwiz/mcpwiz/server/cloudflare").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Fields(string(out)) {
		if line == "github.com/cloudflare/cloudflare-go/v7" {
			t.Error("the root package is linked")
		}
	}
}

// What the token may do of a plan is said before anything is changed, and asking changes nothing.
func TestMay(t *testing.T) {
	t.Parallel()
	every := []string{"cloudflare/tunnel/x", "cloudflare/ingress/x", "cloudflare/dns/x", "cloudflare/rule/x", "cloudflare/access/x", "cloudflare/bots/x", "cloudflare/settings/x"}
	var p plan.Plan
	for _, name := range every {
		p.Changes = append(p.Changes, plan.Change{Resource: name, Action: plan.Create})
	}
	read := func(but string) []string {
		var all []string
		for _, one := range cloudflaretest.Everything() {
			if strings.HasPrefix(one, but) {
				one = strings.Replace(one, " · Edit", " · Read", 1)
			}
			all = append(all, one)
		}
		return all
	}
	for lacks, want := range map[string]int{
		"nothing": 0, cloudflaretest.CloudflareTunnel: 2, cloudflaretest.ZoneDNS: 1, cloudflaretest.ZoneWAF: 1, cloudflaretest.AccessApps: 1,
		cloudflaretest.BotManagement: 1, cloudflaretest.ZoneSettings: 1,
	} {
		token := strings.Repeat("t", 40)
		b := newBench(t, cloudflaretest.Options{Tokens: []cloudflaretest.Token{{Value: token, Permissions: read(lacks)}}})
		a, err := b.open(token)
		if err != nil {
			t.Fatal(err)
		}
		s, err := a.Site(t.Context(), connection(nil))
		if err != nil {
			t.Fatal(err)
		}
		before := b.Snapshot()
		may, err := s.May(t.Context(), p)
		if err != nil || may.Steps != len(every) || len(may.Lacks) != want {
			t.Errorf("without %s: %+v, %v", lacks, may, err)
		}
		if want > 0 && !strings.Contains(may.String(), "the API token may do") {
			t.Errorf("without %s: %s", lacks, may)
		}
		if !bytes.Equal(before, b.Snapshot()) {
			t.Errorf("without %s: asking has changed something", lacks)
		}
	}
}
