package main

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mcpwiz/mcpwiz/keycloak"
	"github.com/mcpwiz/mcpwiz/keycloak/keycloaktest"
	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/probe/report"
)

// No secret stands in what any command writes to a screen, a log or a file, but in mcpwiz.secrets.yaml and in what
// `credentials` prints; whatever others answer, and however it is spelled.
func TestCanaries(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, b behind) {
		h := newHouse(t, b)
		admin := []string{"MCPWIZ_KEYCLOAK_PASSWORD=" + b.password}
		h.trawl.take("admin password", b.password)
		h.run(well, admin, "setup", "-f", defaultFile, "--yes")
		given := h.kept()
		h.run(well, admin, "setup", "-f", defaultFile, "--dry-run", "--client", "claude-ai", "--client", "m2m,id=another")
		h.run([]int{exitDrift}, admin, "plan", "-f", defaultFile, "--format", "json", "--client", "m2m,id=another")
		for _, tool := range keycloak.Exports {
			h.run(well, admin, "plan", "-f", defaultFile, "--export", tool, "--client", "m2m,id=another", "--client", "claude-ai,access_token_lifespan=300")
		}
		h.run(well, nil, "undo", "-f", defaultFile, "--list")
		h.run([]int{exitUsage}, admin, "undo", "-f", defaultFile)
		h.run(ill, []string{"MCPWIZ_KEYCLOAK_PASSWORD=" + canary(h, "admin password")}, "setup", "-f", defaultFile, "--dry-run")
		h.connection.Servers[0].Scopes = []string{plan.DefaultScope, "openid"} // brings ID tokens too
		h.save()
		logs := []string{"text", "json"}
		if b.real || testing.Short() { // it takes its time
			logs = logs[1:]
		}
		for _, log := range logs {
			stop := h.serve("--log", log)
			h.handshakes(log)
			h.run(well, admin, "doctor", "--keycloak", defaultFile, "--consent", "--no-public-dns", "--verbose")
			h.run(well, admin, "fix", "-f", defaultFile, "--consent", "--dry-run")
			h.indiscreetKeycloak.Store(true)
			h.run(ill, nil, "doctor", "-f", defaultFile, "--consent", "--wide")
			h.indiscreetKeycloak.Store(false)
			h.indiscreetServer.Store(true)
			h.run(ill, nil, "emulate", "-f", defaultFile, "--consent", "--format", "jsonl")
			h.indiscreetServer.Store(false)
			stop()
		}
		h.strangers(given)
		if b.real {
			h.run(well, admin, "demo", "--keycloak-url", h.keycloak, "--admin-user", b.user, "--wide")
		} else {
			h.run(well, nil, "demo", "--wide")
		}
		h.credentials(given)
		h.holdsNoSecret()
	})
}

// How a command ends.
var well, ill = []int{0}, []int{exitFailed}

// canary is a secret that is wrong, and one all the same.
func canary(h *house, name string) string {
	secret := plan.NewSecret().Reveal()
	h.trawl.take("a wrong "+name, secret)
	return secret
}

// kept returns what mcpwiz made and keeps, by its name.
func (h *house) kept() map[string]string {
	h.t.Helper()
	secrets, err := plan.LoadSecrets(filepath.Join(h.dir, plan.SecretsFile))
	if err != nil {
		h.t.Fatal(err)
	}
	all := map[string]string{}
	for _, name := range secrets.Names() {
		secret, _ := secrets.Get(name)
		all[name] = secret.Reveal()
		if block, _ := pem.Decode([]byte(secret.Reveal())); block == nil {
			h.trawl.take(name, secret.Reveal())
			continue
		}
		for _, line := range strings.Fields(secret.Reveal()) {
			if len(line) >= 32 {
				h.trawl.take(name, line)
			}
		}
	}
	if len(all) < 5 {
		h.t.Fatalf("only %v are kept", slices.Sorted(maps.Keys(all)))
	}
	return all
}

// handshakes makes them as every client of the house, in every form of telling.
func (h *house) handshakes(log string) {
	for _, command := range []string{"doctor", "emulate"} {
		for _, format := range []string{"text", "json", "jsonl"} {
			out := log + "-" + command + "-" + format + ".jsonl"
			h.run(well, nil, command, "-f", defaultFile, "--consent", "--format", format, "--out", out)
			h.run(well, nil, "doctor", "--read", out, "--out", out+".json")
		}
	}
}

// strangers are called by flags, with what is right and what is wrong.
func (h *house) strangers(given map[string]string) {
	defer h.serve()()
	right := []string{"MCPWIZ_CLIENT_SECRET=" + given[plan.ClientSecret("claude")], "MCPWIZ_PASSWORD=" + given[plan.UserPassword("alice")]}
	as := []string{"doctor", h.url, "--login", "alice", "--consent", "--wide", "--client-id"}
	h.run(well, right, append(as, "claude")...)
	h.run(ill, right, append(as, "nobody")...)
	h.run(ill, []string{right[0], "MCPWIZ_PASSWORD=" + canary(h, "password")}, append(as, "claude", "--format", "json")...)
	h.run(ill, []string{"MCPWIZ_CLIENT_SECRET=" + canary(h, "client secret"), right[1]}, append(as, "claude", "--format", "jsonl")...)
	h.run(ill, right, "doctor", h.url, "--login", "alice", "--consent") // nobody registers here
	h.run(ill, []string{"MCPWIZ_CLIENT_SECRET=" + canary(h, "client secret")}, "emulate", h.url, "--as", "m2m", "--client-id", "m2m")
	h.run(well, nil, "doctor", h.url)
}

// credentials shows a client's secret, and no other.
func (h *house) credentials(given map[string]string) {
	h.t.Helper()
	own := given[plan.ClientSecret("claude")]
	others := h.trawl.all()
	delete(others, own)
	for _, format := range []string{"text", "json"} {
		c := call(h.t, h.dir, h.environ(nil), "credentials", "claude", "-f", defaultFile, "--format", format)
		if code := c.ends(h.t); code != 0 || !strings.Contains(c.out.String(), own) {
			h.t.Errorf("credentials ends with %d and shows no secret", code)
		}
		if found := newSearch(others).in(c.out.String() + c.err.String()); len(found) > 0 {
			h.t.Errorf("credentials shows %v", found)
		}
	}
	h.run(well, nil, "credentials", "signer", "-f", defaultFile) // a private key is not printed
}

// holdsNoSecret searches all that was written.
func (h *house) holdsNoSecret() {
	h.t.Helper()
	kinds := h.trawl.kinds()
	for _, name := range strings.Fields(`access_token refresh_token id_token code code_verifier state client_secret password client_assertion
		cookie session_code sid Authorization`) {
		if kinds[name] == 0 {
			h.t.Errorf("no %s was trawled; there are %v", name, kinds)
		}
	}
	if kinds["session id"] == 0 {
		h.t.Errorf("no session id was trawled; there are %v", kinds)
	}
	s := newSearch(h.trawl.all())
	all := h.files()
	secrets := filepath.Join(h.dir, plan.SecretsFile)
	if len(s.in(all[secrets])) == 0 {
		h.t.Error("the search finds nothing where all of it is")
	}
	delete(all, secrets)
	maps.Copy(all, h.told)
	if len(all) < 25 {
		h.t.Errorf("only %d texts are searched", len(all))
	}
	for name, text := range all {
		found := s.in(text)
		slices.Sort(found)
		for _, what := range slices.Compact(found) {
			h.t.Errorf("%s stands in %s", what, name)
		}
	}
}

// What a witness keeps and tells of clients is as discreet.
func TestWitnessTellsNoSecret(t *testing.T) {
	t.Parallel()
	var passed trawl
	b := small(keycloaktest.Options{})
	b.Handler = passed.over(b.Handler)
	r := newRigBehind(t, b, fault{})
	var told bytes.Buffer
	lines := report.NewLines(&told)
	events := r.server.Watch(t.Context())
	over := make(chan struct{})
	go func() {
		defer close(over)
		for e := range events {
			lines.Sink(e)
		}
	}()
	for _, as := range []string{"claude-ai", "m2m"} {
		r.handshake(t, as, func(probe.Event) {})
	}
	r.stop()
	<-over
	kept, err := json.Marshal(r.server.Handshakes())
	if err != nil {
		t.Fatal(err)
	}
	if len(kept) < 10_000 || told.Len() < 10_000 || passed.kinds()["access_token"] == 0 {
		t.Fatalf("%d bytes kept, %d told, %v passed", len(kept), told.Len(), passed.kinds())
	}
	s := newSearch(passed.all())
	for where, text := range map[string]string{"memory": string(kept), "events": told.String(), "log": r.log.String()} {
		if found := s.in(text); len(found) > 0 {
			t.Errorf("the witness's %s has %v", where, found)
		}
	}
}

// A panic says where, never what.
func TestPanicTellsNoSecret(t *testing.T) {
	t.Parallel()
	const secret = "canary-in-a-panic"
	for _, with := range []any{secret, errors.New(secret), []byte(secret)} {
		var told bytes.Buffer
		p := &program{err: &told}
		if code := p.broke(with); code != exitBroken || strings.Contains(told.String(), secret) {
			t.Errorf("exit code %d, told %s", code, &told)
		}
	}
}
