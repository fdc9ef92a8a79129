package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mcpwiz/mcpwiz/keycloak/keycloaktest"
	"github.com/mcpwiz/mcpwiz/probe/client/browser"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/tui"
	"github.com/mcpwiz/mcpwiz/tui/wizard"
)

func atDesk(t *testing.T, own bool) *desk {
	t.Helper()
	p := newProgram(nil, nil, nil, func(string) (string, bool) { return "", false })
	d := p.newDesk(filepath.Join(t.TempDir(), "mcpwiz.yaml"), own)
	t.Cleanup(func() {
		if err := d.close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// quietly tells nobody.
func quietly(string) {}

// answersFor are whole answers for a Keycloak.
func answersFor(keycloak, listen string) wizard.Answers {
	return wizard.Answers{
		Connection: plan.Connection{
			Servers:  []plan.Server{{URL: "http://" + listen + "/mcp", Listen: listen}},
			Keycloak: plan.Keycloak{Issuer: keycloak + "/realms/mcp", CreateRealm: true, Admin: plan.Admin{User: "admin"}},
			Clients:  []plan.Client{{Profile: "claude-ai"}}, Users: []plan.User{{Name: "alice"}},
		},
		AdminSecret: canaryAdmin, AdminBy: wizard.ByPassword,
	}
}

func TestSave(t *testing.T) {
	t.Parallel()
	a := answersFor("https://id.example.com", "127.0.0.1:8080")
	t.Run("a new file", func(t *testing.T) {
		t.Parallel()
		d := atDesk(t, false)
		a := a
		a.Connection.Keycloak.CAFile = filepath.Join(filepath.Dir(d.path), "sub", "ca.pem")
		for range 2 {
			if _, err := d.save(a); err != nil {
				t.Fatal(err)
			}
		}
		got, err := plan.Load(d.path)
		if err != nil || got.Servers[0].URL != a.Connection.Servers[0].URL || got.Keycloak.CAFile != a.Connection.Keycloak.CAFile {
			t.Errorf("%v: %+v", err, got)
		}
		told := strings.Join(d.written(), "\n")
		if !strings.Contains(told, "mcpwiz serve -f "+d.path) || !strings.Contains(told, "mcpwiz credentials claude -f") {
			t.Error(told)
		}
	})
	t.Run("another's file", func(t *testing.T) {
		t.Parallel()
		d := atDesk(t, false)
		if err := os.WriteFile(d.path, []byte("# mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := d.save(a); err == nil || !strings.Contains(err.Error(), "-f") {
			t.Errorf("overwritten: %v", err)
		}
	})
	t.Run("a file that says so already", func(t *testing.T) {
		t.Parallel()
		d := atDesk(t, true)
		if err := a.Connection.Save(d.path); err != nil {
			t.Fatal(err)
		}
		text, _ := os.ReadFile(d.path)
		text = append([]byte("# a comment\n"), text...)
		if err := os.WriteFile(d.path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := d.save(a); err != nil {
			t.Fatal(err)
		}
		if now, _ := os.ReadFile(d.path); string(now) != string(text) {
			t.Errorf("the comment is lost:\n%s", now)
		}
	})
}

// The server goes on while the answers are the same, and begins anew with others.
func TestServeAnew(t *testing.T) {
	t.Parallel()
	d, ctx := atDesk(t, false), t.Context()
	k, err := keycloaktest.Start(keycloaktest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	a := answersFor(k.URL, freeAddress(t))
	for range 2 {
		if err := d.serve(ctx, a, quietly); err != nil {
			t.Fatal(err)
		}
	}
	first := d.runs()
	if v := d.checkServer(ctx, plan.WayOwn, a.Connection.Servers[0].Listen, a.Connection.Servers[0].URL); !v.OK || v.Warn || !strings.Contains(v.Note, "is served by this wizard") {
		t.Errorf("its own server is in the way: %+v", v)
	}
	b := answersFor(k.URL, freeAddress(t))
	if err := d.serve(ctx, b, quietly); err != nil {
		t.Fatal(err)
	}
	if d.runs() == first || first.alive() {
		t.Error("the former server still runs")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	err = d.serve(ctx, answersFor(k.URL, l.Addr().String()), quietly)
	if err == nil || !strings.Contains(err.Error(), "another program listens there") {
		t.Errorf("at an address that is taken: %v", err)
	}
	watch, stop := context.WithCancel(ctx)
	events := d.watch(watch)
	stop()
	for range events { // it ends, though nothing is served
	}
}

// What was looked at with other answers is not applied.
func TestApplyOtherAnswers(t *testing.T) {
	t.Parallel()
	d := atDesk(t, false)
	k := smallOne(t, nil)
	a := answersFor(k, freeAddress(t))
	p, err := d.look(t.Context(), a, "")
	if err != nil {
		t.Fatal(err)
	}
	b := a
	b.Connection.Users = nil
	if err := d.apply(t.Context(), b, "", p, func(plan.Progress) {}); err == nil {
		t.Error("applied")
	}
	var done []string
	err = d.apply(t.Context(), a, "", p, func(at plan.Progress) {
		if at.Done {
			done = append(done, at.Change.Resource)
		}
	})
	if err != nil || len(done) != len(p.Changes) {
		t.Errorf("%v: %v", err, done)
	}
	values := d.values(a)
	if len(values) != 3 || !values[2].Secret || len(values[2].Text) < 30 || values[1].Text != "claude" {
		t.Errorf("%+v", values)
	}
}

func TestWhereToType(t *testing.T) {
	t.Parallel()
	d := atDesk(t, false)
	a := answersFor("https://id.example.com", "127.0.0.1:8080")
	for profile, want := range map[string]string{"claude-ai": "Settings, Connectors", "claude-code": "claude mcp add", "m2m": "client_credentials", "cursor": "Give the client"} {
		a.Connection.Clients = []plan.Client{{Profile: plan.Introspection}, {Profile: profile}}
		if got := d.where(a); !strings.Contains(got, want) {
			t.Errorf("%s: %s", profile, got)
		}
		if got := d.page(a); (got != "") != (profile == "claude-ai") {
			t.Errorf("%s: %s", profile, got)
		}
		labels := []string{}
		for _, v := range d.values(a) {
			labels = append(labels, v.Label)
		}
		if slices.Contains(labels, "issuer") != (profile != "claude-ai") {
			t.Errorf("%s: %v", profile, labels)
		}
	}
	a.Connection.Clients = []plan.Client{{Profile: "m2m"}, {Profile: "claude-ai"}}
	if got := d.where(a); !strings.Contains(got, "Connectors") {
		t.Errorf("Claude is not waited for first: %s", got)
	}
}

// On a page one-time code and address are pasted, and all talk goes to the page.
func TestOnPage(t *testing.T) {
	t.Parallel()
	p := newProgram(nil, nil, nil, func(string) (string, bool) { return "", false })
	var told []string
	as := tui.ProbeRun{Told: func(line string) { told = append(told, line) }, Paste: func(context.Context) (string, error) { return " 123456\n", nil }}
	o := handshakeOptions{}
	headless, ok := p.onPage(p.headless(&o, "alice", "x"), as).(*browser.Headless)
	if !ok {
		t.Fatal("another way to sign in")
	}
	code, err := headless.OTP(t.Context())
	if err != nil || code != "123456" || len(told) != 1 || !strings.Contains(told[0], "alice") {
		t.Errorf("%q, %v, %q", code, err, told)
	}
	told = nil
	if _, err := toldTo(as.Told).Write([]byte("one\n\n  two  \n")); err != nil || !slices.Equal(told, []string{"one", "two"}) {
		t.Errorf("%q", told)
	}
}

func TestBrokenPage(t *testing.T) {
	t.Parallel()
	broken := &tui.Broken{}
	err := tui.Guard(func() error { panic("canary-value") })
	if !errors.As(err, &broken) {
		t.Fatal(err)
	}
	p := newProgram(nil, nil, nil, nil)
	told := p.left(nil, err)
	f := new(failure)
	if !errors.As(told, &f) || f.code != exitBroken || !strings.Contains(told.Error(), "panic at desk_test.go:") || strings.Contains(told.Error(), "canary") {
		t.Errorf("%v", told)
	}
	if err := p.left(tui.ErrLeft, nil); !errors.As(err, &f) || f.code != exitInterrupted {
		t.Errorf("%v", err)
	}
	if err := p.left(nil, nil); err != nil {
		t.Error(err)
	}
}
