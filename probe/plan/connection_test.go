package plan

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const small = `version: 1
servers:
  - url: https://mcp.example.com/mcp
keycloak:
  issuer: https://auth.example.com/realms/mcp
`

func TestParseNamesLineAndKey(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, want string }{
		"unknown key, near":    {small + "  isuer: x\n", `f.yaml:6: unknown key "keycloak.isuer": did you mean "issuer"?`},
		"unknown key, far":     {small + "  zzzzzzzzz: x\n", `f.yaml:6: unknown key "keycloak.zzzzzzzzz": known here are admin, admin_url, allow_vulnerable, ca_file`},
		"unknown key in list":  {"version: 1\nservers:\n  - ulr: x\n", `f.yaml:3: unknown key "servers[0].ulr": did you mean "url"?`},
		"number for bool":      {small + "  create_realm: 3\n", `f.yaml:6: keycloak.create_realm is "3", must be true or false`},
		"text for number":      {small + "clients:\n  - profile: m2m\n    access_token_lifespan: long\n", `f.yaml:8: clients[0].access_token_lifespan is "long", must be a whole number`},
		"mapping for list":     {"version: 1\nservers:\n  url: x\n", `f.yaml:3: servers is a mapping, must be a list`},
		"text for mapping":     {"version: 1\nkeycloak: x\n", `f.yaml:2: keycloak is "x", must be keys with values`},
		"nothing":              {small + "  realm:\n", `f.yaml:6: keycloak.realm is empty, must be text`},
		"key twice":            {small + "  issuer: b\n", `f.yaml:6: key "keycloak.issuer" is there twice`},
		"alias":                {"version: 1\nservers: &a\n  - url: x\n", `f.yaml:2: servers: anchors and aliases are not taken`},
		"two documents":        {small + "---\nversion: 1\n", `f.yaml:6: a second document`},
		"not a mapping":        {"- a\n", `f.yaml:1: not a mapping`},
		"empty":                {"", `f.yaml: not YAML`},
		"newer":                {"version: 7\n", `f.yaml:1: written for version 7 of the format; this mcpwiz knows versions up to 1`},
		"version not a number": {"version: one\n", `f.yaml:1: version is "one"`},
		"two problems":         {small + "  isuer: x\nuser: y\n", "f.yaml:7: unknown key \"user\": did you mean \"users\"?"},
		"too large":            {strings.Repeat("#", maxFile+1), `larger than`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := Parse("f.yaml", []byte(c.file)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

func full() Connection {
	yes, no := true, false
	return Connection{
		Version: FormatVersion,
		Servers: []Server{{Name: "one", Listen: "127.0.0.1:8080", URL: "https://mcp.example.com/mcp", Scopes: []string{"mcp:tools"}}},
		Keycloak: Keycloak{Issuer: "https://auth.example.com/realms/mcp", AdminURL: "http://127.0.0.1:8081", JWKSURL: "http://127.0.0.1:8081/keys",
			CAFile: "ca.pem", Realm: "mcp", CreateRealm: true, Admin: Admin{User: "admin", Realm: "master"}},
		Scopes: []Scope{{Name: "mcp:tools", Description: "d", ConsentText: "c: #", Server: "https://mcp.example.com/mcp", Adopt: true}},
		Clients: []Client{{Profile: "claude-ai", ID: "claude", Server: "https://mcp.example.com/mcp", Confidential: &yes, Consent: &no,
			RedirectURIs: []string{"https://example.com/cb"}, AccessTokenLifespan: 600, Auth: AuthSecret, Adopt: true}},
		Users: []User{{"tester", "t@example.com", "Test", "Er"}},
	}
}

func TestSaveLoadIsTheSame(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mcpwiz.yaml")
	for _, want := range []Connection{full(), full().Defaults(), {Version: 1, Servers: []Server{{URL: "true"}}}} {
		if err := want.Save(path); err != nil {
			t.Fatal(err)
		}
		got, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
}

func TestLoadMigratesAndKeepsACopy(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mcpwiz.yaml")
	old := "# mine\nserver:\n  url: https://mcp.example.com/mcp # here\nkeycloak:\n  issuer: https://auth.example.com/realms/mcp\n"
	if err := os.WriteFile(path, []byte(old), 0o640); err != nil {
		t.Fatal(err)
	}
	first, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if first.Version != FormatVersion || len(first.Servers) != 1 || first.Servers[0].URL != "https://mcp.example.com/mcp" {
		t.Errorf("got %+v", first)
	}
	if kept, err := os.ReadFile(path + ".v0"); err != nil || string(kept) != old {
		t.Errorf("the copy: %q, %v", kept, err)
	}
	now, _ := os.ReadFile(path)
	if !strings.Contains(string(now), "version: 1") || !strings.Contains(string(now), "# here") {
		t.Errorf("the file: %s", now)
	}
	second, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(first, second); d != "" {
		t.Error(d)
	}
}

func TestMigrationNeverOverwritesAKeptCopy(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mcpwiz.yaml")
	old := []byte("server:\n  url: https://a.example/mcp\n")
	for _, p := range []string{path, path + ".v0"} {
		if err := os.WriteFile(p, old, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Load(path); err == nil {
		t.Error("migrated over a kept copy")
	}
	if now, _ := os.ReadFile(path); string(now) != string(old) {
		t.Errorf("the file was changed: %s", now)
	}
}

func TestMigrationRefusesBothForms(t *testing.T) {
	t.Parallel()
	_, err := Parse("f.yaml", []byte("server:\n  url: a\nservers:\n  - url: b\n"))
	if err == nil || !strings.Contains(err.Error(), "both server and servers") {
		t.Errorf("got %v", err)
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	c, err := Parse("f.yaml", []byte(small+"users: [{name: tester}]\nclients: [{profile: claude-ai}, {profile: m2m}, {profile: introspection}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	d := c.Defaults()
	if d.Keycloak.Realm != "mcp" || d.Keycloak.AdminURL != "https://auth.example.com" || d.Keycloak.Admin.Realm != "master" {
		t.Errorf("keycloak %+v", d.Keycloak)
	}
	var ids []string
	for _, client := range d.Clients {
		ids = append(ids, client.ID)
	}
	if diff := cmp.Diff([]string{"claude", "m2m", "https://mcp.example.com/mcp"}, ids); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"mcp:tools"}, d.Servers[0].Scopes); diff != "" {
		t.Error(diff)
	}
	if u := d.Users[0]; u.Email == "" || u.FirstName == "" || u.LastName == "" {
		t.Errorf("a user who is not fully set up cannot sign in: %+v", u)
	}
	if diff := cmp.Diff(d, d.Defaults()); diff != "" {
		t.Errorf("twice is not once: %s", diff)
	}
	if c.Clients[0].ID != "" || c.Servers[0].Scopes != nil {
		t.Error("defaults were written into the connection they were taken from")
	}
}

func TestEachServerHasAScopeOfItsOwn(t *testing.T) {
	t.Parallel()
	c := Connection{Servers: []Server{{URL: "https://a.example/mcp"}, {URL: "https://b.example/mcp"}}}
	a, b := c.ScopesOf("https://a.example/mcp"), c.ScopesOf("https://b.example/mcp")
	if len(a) != 1 || len(b) != 1 || a[0] == b[0] {
		t.Errorf("%v and %v", a, b)
	}
}

func TestClientIsFoundByIDOrOnlyProfile(t *testing.T) {
	t.Parallel()
	c := Connection{Clients: []Client{{Profile: "m2m", ID: "one"}, {Profile: "m2m", ID: "two"}, {Profile: "claude-ai"}}}
	for asked, want := range map[string]string{"one": "one", "claude-ai": "claude", "claude": "claude", "m2m": "", "no": ""} {
		if got, ok := c.Client(asked); got.ID != want || ok != (want != "") {
			t.Errorf("%s: got %q", asked, got.ID)
		}
	}
}

func FuzzConnection(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("server: {url: x}\n"))
	f.Add([]byte("version: 1\nservers: &a [*a]\n"))
	f.Add([]byte("version: 0x1\nusers: [{name: !!binary aGk=}]\n"))
	f.Add([]byte("? [a]\n: b\n"))
	if data, err := encode(full()); err == nil {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("f.yaml", data)
		if err != nil {
			return
		}
		_ = c.Validate()
		again, err := encode(c)
		if err != nil {
			t.Fatalf("cannot be written: %v", err)
		}
		back, err := Parse("f.yaml", again)
		if err != nil {
			t.Fatalf("cannot be read back: %v\n%s", err, again)
		}
		// An empty list is written as an absent one.
		if d := cmp.Diff(c.Defaults().Validate() == nil, back.Defaults().Validate() == nil); d != "" {
			t.Fatalf("%s\n%s", d, again)
		}
	})
}
