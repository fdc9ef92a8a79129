package client_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client"
)

const (
	atPath   = "/.well-known/oauth-protected-resource/mcp"
	atRoot   = "/.well-known/oauth-protected-resource"
	oauth    = "/.well-known/oauth-authorization-server/realms/test"
	inserted = "/.well-known/openid-configuration/realms/test"
	appended = "/realms/test/.well-known/openid-configuration"
	mirror   = "/.well-known/oauth-authorization-server"
)

func document(m map[string]any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, m) }
}

func redirect(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/elsewhere", http.StatusFound)
}

// changed is the authorization server's metadata with members changed; nil takes one out.
func (w *world) changed(change map[string]any) http.HandlerFunc {
	m := w.server.metadata()
	for name, v := range change {
		if m[name] = v; v == nil {
			delete(m, name)
		}
	}
	return document(m)
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*world, *probe.Profile)
		// asked are the documents asked for, in order; authorized says where the login page is asked for, "" for nowhere.
		asked      []string
		authorized string
	}{
		"all is well": {func(*world, *probe.Profile) {}, []string{atPath, oauth}, "/realms/test/auth"},
		"a redirect is not followed": {
			func(w *world, _ *probe.Profile) {
				w.answers[atPath], w.answers[oauth], w.answers[inserted] = redirect, redirect, w.changed(nil)
			},
			[]string{atPath, atRoot, oauth, inserted}, "/realms/test/auth",
		},
		"an error at which the client stops": {
			func(w *world, p *probe.Profile) {
				p.Discovery.StopsAt = []string{"3xx", "5xx"}
				w.answers[oauth] = func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) }
				w.answers[inserted] = w.changed(nil)
			}, []string{atPath, oauth}, "/authorize",
		},
		"an error at which it goes on": {
			func(w *world, _ *probe.Profile) {
				w.answers[oauth] = func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) }
				w.answers[inserted] = w.changed(nil)
			}, []string{atPath, oauth, inserted}, "/realms/test/auth",
		},
		"a document without a server is no document": {
			func(w *world, _ *probe.Profile) { w.answers[atPath] = document(map[string]any{"resource": w.target()}) },
			[]string{atPath, atRoot, oauth}, "/realms/test/auth",
		},
		"the resource is another one": {
			func(w *world, _ *probe.Profile) {
				w.answers[atPath] = document(map[string]any{"resource": w.mcp.URL, "authorization_servers": []string{w.issuer()}})
			}, []string{atPath}, "",
		},
		"the resource is another one, by prefix": {
			func(w *world, p *probe.Profile) {
				p.Discovery.ResourceRule = "prefix"
				w.answers[atPath] = document(map[string]any{"resource": w.mcp.URL, "authorization_servers": []string{w.issuer()}})
			}, []string{atPath, oauth}, "/realms/test/auth",
		},
		"only the first server": {
			func(w *world, _ *probe.Profile) {
				w.answers[atPath] = document(map[string]any{"resource": w.target(), "authorization_servers": []string{w.as.URL + "/dead", w.issuer()}})
			}, []string{atPath, mirror + "/dead", "/.well-known/openid-configuration/dead", "/dead/.well-known/openid-configuration"}, "/authorize",
		},
		"all servers": {
			func(w *world, p *probe.Profile) {
				p.Discovery.FirstServerOnly, p.Discovery.ServerMetadata = false, []string{"oauth"}
				w.answers[atPath] = document(map[string]any{"resource": w.target(), "authorization_servers": []string{w.as.URL + "/dead", w.issuer()}})
			}, []string{atPath, mirror + "/dead", oauth}, "/realms/test/auth",
		},
		"another issuer": {
			func(w *world, _ *probe.Profile) {
				w.answers[oauth] = w.changed(map[string]any{"issuer": w.issuer() + "/"})
			},
			[]string{atPath, oauth, inserted, appended}, "/authorize",
		},
		"another issuer by a slash": {
			func(w *world, p *probe.Profile) {
				p.Discovery.IssuerRule = "slash"
				w.answers[oauth] = w.changed(map[string]any{"issuer": w.issuer() + "/"})
			}, []string{atPath, oauth}, "/realms/test/auth",
		},
		"no fallback": {
			func(w *world, p *probe.Profile) { p.Discovery.Fallback, w.hide = "none", []string{"token_endpoint"} },
			[]string{atPath, oauth, inserted, appended}, "",
		},
		"no S256": {
			func(w *world, _ *probe.Profile) { w.hide = []string{"code_challenge_methods_supported"} },
			[]string{atPath, oauth}, "",
		},
		"the mirror, where no resource metadata are": {
			func(w *world, _ *probe.Profile) { w.noResource, w.answers[mirror] = true, w.changed(nil) },
			[]string{atPath, atRoot, mirror}, "/realms/test/auth",
		},
		"a server that refuses for good": {
			func(w *world, _ *probe.Profile) {
				w.answers["/mcp"] = func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }
			}, nil, "",
		},
		"a client that does not ask first": {
			func(w *world, p *probe.Profile) {
				p.Discovery.AsksEndpointFirst, p.Discovery.ResourceMetadata = false, []string{"path"}
				w.answers["/mcp"] = func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }
			}, []string{atPath, oauth}, "/realms/test/auth",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.answers = map[string]http.HandlerFunc{}
			o := w.options(func(o *client.Options) { o.SignIn, o.Probes = nil, false })
			c.change(w, o.Profile)
			emulate(t, o)
			var asked []string
			authorized := ""
			for _, s := range w.requests {
				switch {
				case strings.Contains(s.path, ".well-known"):
					asked = append(asked, s.path)
				case s.method == http.MethodGet && strings.Contains(s.path, "/auth"):
					authorized = s.path
				}
			}
			if !slices.Equal(asked, c.asked) || authorized != c.authorized {
				t.Errorf("asked for %q, authorized at %q; want %q, %q", asked, authorized, c.asked, c.authorized)
			}
		})
	}
}

// What cannot be ended is told.
func TestLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hide = []string{"revocation_endpoint"}
	w.answers = map[string]http.HandlerFunc{"/realms/test/register": func(rw http.ResponseWriter, _ *http.Request) {
		writeJSON(rw, 201, map[string]any{"client_id": "claude", "client_secret": "canary-client-secret-5e1f", "token_endpoint_auth_method": "client_secret_post"})
	}}
	r := emulate(t, w.options(func(o *client.Options) { o.ClientID, o.ClientSecret, o.Register = "", "", true }))
	left := strings.Join(r.emulator.Left(), "\n")
	if !strings.Contains(left, "a refresh token of client claude") || !strings.Contains(left, "its registration says not how") {
		t.Errorf("left: %q", left)
	}
}
