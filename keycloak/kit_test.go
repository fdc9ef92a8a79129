package keycloak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/keycloak/keycloaktest"
	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

type target struct{ Name, URL, AdminUser, AdminPassword string }

// old: a 26.4, in which registration must not be opened.
func (kc target) old() bool { return strings.Contains(kc.Name, "26.4.") }

// each runs a case on the small Keycloak, as both versions, and on the real ones where they are given.
func each(t *testing.T, f func(t *testing.T, kc target)) {
	for name, version := range map[string]string{"small": keycloaktest.DefaultVersion, "small-26.4.7": "26.4.7"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			small, err := keycloaktest.Start(keycloaktest.Options{Version: version, AdminUser: "admin", AdminPassword: "of-the-small-one"})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = small.Close() })
			f(t, target{name, small.URL, "admin", "of-the-small-one"})
		})
	}
	onReal(t, "MCPWIZ_TEST_KEYCLOAK", f)
}

// eachWithFeatures runs a case where metadata documents and resource indicators are on.
func eachWithFeatures(t *testing.T, f func(t *testing.T, kc target)) {
	t.Run("small", func(t *testing.T) {
		t.Parallel()
		small, err := keycloaktest.Start(keycloaktest.Options{AdminPassword: "of-the-small-one", Features: []string{"cimd", "resource-indicators"}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = small.Close() })
		f(t, target{"small", small.URL, "admin", "of-the-small-one"})
	})
	onReal(t, "MCPWIZ_TEST_KEYCLOAK_FEATURES", f)
}

// onReal runs a case on the real ones that a variable names.
func onReal(t *testing.T, variable string, f func(t *testing.T, kc target)) {
	for _, one := range strings.FieldsFunc(os.Getenv(variable), func(r rune) bool { return r == ',' }) {
		name, base, _ := strings.Cut(one, "=")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, target{name, base, os.Getenv("MCPWIZ_TEST_KEYCLOAK_ADMIN"), os.Getenv("MCPWIZ_TEST_KEYCLOAK_PASSWORD")})
		})
	}
}

// bench is one Keycloak with a realm name of its own, a connection and what a run keeps.
type bench struct {
	t       *testing.T
	a       *Admin
	base    string
	realm   string
	c       plan.Connection
	secrets *plan.Secrets
	journal string
}

const mcpURL = "https://mcp.example.com/mcp"

var realms atomic.Int64

func newBench(t *testing.T, kc target) *bench {
	a, err := Login(t.Context(), Options{AdminURL: kc.URL, User: kc.AdminUser, Password: plan.Secret(kc.AdminPassword)})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Learn(t.Context()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	secrets, err := plan.LoadSecrets(filepath.Join(dir, plan.SecretsFile))
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("plan-%d-%d", time.Now().UnixNano(), realms.Add(1))
	b := &bench{t: t, a: a, base: kc.URL, realm: name, secrets: secrets, journal: plan.JournalPath(filepath.Join(dir, "mcpwiz.yaml"))}
	b.c = plan.Connection{
		Version: plan.FormatVersion,
		Servers: []plan.Server{{URL: mcpURL}},
		Keycloak: plan.Keycloak{Issuer: kc.URL + "/realms/" + name, CreateRealm: true,
			Admin: plan.Admin{User: kc.AdminUser}},
		Clients: []plan.Client{{Profile: "claude-ai"}, {Profile: "claude-code"}, {Profile: "m2m"},
			{Profile: "m2m", ID: "signer", Auth: plan.AuthPrivateKeyJWT}, {Profile: plan.Introspection}},
		Users: []plan.User{{Name: "tester"}},
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		err := a.do(ctx, "clean up", func(ctx context.Context, token string) error { return a.api.DeleteRealm(ctx, token, name) })
		if err != nil && !noRealm(err) {
			t.Error(err)
		}
	})
	return b
}

func profiles(id string) (*probe.Profile, error) {
	switch id {
	case "claude-ai":
		return &probe.Profile{ID: id, Hosted: true, Grant: "authorization_code", Register: probe.RegisterKnobs{Order: []string{"preregistered", "cimd", "dcr"},
			MetadataDocument: "https://claude.ai/oauth/mcp-oauth-client-metadata"}, Authorize: probe.AuthorizeKnobs{
			RedirectURIs: []string{"https://claude.ai/api/mcp/auth_callback"}, Registered: []string{"https://claude.com/api/mcp/auth_callback"}}}, nil
	case "claude-code":
		return &probe.Profile{ID: id, Grant: "authorization_code", Register: probe.RegisterKnobs{Order: []string{"preregistered", "dcr"},
			Body: map[string]any{"client_uri": "https://code.example.com/home"}}, Authorize: probe.AuthorizeKnobs{
			RedirectURIs: []string{"http://localhost:{port}/callback"}, Registered: []string{"http://127.0.0.1/callback"}}}, nil
	case "m2m":
		return &probe.Profile{ID: id, Grant: "client_credentials"}, nil
	}
	if id == "asks-for-all" {
		return &probe.Profile{ID: id, Grant: "authorization_code", Authorize: probe.AuthorizeKnobs{
			RedirectURIs: []string{"http://localhost/all"}, Scopes: []string{"server-metadata", "none"}}}, nil
	}
	if document, ok := strings.CutPrefix(id, "document "); ok {
		return &probe.Profile{ID: id, Grant: "authorization_code", Register: probe.RegisterKnobs{Order: []string{"cimd"}, MetadataDocument: document},
			Authorize: probe.AuthorizeKnobs{RedirectURIs: []string{"http://127.0.0.1:{port}/callback"}}}, nil
	}
	return nil, fmt.Errorf("no profile %q", id)
}

func (b *bench) resources() []plan.Resource {
	b.t.Helper()
	all, err := Resources(b.a, b.c, b.secrets, profiles)
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

func (b *bench) look() plan.Plan {
	b.t.Helper()
	p, err := plan.Look(b.t.Context(), b.resources())
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// apply plans, applies, and holds the second run to having nothing to do.
func (b *bench) apply() plan.Plan {
	b.t.Helper()
	p := b.look()
	if err := plan.Apply(b.t.Context(), b.resources(), p, plan.OpenJournal(b.journal), nil); err != nil {
		b.t.Fatal(err)
	}
	if again := b.look(); !again.Empty() {
		b.t.Fatalf("the second run has something to do:\n%s", told(again))
	}
	return p
}

// undo puts back the changes of a plan, last first.
func (b *bench) undo(p plan.Plan) {
	b.t.Helper()
	all := b.resources()
	for i := len(all) - 1; i >= 0; i-- {
		if c := p.Changes[i]; !c.Empty() {
			if err := all[i].Undo(b.t.Context(), c); err != nil && !errors.Is(err, plan.ErrGone) {
				b.t.Fatal(err)
			}
		}
	}
}

func told(p plan.Plan) string {
	var out strings.Builder
	_ = p.Write(&out)
	return out.String()
}

// call makes an Admin API call as an operator's hand would.
func (b *bench) call(method string, in, out any, path ...string) {
	b.t.Helper()
	if err := b.a.raw(b.t.Context(), method+" "+strings.Join(path, "/"), method, in, out, path...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) makeRealm(extra map[string]any) {
	b.t.Helper()
	body := map[string]any{"realm": b.realm, "enabled": true}
	for k, v := range extra {
		body[k] = v
	}
	b.call(http.MethodPost, body, nil, "realms")
	b.a.signInAnew()
}

func (b *bench) realmNow() map[string]any {
	b.t.Helper()
	var got map[string]any
	b.call(http.MethodGet, nil, &got, "realms", b.realm)
	return got
}

func (b *bench) client(id string) map[string]any {
	b.t.Helper()
	var all []map[string]any
	b.call(http.MethodGet, nil, &all, "realms", b.realm, "clients")
	for _, c := range all {
		if c["clientId"] == id {
			return c
		}
	}
	return nil
}

func (b *bench) scope(name string) *scopeRep {
	b.t.Helper()
	all, _, err := b.a.scopes(b.t.Context(), b.realm)
	if err != nil {
		b.t.Fatal(err)
	}
	return named(all, name)
}

// post sends a form to an endpoint of the realm and returns the JSON of the answer.
func (b *bench) post(endpoint string, form url.Values) (int, map[string]any) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost,
		b.base+"/realms/"+b.realm+"/protocol/openid-connect/"+endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	var answer map[string]any
	if err := json.Unmarshal(body, &answer); err != nil {
		b.t.Fatalf("%s: %d %s", endpoint, resp.StatusCode, body)
	}
	return resp.StatusCode, answer
}

func (b *bench) kept(name string) string {
	b.t.Helper()
	s, ok := b.secrets.Get(name)
	if !ok {
		b.t.Fatalf("no secret %s", name)
	}
	return s.Reveal()
}
