package client_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client"
)

// asStranger has a stranger's options, with the probes.
func (w *world) asStranger() client.Options {
	return w.options(func(o *client.Options) { o.ClientID, o.ClientSecret, o.SignIn = "", "", nil })
}

// pathsOf are the paths of a probe's exchanges, sorted: they are made at once.
func (r *run) pathsOf(name string) []string {
	var all []string
	for _, x := range r.trace.Of(probe.OfProbe(name)) {
		all = append(all, x.URL().Path)
	}
	slices.Sort(all)
	return all
}

// The copies are those that the client did not ask itself, and where it found nothing also the wrong places.
func TestOtherCopies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*world)
		want   []string
	}{
		"all is well": {func(*world) {}, []string{mirror, atRoot, inserted, appended}},
		"no resource metadata": {
			func(w *world) { w.noResource = true },
			[]string{"/mcp/.well-known/oauth-protected-resource"},
		},
		"no server metadata": {
			func(w *world) { w.answers = map[string]http.HandlerFunc{oauth: http.NotFound} },
			[]string{mirror, atRoot, "/realms/test/.well-known/oauth-authorization-server"},
		},
		"an open server": {
			func(w *world) { w.open = true },
			[]string{mirror, atRoot, atPath, "/mcp/.well-known/oauth-protected-resource"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.change(w)
			got := emulate(t, w.asStranger()).pathsOf("copy")
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) {
				t.Errorf("asked for %q, want %q", got, c.want)
			}
		})
	}
}

// Where nobody takes a message at the URL that was typed, the neighbours are asked, and only then.
func TestOtherPaths(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string][]string{
		"": {"/mcp", "/sse"}, "/": {"/mcp", "/sse"}, "/mcp/": {"/mcp", "/mcp/mcp", "/sse"}, "/mcp": nil, "/api": {"/api/", "/api/mcp", "/mcp", "/sse"},
	} {
		w := newWorld(t)
		o := w.asStranger()
		o.Target = w.mcp.URL + typed
		if got := emulate(t, o).pathsOf("other-path"); !slices.Equal(got, want) {
			t.Errorf("%q was typed, asked were %q, want %q", typed, got, want)
		}
	}
}

// The authorization page is asked for as nobody, unless the client's own request will tell.
func TestStrangersPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asked := emulate(t, w.asStranger()).trace.Of(probe.OfProbe("authorization-page"))
	if len(asked) != 1 {
		t.Fatalf("asked %d times", len(asked))
	}
	q, _ := url.ParseQuery(asked[0].URL().RawQuery)
	if asked[0].URL().Path != "/realms/test/auth" || q.Get("client_id") == "" || q.Get("redirect_uri") != "https://evil.example/callback" {
		t.Errorf("asked %s", asked[0].Request.URL)
	}
	if got := emulate(t, w.options(nil)).pathsOf("authorization-page"); len(got) > 0 {
		t.Errorf("a client that is known asked %q", got)
	}
}

// A client that was registered beforehand is tried at each callback of its kind; one that registers has only its own.
func TestOtherRedirects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.options(func(o *client.Options) { o.SignIn = nil })
	o.Profile.Authorize.Registered = []string{"https://claude2.example/callback", "http://127.0.0.1:{port}/x"}
	asked := emulate(t, o).trace.Of(probe.OfProbe("other-redirect"))
	if len(asked) != 1 || asked[0].URL().Query().Get("redirect_uri") != "https://claude2.example/callback" {
		t.Errorf("asked %d times: %v", len(asked), asked)
	}
	o.ClientID, o.ClientSecret, o.Register = "", "", true
	if got := emulate(t, o).pathsOf("other-redirect"); len(got) > 0 {
		t.Errorf("a client that registers asked %q", got)
	}
}
