package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// faults are what one way may have, and what is then to be mended first: as the client that meets it sees it, and as the
// server that overhears it does. What goes on between client and authorization server passes the server by.
var faults = []struct {
	name             string
	as               string
	fault            fault
	first, overheard string
}{
	{"none", "claude-ai", fault{}, "", ""},
	{"none, a machine", "m2m", fault{}, "", ""},

	{"metadata without authorization_endpoint", "claude-ai", fault{keycloak: without("authorization_endpoint")},
		"server-metadata.authorization-endpoint", "server-metadata.authorization-endpoint"},
	{"metadata without authorization_endpoint, a machine", "m2m", fault{keycloak: without("authorization_endpoint")}, "", ""},
	{"metadata without S256", "claude-ai", fault{keycloak: without("code_challenge_methods_supported")},
		"server-metadata.pkce-s256", "server-metadata.pkce-s256"},
	{"metadata of an internal name", "claude-ai",
		fault{keycloak: metadata(func(doc map[string]any) { doc["issuer"] = "http://keycloak:8080/realms/mcp" })},
		"server-metadata.issuer-matches", "server-metadata.issuer-matches"},
	{"a login in front of Keycloak", "claude-ai", fault{keycloak: at("", toLogin)}, "server-metadata.public", "server-metadata.public"},
	{"Keycloak hangs up", "claude-ai", fault{keycloak: at("", hangUp)}, "network.connected", "network.connected"},
	{"no keys", "claude-ai", fault{keycloak: at("/certs", unavailable)}, "server-metadata.keys-usable", "server-metadata.keys-usable"},
	{"no keys, a machine", "m2m", fault{keycloak: at("/certs", unavailable)}, "server-metadata.keys-usable", "server-metadata.keys-usable"},

	{"an issuer with a slash too many", "claude-ai", fault{served: issuer("/")},
		"server-metadata.issuer-matches", "server-metadata.issuer-matches"},
	{"an issuer with a slash too many, a machine", "m2m", fault{served: issuer("/")},
		"server-metadata.issuer-matches", "server-metadata.issuer-matches"},
	{"an issuer that is not there", "claude-ai", fault{served: issuer("-gone")}, "server-metadata.found", "server-metadata.found"},
	{"a scope that nobody grants", "claude-ai", fault{served: wants("mcp:tools", "mcp:admin")}, "authorization.scope-accepted", ""},
	{"a scope that nobody grants, a machine", "m2m", fault{served: wants("mcp:tools", "mcp:admin")}, "token.scope-accepted", ""},

	{"tokens for another server", "claude-ai", fault{provisioned: madeFor("https://other.example.com/mcp")},
		"token.audience-names-target", "token.audience-names-target"},
	{"a scope that is granted on demand, which nobody hears", "claude-ai", fault{served: wants("mcp:tools", "profile"), keycloak: deaf("scope")},
		"token.scope-granted", "token.scope-granted"},
	{"a scope that is granted on demand, which nobody hears, a machine", "m2m", fault{served: wants("mcp:tools", "profile"), keycloak: deaf("scope")},
		"token.scope-granted", "token.scope-granted"},
	{"a clock ahead", "claude-ai", fault{clock: 10 * time.Minute}, "token.clock", "token.clock"},
	{"a clock behind", "claude-ai", fault{clock: -time.Hour}, "token.clock", "initialize.token-accepted"},
	{"a clock behind, a machine", "m2m", fault{clock: -time.Hour}, "token.clock", "initialize.token-accepted"},
	{"tokens for another server, a machine", "m2m", fault{provisioned: madeFor("https://other.example.com/mcp")},
		"token.audience-names-target", "token.audience-names-target"},

	{"a client that is not there", "claude-ai", fault{clientID: "nobody"}, "authorization.client-known", ""},
	{"a client that is not there, a machine", "m2m", fault{clientID: "nobody"}, "token.client-authenticated", ""},
	{"a wrong client secret", "claude-ai", fault{clientSecret: "wrong"}, "token.client-authenticated", ""},
	{"a wrong client secret, a machine", "m2m", fault{clientSecret: "wrong"}, "token.client-authenticated", ""},
	{"a wrong password", "claude-ai", fault{password: "wrong"}, "authorization.login-walked", ""},
}

// madeFor has Keycloak provisioned for another server.
func madeFor(url string) func(*plan.Connection) {
	return func(c *plan.Connection) { c.Servers[0].URL = url }
}

// issuer has the server told another issuer.
func issuer(tail string) func(*plan.Connection) {
	return func(c *plan.Connection) { c.Keycloak.Issuer += tail }
}

// wants has the server want scopes of its own.
func wants(scopes ...string) func(*plan.Connection) {
	return func(c *plan.Connection) { c.Servers[0].Scopes = scopes }
}

// without takes a member out of every metadata document.
func without(member string) func(http.Handler) http.Handler {
	return metadata(func(doc map[string]any) { delete(doc, member) })
}

// metadata changes every metadata document.
func metadata(change func(map[string]any)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.URL.Path, "/.well-known/") {
				next.ServeHTTP(w, r)
				return
			}
			r.Header.Set("Accept-Encoding", "identity")
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, r)
			var doc map[string]any
			if answer.Code != http.StatusOK || json.Unmarshal(answer.Body.Bytes(), &doc) != nil {
				w.WriteHeader(answer.Code)
				return
			}
			change(doc)
			body, err := json.Marshal(doc)
			if err != nil {
				panic(err)
			}
			for name, values := range answer.Header() {
				w.Header()[name] = values
			}
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			w.WriteHeader(http.StatusOK)
			_, _ = w.Write(body)
		})
	}
}

// deaf takes a parameter out of every query and form.
func deaf(name string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			q.Del(name)
			r.URL.RawQuery = q.Encode()
			if r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
				if err := r.ParseForm(); err != nil {
					panic(err)
				}
				r.PostForm.Del(name)
				body := r.PostForm.Encode()
				r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
				r.Form, r.PostForm = nil, nil
			}
			next.ServeHTTP(w, r)
		})
	}
}

// at answers requests whose path ends so in another way.
func at(suffix string, answer http.HandlerFunc) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, suffix) {
				answer(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func unavailable(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "not now", http.StatusServiceUnavailable)
}

func toLogin(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "https://login.example.com/", http.StatusFound)
}

func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
