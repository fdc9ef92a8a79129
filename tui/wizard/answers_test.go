package wizard

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpwiz/mcpwiz/probe/client/profiles"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

func TestAnswersAreValidated(t *testing.T) {
	t.Parallel()
	good := func() Answers { return draftOf(filled(), profiles.All()).answers() }
	if err := good().Validate(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		spoil func(*Answers)
		want  string
	}{
		"no URL":         {func(a *Answers) { a.Connection.Servers[0].URL = "" }, "servers[0].url: missing"},
		"no server":      {func(a *Answers) { a.Connection.Servers = nil }, "servers: none"},
		"plain http":     {func(a *Answers) { a.Connection.Servers[0].URL = "http://mcp.example.com/mcp" }, "servers[0].url: \"http://mcp.example.com/mcp\" must be https"},
		"fragment":       {func(a *Answers) { a.Connection.Servers[0].URL += "#x" }, "fragment"},
		"no port":        {func(a *Answers) { a.Connection.Servers[0].Listen = "127.0.0.1" }, "servers[0].listen"},
		"a port name":    {func(a *Answers) { a.Connection.Servers[0].Listen = "127.0.0.1:http" }, "servers[0].listen"},
		"a port too far": {func(a *Answers) { a.Connection.Servers[0].Listen = ":70000" }, "servers[0].listen"},
		"no issuer":      {func(a *Answers) { a.Connection.Keycloak.Issuer = "" }, "keycloak.issuer: missing"},
		"no realm":       {func(a *Answers) { a.Connection.Keycloak.Issuer = "http://127.0.0.1:8180" }, "names no realm"},
		"realm master":   {func(a *Answers) { a.Connection.Keycloak.Issuer = "http://127.0.0.1:8180/realms/master" }, "keycloak.create_realm"},
		"no user":        {func(a *Answers) { a.Connection.Keycloak.Admin.User = "" }, "keycloak.admin.user: missing"},
		"no client":      {func(a *Answers) { a.AdminBy, a.Connection.Keycloak.Admin.User = ByClient, "" }, "keycloak.admin.client_id: missing"},
		"no secret":      {func(a *Answers) { a.AdminSecret = "" }, keySecret + ": missing"},
		"no way":         {func(a *Answers) { a.AdminBy = "" }, "no way to sign in"},
		"nobody":         {func(a *Answers) { a.Connection.Clients = nil }, "clients: none chosen"},
		"only a server":  {func(a *Answers) { a.Connection.Clients = []plan.Client{{Profile: plan.Introspection}} }, "clients: none chosen"},
		"two of an id":   {func(a *Answers) { a.Connection.Clients[1].ID = "claude" }, "clients[1].id"},
		"a short user":   {func(a *Answers) { a.Connection.Users[0].Name = "al" }, "users[0].name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := good()
			c.spoil(&a)
			if err := a.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// What nobody is asked about must come through the wizard as it was.
func TestAFileComesThroughUnchanged(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	c := plan.Connection{
		Version: 1,
		Servers: []plan.Server{
			{Name: "tools", URL: "https://mcp.example.com/mcp", Listen: "127.0.0.1:8080", Scopes: []string{"a"}},
			{URL: "https://b.example.com/mcp", Listen: "127.0.0.1:8081"},
		},
		Keycloak: plan.Keycloak{
			Issuer: "https://id.example.com/auth/realms/mcp", AdminURL: "http://10.0.0.1:8080", JWKSURL: "http://10.0.0.1/jwks", CAFile: "ca.pem",
			CreateRealm: true, Admin: plan.Admin{User: "root", Realm: "ops"},
		},
		Scopes: []plan.Scope{{Name: "a", Server: "https://mcp.example.com/mcp"}, {Name: "b", Server: "https://b.example.com/mcp", Adopt: true}},
		Clients: []plan.Client{
			{Profile: plan.Introspection, ID: "https://mcp.example.com/mcp", Server: "https://mcp.example.com/mcp"},
			{Profile: "m2m", ID: "one", Auth: plan.AuthPrivateKeyJWT, AccessTokenLifespan: 60},
			{Profile: "claude-ai", ID: "c", Confidential: &no, Consent: &yes, RedirectURIs: []string{"https://x.example/cb"}},
			{Profile: "m2m", ID: "two", Server: "https://b.example.com/mcp"},
		},
		Users: []plan.User{{Name: "alice", Email: "a@example.org"}, {Name: "bob"}},
	}
	d := draftOf(Answers{Connection: c, AdminSecret: "x"}, profiles.All())
	a := d.answers()
	if diff := cmp.Diff(c, a.Connection); diff != "" {
		t.Error(diff)
	}
	d.url = "https://new.example.com/mcp"
	moved := d.answers().Connection
	if moved.Scopes[0].Server != d.url || moved.Clients[0].ID != d.url || moved.Clients[0].Server != d.url || moved.Scopes[1].Server != c.Scopes[1].Server {
		t.Errorf("what was of the former URL: %+v %+v", moved.Scopes, moved.Clients)
	}
	if c.Scopes[0].Server == d.url || c.Clients[0].ID == d.url {
		t.Error("the answers at the start were changed")
	}
	d.realmIs = realmUsed
	if got := d.answers().Connection; got.Users != nil || got.Keycloak.CreateRealm {
		t.Errorf("test users in a realm that is not ours: %+v", got.Users)
	}
}

func TestBeginningWithNothing(t *testing.T) {
	t.Parallel()
	d := draftOf(Answers{}, profiles.All())
	d.url, d.keycloak, d.password = " https://mcp.example.com/mcp\n", "https://id.example.com/", "\tsecret "
	a := d.answers()
	if err := a.Validate(); err != nil {
		t.Fatal(err)
	}
	if a.AdminSecret.Reveal() != "secret" || a.Connection.Keycloak.Issuer != "https://id.example.com/realms/mcp" || !a.Connection.Keycloak.CreateRealm {
		t.Errorf("%+v", a)
	}
	if got := a.Connection.Clients; len(got) != 1 || got[0].Profile != "claude-ai" || !*got[0].Confidential || !*got[0].Consent {
		t.Errorf("%+v", got)
	}
}

func TestWherePeopleCopyKeycloaksURLFrom(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string][2]string{
		"https://id.example.com":                              {"https://id.example.com", ""},
		" https://id.example.com/auth/ ":                      {"https://id.example.com/auth", ""},
		"https://id.example.com/admin/master/console/#/mcp":   {"https://id.example.com", ""},
		"https://id.example.com/admin":                        {"https://id.example.com", ""},
		"https://id.example.com/realms/mcp":                   {"https://id.example.com", "mcp"},
		"https://id.example.com/realms/a%20b/account":         {"https://id.example.com", "a b"},
		"https://id.example.com/auth/realms/mcp/.well-known/": {"https://id.example.com/auth", "mcp"},
	} {
		if base, realm := baseOf(raw); base != want[0] || realm != want[1] {
			t.Errorf("%s: got %s and %s", raw, base, realm)
		}
	}
}

func TestSigningInAgainInWords(t *testing.T) {
	t.Parallel()
	w := New(Options{Desk: newWorld().desk(), Start: filled()})
	for id, want := range map[string]string{
		"claude-ai": "Claude asks to sign in again after 30 days without use, 180 days at most",
		"cursor":    "Cursor asks to sign in again after 8 hours without use, 7 days at most",
	} {
		p, err := profiles.Load(id)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.signsInAgain(p); got != want {
			t.Errorf("got %s", got)
		}
		w.draft.realmIs = realmUsed
		if got := w.signsInAgain(p); !strings.HasSuffix(got, "is as the realm has it") {
			t.Errorf("got %s", got)
		}
		w.draft.realmIs = realmMade
	}
}

// Every answer can be given otherwise too.
func TestEveryQuestionNamesItsFlagAndKey(t *testing.T) {
	t.Parallel()
	w := New(Options{Desk: newWorld().desk(), Start: filled()})
	for _, by := range []string{ByPassword, ByClient, ByToken} {
		w.draft.by = by
		for _, tp := range w.topics() {
			for _, s := range tp.steps() {
				if len(s.questions) < 1 || len(s.questions) > 3 {
					t.Errorf("%s asks %d at once", tp.name, len(s.questions))
				}
				for _, q := range s.questions {
					if q.flag == "" || q.key == "" && !q.secret || !strings.Contains(tp.helpText(), q.flag) {
						t.Errorf("%s: %q: flag %q, key %q", tp.name, q.title, q.flag, q.key)
					}
				}
			}
		}
	}
}
