package keycloak

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// A plant is one misconfiguration: how somebody makes it, which check finds it, by which words, and whether the resources that the
// findings name mend it.
type plant struct {
	what  string
	make  func(b *bench)
	check string
	says  string
	mends bool
}

// planted are all made in one realm at once.
var planted = []plant{
	{"the realm disabled", setRealm("enabled", false), "server-metadata.realm-enabled", "is disabled", true},
	{"Require SSL none", setRealm("sslRequired", "none"), "server-metadata.realm-guarded", "Require SSL", true},
	{"brute force detection off", setRealm("bruteForceProtected", false), "server-metadata.realm-guarded", "brute force", true},
	{"strangers may make accounts", setRealm("registrationAllowed", true), "server-metadata.realm-guarded", "strangers", true},
	{"events not kept", setRealm("eventsEnabled", false), "server-metadata.events-kept", "Save events", true},
	{"access tokens over after 10 s", setRealm("accessTokenLifespan", 10), "token.lifespan-set", "of realm", true},
	{"signed out after a minute", setRealm("ssoSessionIdleTimeout", 60), "session.sign-in-kept", "SSO Session Idle", true},
	{"refresh tokens good for once", setRealm("revokeRefreshToken", true), "session.sign-in-kept", "used once", true},
	{"a Frontend URL of another name", setFrontend, "server-metadata.realm-name-kept", "https://old.example.com", false},
	{"no policy Trusted Hosts", dropTrustedHosts, "registration.guarded", "no policy Trusted Hosts", false},

	{"a wildcard redirect URI", setClient("claude-ai", "redirectUris", []string{"https://claude.ai/*"}), "authorization.redirects-exact", `"https://claude.ai/*"`, true},
	{"another client's redirect URI *", foreignClient, "authorization.redirects-exact", `client "intranet": "*"`, false},
	{"direct access grants", setClient("claude-ai", "directAccessGrantsEnabled", true), "authorization.grants-needed", "direct access grants", true},
	{"the implicit flow", setClient("claude-code", "implicitFlowEnabled", true), "authorization.grants-needed", `client "claude-code" has the implicit`, true},
	{"PKCE not demanded", setAttribute("claude-code", "pkce.code.challenge.method", ""), "authorization.pkce-required", `client "claude-code"`, true},
	{"a client disabled", setClient("m2m", "enabled", false), "authorization.client-usable", `client "m2m" is disabled`, true},
	{"no service account", setClient("signer", "serviceAccountsEnabled", false), "authorization.client-usable", `client "signer" has no service`, true},
	{"a client deleted", deleteClientOf("gone"), "authorization.client-usable", `client "gone" is not there`, true},

	{"full scope allowed", setClient("claude-ai", "fullScopeAllowed", true), "token.audience-only", "Full scope", true},
	{"audience account", accountAudience, "token.audience-only", `"account"`, false},
	{"the audience mapper lost", dropMapper("mcp:tools"), "token.audience-mapped", "scope mcp:tools has no audience mapper", true},
	{"the audience kept out of access tokens", muteMapper("mcp:write"), "token.audience-mapped", "scope mcp:write has an audience mapper that is kept out", true},
	{"the scope taken from a client", takeScopes("claude-code", "mcp:tools", "mcp:write", "mcp:read"), "token.audience-mapped", `client "claude-code" does not have`, true},
	{"scope basic taken away", takeScopes("claude-ai", "basic"), "token.sub-mapped", `client "claude-ai"`, true},
	{"lightweight access tokens", setAttribute("claude-ai", "client.use.lightweight.access.token.enabled", "true"), "token.whole", `client "claude-ai"`, true},
	{"access tokens for a day", setAttribute("signer", "access.token.lifespan", "86400"), "token.lifespan-set", `client "signer" is 1 day`, true},
	{"the test user deleted", deleteUser, "server-metadata.as-planned", "keycloak/user/tester", true},
}

// The audit finds each of the planted misconfigurations, and what its findings name mends those that are the connection's own.
func TestPlanted(t *testing.T) {
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.c.Scopes = []plan.Scope{{Name: "mcp:tools"}, {Name: "mcp:write"}, {Name: "mcp:read"}}
		for i, c := range b.c.Clients {
			if c.ID == "" && c.Profile != plan.Introspection {
				b.c.Clients[i].ID = c.Profile
			}
		}
		b.c.Clients = append(b.c.Clients, plan.Client{Profile: "m2m", ID: "gone"})
		b.apply()
		for _, f := range b.audit() {
			if f.Outcome == probe.Failed || f.Outcome == probe.Warned && f.Check != "server-metadata.keycloak-current" {
				t.Errorf("fault found where there is none: %s: %s", f.Check, f.Detail)
			}
		}
		for _, p := range planted {
			p.make(b)
		}
		found := b.audit()
		left := b.mend(found)
		again := b.audit()
		var table strings.Builder
		fmt.Fprintf(&table, "\n%-40s  %-36s  %-5s  %s\n", "planted in "+kc.Name, "check", "found", "mended")
		count := map[string]int{}
		for _, p := range planted {
			was, is := p.in(found), p.in(again)
			mended := "by hand"
			if p.mends {
				mended = word(!is)
			}
			count["found "+word(was)]++
			count[mended]++
			fmt.Fprintf(&table, "%-40s  %-36s  %-5s  %s\n", p.what, p.check, word(was), mended)
			if !was || is == p.mends {
				t.Errorf("%s: found %v, there after the findings' resources were applied %v, want %v", p.what, was, is, !p.mends)
			}
		}
		fmt.Fprintf(&table, "%d planted: %d found, %d mended, %d for a hand to mend\n", len(planted), count["found yes"], count["yes"], count["by hand"])
		t.Log(table.String())
		if want := []string{"keycloak/scope/mcp:read"}; !slices.Equal(left, want) {
			t.Errorf("refused were %v, want %v: setup takes no mapper away", left, want)
		}
		keepTable(t, table.String())
	})
}

// keepTable keeps what make test-keycloak shows.
func keepTable(t *testing.T, table string) {
	dir := os.Getenv("MCPWIZ_TEST_TABLES")
	if dir == "" {
		return
	}
	name := strings.NewReplacer("/", "-", ":", "-").Replace(t.Name())
	if err := os.WriteFile(filepath.Join(dir, name), []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
}

func word(yes bool) string {
	if yes {
		return "yes"
	}
	return "NO"
}

func (p plant) in(found []probe.Finding) bool {
	return slices.ContainsFunc(found, func(f probe.Finding) bool {
		return f.Check == p.check && (f.Outcome == probe.Failed || f.Outcome == probe.Warned) && (strings.Contains(f.Detail, p.says) || slices.Contains(f.Resources(), p.says))
	})
}

// audit returns what the checks of the audit find.
func (b *bench) audit() []probe.Finding {
	b.t.Helper()
	u := NewAudit(b.a, b.c, b.resources())
	s := probe.NewSession(probe.Opening{Target: mcpURL, Expect: u.Expect(), Checks: checks.All}, func(probe.Event) {})
	now := time.Now()
	if err := u.Facts(b.t.Context(), now, now, s.Note); err != nil {
		b.t.Fatal(err)
	}
	events, err := u.Events(b.t.Context(), "")
	if err == nil {
		err = events(b.t.Context(), now, now, s.Note)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	s.Close()
	return slices.DeleteFunc(s.Findings(), func(f probe.Finding) bool { return !checks.Lookup(f.Check).OnRequest })
}

// mend applies the resources that findings name, and returns those that the plan refuses to touch.
func (b *bench) mend(found []probe.Finding) (refused []string) {
	b.t.Helper()
	var all []plan.Resource
	for _, r := range b.resources() {
		if !slices.ContainsFunc(found, func(f probe.Finding) bool { return slices.Contains(f.Resources(), r.Name()) }) {
			c, err := r.Plan(b.t.Context())
			if err != nil {
				b.t.Fatal(err)
			}
			if c.Action == plan.Refuse {
				refused = append(refused, r.Name())
			}
			continue
		}
		all = append(all, r)
	}
	p, err := plan.Look(b.t.Context(), all)
	if err == nil {
		err = plan.Apply(b.t.Context(), all, p, plan.OpenJournal(b.journal), nil)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return refused
}

func setRealm(name string, v any) func(*bench) {
	return func(b *bench) { b.call(http.MethodPut, map[string]any{name: v}, nil, "realms", b.realm) }
}

// setFrontend sends the tag along: a PUT replaces all attributes.
func setFrontend(b *bench) {
	b.call(http.MethodPut, map[string]any{"attributes": map[string]string{tag: tagOurs, "frontendUrl": "https://old.example.com"}}, nil, "realms", b.realm)
}

func dropTrustedHosts(b *bench) {
	all, err := b.a.components(b.t.Context(), b.realm, registrationPolicy)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range all {
		if c.Provider == trustedHosts && c.SubType == anonymous {
			b.call(http.MethodDelete, nil, nil, "realms", b.realm, "components", c.ID)
		}
	}
}

func setClient(id, member string, v any) func(*bench) {
	return func(b *bench) {
		have := b.client(id)
		have[member] = v
		b.call(http.MethodPut, have, nil, "realms", b.realm, "clients", have["id"].(string))
	}
}

func setAttribute(id, name, v string) func(*bench) {
	return func(b *bench) { setClient(id, "attributes", map[string]string{name: v})(b) }
}

func foreignClient(b *bench) {
	b.call(http.MethodPost, map[string]any{"clientId": "intranet", "redirectUris": []string{"*"}, "standardFlowEnabled": true}, nil, "realms", b.realm, "clients")
}

func deleteClientOf(id string) func(*bench) {
	return func(b *bench) {
		b.call(http.MethodDelete, nil, nil, "realms", b.realm, "clients", b.client(id)["id"].(string))
	}
}

func accountAudience(b *bench) {
	b.call(http.MethodPost, mapperRep{Name: "who knows", Protocol: openIDConnect, Type: audienceMapper,
		Config: map[string]string{clientAudience: "account", "access.token.claim": "true"}}, nil,
		"realms", b.realm, "client-scopes", b.scope("mcp:read").ID, "protocol-mappers", "models")
}

func dropMapper(name string) func(*bench) {
	return func(b *bench) {
		s := b.scope(name)
		b.call(http.MethodDelete, nil, nil, "realms", b.realm, "client-scopes", s.ID, "protocol-mappers", "models", s.mapperNamed(mapperName).ID)
	}
}

func muteMapper(name string) func(*bench) {
	return func(b *bench) {
		s := b.scope(name)
		m := *s.mapperNamed(mapperName)
		m.Config["access.token.claim"] = "false"
		b.call(http.MethodPut, m, nil, "realms", b.realm, "client-scopes", s.ID, "protocol-mappers", "models", m.ID)
	}
}

func takeScopes(id string, names ...string) func(*bench) {
	return func(b *bench) {
		for _, name := range names {
			b.call(http.MethodDelete, nil, nil, "realms", b.realm, "clients", b.client(id)["id"].(string), "default-client-scopes", b.scope(name).ID)
		}
	}
}

func deleteUser(b *bench) {
	var all []struct {
		ID string `json:"id"`
	}
	to := b.a.adminURL("realms", b.realm, "users") + "?" + url.Values{"username": {"tester"}, "exact": {"true"}}.Encode()
	if err := b.a.rawAt(b.t.Context(), "find the user", http.MethodGet, to, nil, &all); err != nil || len(all) != 1 {
		b.t.Fatal(err, len(all))
	}
	b.call(http.MethodDelete, nil, nil, "realms", b.realm, "users", all[0].ID)
}
