package client_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client"
)

// inFront puts an edge in front of a world: the target is then its URL, the world's own the origin.
func inFront(t *testing.T, w *world, edge func(http.Handler) http.Handler) client.Options {
	t.Helper()
	at, err := url.Parse(w.mcp.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(at)
		r.Out.Host = r.In.Host
	}}
	front := httptest.NewServer(edge(proxy))
	t.Cleanup(front.Close)
	w.mcp.URL = front.URL // what the world calls itself
	return w.options(func(o *client.Options) { o.Origin = at.String() })
}

func asIs(next http.Handler) http.Handler { return next }

// altered changes answers once they are whole.
func altered(change func(*http.Request, *httptest.ResponseRecorder)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && r.URL.Path == "/mcp" && r.Header.Get("Authorization") != "" {
				next.ServeHTTP(rw, r)
				return
			}
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			change(r, rec)
			for name, v := range rec.Header() {
				rw.Header()[name] = v
			}
			rw.Header().Del("Content-Length")
			rw.WriteHeader(rec.Code)
			_, _ = rw.Write(rec.Body.Bytes())
		})
	}
}

// What stands in front is told by what it does, and what is the server's own doing is not.
func TestOriginIsCompared(t *testing.T) {
	t.Parallel()
	const answers, headers, streams = "edge.answers-kept", "edge.answer-headers-kept", "edge.streams-begin"
	wellKnown := func(r *http.Request) bool {
		return strings.HasPrefix(r.URL.Path, "/.well-known/oauth-protected-resource")
	}
	for name, c := range map[string]struct {
		edge  func(http.Handler) http.Handler
		world func(*world)
		// fails is the check that tells, "" for none; says is part of what it says.
		fails, says string
	}{
		"nothing":   {edge: asIs},
		"streams":   {edge: asIs, world: func(w *world) { w.sse = true }},
		"stateless": {edge: asIs, world: func(w *world) { w.stateless = true }},
		"a server that is wrong by itself": {edge: asIs, world: func(w *world) {
			w.answers = map[string]http.HandlerFunc{"/.well-known/oauth-protected-resource/mcp": func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "no", 500) }}
		}},
		"compression, dates and ids": {edge: altered(func(r *http.Request, rec *httptest.ResponseRecorder) {
			rec.Header().Set("Cf-Ray", "1-FRA")
			rec.Header().Set("Date", "Sun, 01 Nov 2026 12:00:00 GMT")
			rec.Header().Set("X-Request-Id", "17")
			if wellKnown(r) {
				var packed bytes.Buffer
				z := gzip.NewWriter(&packed)
				_, _ = z.Write(rec.Body.Bytes())
				z.Close()
				rec.Body = &packed
				rec.Header().Set("Content-Encoding", "gzip")
			}
		})},
		"a block": {fails: answers, says: "403", edge: altered(func(r *http.Request, rec *httptest.ResponseRecorder) {
			if r.Method == http.MethodPost && r.URL.Path == "/mcp" && r.Header.Get("Authorization") != "" {
				rec.Code, rec.Body = 403, bytes.NewBufferString("Your request was blocked.")
				rec.Header().Set("Server", "cloudflare")
				rec.Header().Set("Content-Type", "text/plain")
			}
		})},
		"a document of its own": {fails: answers, says: "authorization_servers", edge: altered(func(r *http.Request, rec *httptest.ResponseRecorder) {
			if wellKnown(r) {
				rec.Body = bytes.NewBuffer(bytes.ReplaceAll(rec.Body.Bytes(), []byte("/realms/test"), []byte("/realms/other")))
			}
		})},
		"another answer": {fails: answers, says: "405 through the public name, and 401", edge: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost && r.Header.Get("Authorization") == "" && r.URL.Path == "/mcp" {
					rw.WriteHeader(http.StatusMethodNotAllowed)
					return
				}
				next.ServeHTTP(rw, r)
			})
		}},
		"a challenge that is taken off": {fails: headers, says: "WWW-Authenticate is taken off", edge: altered(func(_ *http.Request, rec *httptest.ResponseRecorder) {
			rec.Header().Del("Www-Authenticate")
		})},
		"a type of its own": {fails: headers, says: "Content-Type is changed", edge: altered(func(r *http.Request, rec *httptest.ResponseRecorder) {
			if wellKnown(r) {
				rec.Header().Set("Content-Type", "application/octet-stream")
			}
		})},
		"CORS of its own": {fails: headers, says: "Access-Control-Allow-Origin is added", edge: altered(func(_ *http.Request, rec *httptest.ResponseRecorder) {
			rec.Header().Set("Access-Control-Allow-Origin", "*")
		})},
		"a stream that is held back": {fails: streams, says: "no answer within", world: func(w *world) {
			w.answers = map[string]http.HandlerFunc{"/mcp": func(rw http.ResponseWriter, r *http.Request) { w.serveMCP(rw, r) }}
		}, edge: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet && r.URL.Path == "/mcp" && r.Header.Get("Authorization") != "" {
					<-r.Context().Done()
					return
				}
				next.ServeHTTP(rw, r)
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.world != nil {
				c.world(w)
			}
			r := emulate(t, inFront(t, w, c.edge))
			if r.err != nil {
				t.Fatal(r.err)
			}
			if left := r.emulator.Left(); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
			told := r.findings()
			for _, id := range []string{answers, headers, streams} {
				f, there := told[id]
				bad := f.Outcome == probe.Failed || f.Outcome == probe.Warned
				switch {
				case !there:
					t.Errorf("%s says nothing", id)
				case bad != (id == c.fails):
					t.Errorf("%s: %s %s", id, f.Outcome, f.Detail)
				case bad && (!strings.Contains(f.Detail, c.says) || f.Owner != probe.OwnerEdge):
					t.Errorf("%s of %s says %q, want %q", id, f.Owner, f.Detail, c.says)
				}
			}
		})
	}
}

// What is asked of the origin bears the public name, and no mark of ours.
func TestOriginIsAskedAsTheEdgeWould(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := inFront(t, w, asIs)
	r := emulate(t, o)
	target, _ := url.Parse(o.Target)
	for _, s := range w.asked(http.MethodPost, "/mcp") {
		for name := range s.header {
			if strings.Contains(strings.ToLower(name), "mcpwiz") || strings.Contains(strings.ToLower(name), "probe") {
				t.Errorf("on the wire: %s", name)
			}
		}
	}
	asked := 0
	for _, x := range r.trace.Exchanges {
		if strings.HasPrefix(x.Probe, "origin") && strings.HasPrefix(x.Request.URL, o.Origin) {
			asked++
			if got := x.Request.Header.Get("Host"); got != target.Host {
				t.Errorf("%s %s names Host %q, want %q", x.Request.Method, x.Request.URL, got, target.Host)
			}
		}
	}
	if asked < 8 {
		t.Errorf("%d requests went to the origin", asked)
	}
}

// Nobody at the origin is no finding about the edge.
func TestOriginThatIsNotThere(t *testing.T) {
	t.Parallel()
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	r := emulate(t, newWorld(t).options(func(o *client.Options) { o.Origin = dead.URL }))
	f := r.findings()["edge.answers-kept"]
	if r.err != nil || r.summary.Status != probe.Healthy || f.Outcome != probe.Skipped || !strings.Contains(f.Detail, "nobody answers at "+dead.URL) {
		t.Errorf("%s, %v, %+v", r.summary.Status, r.err, f)
	}
}

func TestOriginsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, bad := range []string{"127.0.0.1:8080", "http://127.0.0.1:8080/mcp", "http://user:x@127.0.0.1:1", "http://mcp.example.com", "http://192.0.2.1:80", "http://127.0.0.1:99999", w.mcp.URL} {
		if _, err := client.New(w.options(func(o *client.Options) { o.Origin = bad })); err == nil {
			t.Errorf("%s is taken for an origin", bad)
		}
	}
	for _, good := range []string{"http://127.0.0.1:1/", "http://[::1]:1", "http://10.1.2.3:8080", "https://origin.example.com", "http://localhost:8080"} {
		if _, err := client.New(w.options(func(o *client.Options) { o.Origin = good })); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}
