package main

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/keycloak"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/tui/wizard"
)

func answering200(header string, status int, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if header != "" {
			w.Header().Set("Server", header)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

func TestCheckServer(t *testing.T) {
	t.Parallel()
	d := atDesk(t, false)
	listen := freeAddress(t)
	at := func(h http.Handler) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.URL + "/mcp"
	}
	stream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		hang(r)
	})
	health := http.NewServeMux()
	secure := httptest.NewUnstartedServer(answering200("", 200, ""))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	behindNginx := at(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "nginx")
		health.ServeHTTP(w, r)
	}))
	health.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"servers":[{"url":"` + behindNginx + `"}]}`))
	})
	busy := at(answering200("Hello/1.0", 200, ""))
	busyAddress := strings.TrimSuffix(strings.TrimPrefix(busy, "http://"), "/mcp")
	for name, c := range map[string]struct {
		listen, url string
		ok, warn    bool
		note        string
	}{
		"a trial":            {listen, "http://" + listen + "/mcp", true, false, "is free: a trial on this machine"},
		"taken":              {busyAddress, busy, false, false, "Hello/1.0 listens there"},
		"not this machine's": {"192.0.2.1:80", "http://" + listen + "/mcp", false, false, "cannot listen at 192.0.2.1:80: bind"},
		"no name":            {listen, "https://mcp.invalid/mcp", true, true, "mcp.invalid"},
		"nobody":             {listen, "http://" + freeAddress(t) + "/mcp", true, true, "nobody answers at 127.0.0.1"},
		"ours":               {listen, at(answering200("mcpwiz/1.2.3", 401, "")), true, false, "mcpwiz/1.2.3 answers there already"},
		"ours behind nginx":  {listen, behindNginx, true, false, "answers there already, behind nginx"},
		"another":            {listen, busy, true, true, "another server answers there (Hello/1.0, 200): bring the URL to " + listen},
		"nameless":           {listen, at(answering200("", 404, "no")), true, true, "another server answers there (404)"},
		"behind an edge":     {listen, at(answering200("nginx", 404, "no")), true, true, "another server answers there (404), behind nginx"},
		"an edge alone":      {listen, at(answering200("nginx", 502, "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body></html>")), true, false, "nginx answers, and has nobody behind it yet (502)"},
		"elsewhere": {listen, at(http.RedirectHandler("https://www.example.com/mcp", http.StatusMovedPermanently)), true, true,
			"leads on to https://www.example.com/mcp: give the address at its end"},
		"not trusted":   {listen, secure.URL + "/mcp", true, true, "certificate"},
		"a long stream": {listen, at(stream), true, true, "another server answers there (200)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := d.checkServer(t.Context(), plan.WayOwn, c.listen, c.url)
			if got.OK != c.ok || got.Warn != c.warn || !strings.Contains(got.Note, c.note) {
				t.Errorf("%+v, want %q", got, c.note)
			}
		})
	}
}

// A letter more cancels what is looked up.
func TestChecksEndWithTheirContext(t *testing.T) {
	t.Parallel()
	d := atDesk(t, false)
	mute := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { hang(r) }))
	t.Cleanup(mute.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begin := time.Now()
	d.checkServer(ctx, plan.WayOwn, freeAddress(t), mute.URL+"/mcp")
	for _, secret := range []plan.Secret{"", "x"} {
		if v := d.checkKeycloak(ctx, plan.Keycloak{Issuer: mute.URL + "/realms/mcp", Admin: plan.Admin{User: "admin"}}, secret); v.OK {
			t.Errorf("%+v", v)
		}
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("ended after %s", took)
	}
}

func TestCheckKeycloak(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, b behind) {
		k := httptest.NewServer(b)
		t.Cleanup(k.Close)
		other := httptest.NewServer(answering200("", 404, "not here"))
		t.Cleanup(other.Close)
		d := atDesk(t, false)
		realm := newRealm()
		for name, c := range map[string]struct {
			issuer   string
			secret   plan.Secret
			own      bool
			ok, warn bool
			note     string
		}{
			"reached":              {k.URL + "/realms/" + realm, "", true, true, false, "Keycloak answers at " + k.URL},
			"not Keycloak":         {other.URL + "/realms/" + realm, "", true, false, false, "check the address"},
			"nobody":               {"http://" + freeAddress(t) + "/realms/" + realm, "", true, false, false, "connection refused"},
			"a wrong password":     {k.URL + "/realms/" + realm, "canary-wrong", true, false, false, "Invalid user credentials: check user and password"},
			"a realm to be made":   {k.URL + "/realms/" + realm, plan.Secret(b.password), true, true, false, "may make the realm " + realm},
			"no realm to be used":  {k.URL + "/realms/" + realm, plan.Secret(b.password), false, true, true, "there is no realm " + realm},
			"a realm of others":    {k.URL + "/realms/master", plan.Secret(b.password), true, true, true, "the realm master is there, and not mcpwiz's"},
			"a realm to be used":   {k.URL + "/realms/master", plan.Secret(b.password), false, true, false, "may make clients in the realm master"},
			"nobody, with a login": {"http://" + freeAddress(t) + "/realms/" + realm, "x", true, false, false, "connection refused"},
		} {
			t.Run(name, func(t *testing.T) {
				kc := plan.Keycloak{Issuer: c.issuer, CreateRealm: c.own, Admin: plan.Admin{User: b.user}}
				got := d.checkKeycloak(t.Context(), kc, c.secret)
				if got.OK != c.ok || got.Warn != c.warn || !strings.Contains(got.Note, c.note) || strings.Contains(got.Note, "canary") {
					t.Errorf("%+v, want %q", got, c.note)
				}
			})
		}
		if l := d.lifetimes(plan.Keycloak{Issuer: k.URL + "/realms/master"}); l.Idle == 0 {
			t.Errorf("the lifetimes of a realm that was looked at are not known: %+v", l)
		}
		if l := d.lifetimes(plan.Keycloak{Issuer: k.URL + "/realms/unseen"}); l != (wizard.Lifetimes{}) {
			t.Errorf("those of a realm that nobody looked at are: %+v", l)
		}
	})
}

func TestStandingInWords(t *testing.T) {
	t.Parallel()
	k := plan.Keycloak{Realm: "mcp", CreateRealm: true, Admin: plan.Admin{ClientID: "robot"}}
	for note, s := range map[string]keycloak.Standing{
		"Keycloak 25.0.6: mcpwiz is for 26.4 and newer":                        {Version: "25.0.6"},
		"Keycloak 26.3.5: mcpwiz is for 26.4 and newer":                        {Version: "26.3.5"},
		"Keycloak 26.10.0: robot lacks create-realm of the realm master":       {Version: "26.10.0", Lacks: []string{"create-realm of the realm master"}},
		"Keycloak: robot lacks manage-clients and manage-users":                {There: true, Lacks: []string{"manage-clients", "manage-users"}},
		"Keycloak nightly: the realm mcp is mcpwiz's, and robot may change it": {Version: "nightly", There: true, Ours: true},
	} {
		if got := standing(k, s).Note; got != note {
			t.Errorf("got %q, want %q", got, note)
		}
	}
}
