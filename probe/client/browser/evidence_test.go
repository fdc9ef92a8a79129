package browser

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
)

// metadata answers with a document that names the site's endpoints.
func metadata(s *site, w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	issuer := s.URL + "/realms/mcp"
	_ = json.NewEncoder(w).Encode(map[string]any{"issuer": issuer, "authorization_endpoint": issuer + "/protocol/openid-connect/auth"})
}

// TestWalkIsEvidence holds the walk to being what a browser's is, and the clean-up to being evidence of nothing.
func TestWalkIsEvidence(t *testing.T) {
	t.Parallel()
	s := newSite(t, metadata, shows("login.26.7.3"), shows("otp.26.7.3"), redirects(302, response), shows("logout-confirm.26.7.3"), shows("info.26.7.3"))
	r := s.request()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.Issuer+"/.well-known/openid-configuration", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := (&http.Client{Transport: r.Transport}).Do(req); err != nil {
		t.Fatal(err)
	} else {
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	h := headless("tester")
	h.OTP = func(context.Context) (string, error) { return "271828", nil }
	if _, err := h.Authorize(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if err := h.End(t.Context()); err != nil {
		t.Fatal(err)
	}
	count := map[probe.Evidence]int{}
	look := &probe.Check{ID: "test", Stage: probe.StageAuthorization, Needs: []probe.Evidence{probe.Connection}, Judge: func(tr *probe.Trace) probe.Verdict {
		for _, e := range []probe.Evidence{probe.Authorization, probe.Login, probe.Callback, probe.OfProbe(CleanUp)} {
			count[e] = len(tr.Of(e))
		}
		return probe.Skip("looked")
	}}
	session := probe.NewSession(probe.Opening{Target: "https://mcp.example.com/mcp", Checks: []*probe.Check{look}}, func(probe.Event) {})
	for _, x := range s.seen {
		session.Add(x)
	}
	session.Close()
	for e, want := range map[probe.Evidence]int{probe.Authorization: 1, probe.Login: 2, probe.Callback: 1, probe.OfProbe(CleanUp): 2} {
		if count[e] != want {
			t.Errorf("%d exchanges are evidence of %s, want %d", count[e], e, want)
		}
	}
}
