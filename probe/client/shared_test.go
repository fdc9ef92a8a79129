package client_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client"
)

// together makes handshakes of one run at once.
func together(t *testing.T, all ...client.Options) []*run {
	t.Helper()
	shared := client.SharedWithin(time.Minute)
	runs := make([]*run, len(all))
	var making sync.WaitGroup
	for i, o := range all {
		o.Shared = shared
		making.Go(func() { runs[i] = emulate(t, o) })
	}
	making.Wait()
	return runs
}

// wellKnown lists what was asked for at well-known places.
func (w *world) wellKnown() []seen {
	return append(w.asked(http.MethodGet, "/.well-known/oauth-protected-resource/mcp"),
		w.asked(http.MethodGet, "/.well-known/oauth-authorization-server/realms/test")...)
}

func TestDocumentsAreAskedForOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plain := w.options(func(o *client.Options) { o.ClientID, o.ClientSecret, o.SignIn, o.Probes = "", "", nil, false })
	alone := emulate(t, plain)
	once := len(w.wellKnown())
	runs := together(t, plain, plain, plain, plain)
	if n := len(w.wellKnown()) - once; n != once {
		t.Errorf("four handshakes ask %d times for documents, one %d times", n, once)
	}
	want := alone.findings()
	for i, r := range runs {
		for id, f := range r.findings() {
			if f.Outcome != want[id].Outcome {
				t.Errorf("handshake %d: %s is %s (%s), alone %s (%s)", i, id, f.Outcome, f.Detail, want[id].Outcome, want[id].Detail)
			}
		}
		for _, ev := range []probe.Evidence{probe.ResourceMetadata, probe.ServerMetadata} {
			x, y := r.trace.Last(ev), alone.trace.Last(ev)
			if x == nil || x.Status() != 200 || x.Request.Header.Get("User-Agent") != y.Request.Header.Get("User-Agent") || x.Peer == nil || x.Peer.Addr != y.Peer.Addr {
				t.Errorf("handshake %d: %s is %+v, alone %+v", i, ev, x, y)
			}
		}
	}
}

// An edge may refuse one User-Agent and let the next one in: who says something else asks for himself.
func TestOtherWordsAreAskedAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plain := w.options(func(o *client.Options) { o.ClientID, o.ClientSecret, o.SignIn, o.Probes = "", "", nil, false })
	other := plain
	profile := *plain.Profile
	agent := "another/1.0"
	profile.Headers.OAuthUserAgent = &agent
	other.Profile = &profile
	together(t, plain, other)
	var agents []string
	for _, s := range w.wellKnown() {
		agents = append(agents, s.header.Get("User-Agent"))
	}
	if !slices.Contains(agents, agent) || !slices.ContainsFunc(agents, func(a string) bool { return a != agent }) {
		t.Errorf("asked as %q", agents)
	}
}

func TestProbesAsNobodyAreMadeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plain := w.options(func(o *client.Options) { o.ClientID, o.ClientSecret, o.SignIn = "", "", nil })
	runs := together(t, plain, plain)
	asked, excused := 0, 0
	for _, r := range runs {
		if r.trace.Has("probe:garbage-token") {
			asked++
		}
		if strings.HasPrefix(r.excused("probe:garbage-token"), "asked once for all clients: as ") {
			excused++
		}
		if r.summary.Status == probe.Incomplete {
			t.Errorf("%s\n%s", r.summary.Status, wrongs(r))
		}
	}
	if asked != 1 || excused != 1 {
		t.Errorf("asked in %d, excused in %d of 2 handshakes", asked, excused)
	}
}

// What is not shared: what did not come whole, what is slow, and what bears a token.
func TestWhatIsNotShared(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		header string
		within time.Duration
	}{
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "{")
		}, "", time.Minute},
		"slow":    {func(http.ResponseWriter, *http.Request) { time.Sleep(300 * time.Millisecond) }, "", time.Millisecond},
		"a token": {func(http.ResponseWriter, *http.Request) {}, "Bearer x", time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked.Add(1); c.answer(w, r) }))
			defer s.Close()
			via := client.SharedWithin(c.within).Over(s.Client().Transport)
			var all sync.WaitGroup
			for range 3 {
				all.Go(func() {
					r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/.well-known/oauth-protected-resource", nil)
					if err != nil {
						t.Error(err)
						return
					}
					if c.header != "" {
						r.Header.Set("Authorization", c.header)
					}
					resp, err := via.RoundTrip(r)
					if err != nil {
						t.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				})
			}
			all.Wait()
			if n := asked.Load(); n != 3 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}
