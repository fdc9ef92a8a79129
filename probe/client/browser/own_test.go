package browser

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(p) }
func (l *lines) String() string              { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

// tapped collects what a tap tells.
func tapped() (*probe.Tap, func() []probe.Exchange) {
	var seen []probe.Exchange
	tap := &probe.Tap{To: func(x probe.Exchange) { seen = append(seen, x) }}
	return tap, func() []probe.Exchange { tap.Close(); return seen }
}

const authorizeURL = "https://auth.example.com/realms/mcp/protocol/openid-connect/auth?client_id=claude&state=st-4711-8152"

// visit is what a browser does at the callback.
func visit(t *testing.T, method, address string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestOwnBrowserComesBackToLoopback(t *testing.T) {
	t.Parallel()
	for _, uri := range []string{"http://localhost:{port}/callback", "http://127.0.0.1:{port}/oauth/callback"} {
		told := &lines{}
		tap, seen := tapped()
		o := &Own{Told: told}
		redirect, err := o.Redirect(t.Context(), []string{hosted, uri})
		if err != nil {
			t.Fatal(err)
		}
		o.Open = func(string) error {
			for _, wrong := range []struct {
				method, address string
				status          int
			}{
				{"GET", redirect + "?code=of-another-login&state=nobody", 400},
				{"GET", redirect + "?state=st-4711-8152", 400},
				{"POST", redirect + "?code=c&state=st-4711-8152", 405},
				{"GET", redirect + "/x?code=c&state=st-4711-8152", 404},
				{"GET", strings.Replace(redirect, "/callback", "/favicon.ico", 1), 404},
			} {
				if status, _ := visit(t, wrong.method, wrong.address); status != wrong.status {
					t.Errorf("%s %s: %d", wrong.method, wrong.address, status)
				}
			}
			for range 2 {
				if status, page := visit(t, "GET", redirect+"?code=the-code-itself-0815&state=st-4711-8152"); status != 200 || !strings.Contains(page, "You can close this window") {
					t.Errorf("%d %s", status, page)
				}
			}
			return errors.New("no screen")
		}
		got, err := o.Authorize(t.Context(), Request{URL: authorizeURL, RedirectURI: redirect, State: "st-4711-8152", Tap: tap})
		if err != nil || got.String() != redirect+"?code=the-code-itself-0815&state=st-4711-8152" {
			t.Errorf("%v, %v", got, err)
		}
		if !slices.Contains(strings.Split(told.String(), "\n"), authorizeURL) || !strings.Contains(told.String(), "no screen") || !strings.Contains(told.String(), "another login") {
			t.Errorf("told:\n%s", told)
		}
		ofCallback(t, seen(), redirect)
		for range 2 {
			if err := o.End(t.Context()); err != nil {
				t.Error(err)
			}
		}
		u, _ := url.Parse(redirect)
		if l, err := net.Listen("tcp4", "127.0.0.1:"+u.Port()); err != nil {
			t.Errorf("still listening: %v", err)
		} else {
			l.Close()
		}
	}
}

// ofCallback holds what the tap was told to the authorization request, left open, and the arrivals, without the code.
func ofCallback(t *testing.T, seen []probe.Exchange, redirect string) {
	t.Helper()
	if len(seen) == 0 || !seen[0].Open || !strings.HasPrefix(seen[0].Request.URL, "https://auth.example.com/") {
		t.Fatalf("%+v", seen)
	}
	var arrived []int
	for _, x := range seen[1:] {
		if strings.Contains(x.Request.URL, "0815") {
			t.Errorf("the code is told: %s", x.Request.URL)
		}
		if strings.HasPrefix(x.Request.URL, redirect+"?") {
			arrived = append(arrived, x.Status())
		}
	}
	if !slices.Equal(arrived, []int{400, 400, 405, 200, 200}) || len(seen) != 6 {
		t.Errorf("arrivals %v of %d exchanges", arrived, len(seen))
	}
}

func TestOwnBrowserBringsTheError(t *testing.T) {
	t.Parallel()
	o := &Own{}
	defer o.End(t.Context())
	redirect, err := o.Redirect(t.Context(), []string{"http://localhost:{port}/callback"})
	if err != nil {
		t.Fatal(err)
	}
	o.Open = func(string) error { visit(t, "GET", redirect+"?error=access_denied&state=s"); return nil }
	got, err := o.Authorize(t.Context(), Request{URL: authorizeURL, RedirectURI: redirect, State: "s"})
	if err != nil || got.Query().Get("error") != "access_denied" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestOwnBrowserIsWaitedForNoLongerThanAsked(t *testing.T) {
	t.Parallel()
	o := &Own{}
	defer o.End(t.Context())
	redirect, err := o.Redirect(t.Context(), []string{"http://127.0.0.1:{port}/callback"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := o.Authorize(ctx, Request{URL: authorizeURL, RedirectURI: redirect}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if _, err := o.Authorize(t.Context(), Request{URL: authorizeURL, RedirectURI: "http://127.0.0.1:1/x"}); err == nil {
		t.Error("another redirect URI than the one that was made ready")
	}
	if _, err := o.Authorize(t.Context(), Request{URL: "file:///etc/passwd", RedirectURI: redirect}); err == nil {
		t.Error("no URL for a browser")
	}
}

func TestOwnBrowserPastes(t *testing.T) {
	t.Parallel()
	told := &lines{}
	tap, seen := tapped()
	pasted := []string{"", "https://claude.ai/settings?x=1", hosted + "?state=st-4711-8152", hosted + "?code=c&state=other", " " + response + "\n"}
	o := &Own{Told: told, Paste: func(context.Context) (string, error) {
		next := pasted[0]
		pasted = pasted[1:]
		return next, nil
	}}
	redirect, err := o.Redirect(t.Context(), []string{hosted})
	if err != nil || redirect != hosted {
		t.Fatal(redirect, err)
	}
	got, err := o.Authorize(t.Context(), Request{URL: authorizeURL, RedirectURI: hosted, State: "st-4711-8152", Tap: tap})
	if err != nil || got.String() != response {
		t.Errorf("%v, %v", got, err)
	}
	if n := strings.Count(told.String(), "That is no address"); n != 2 || !strings.Contains(told.String(), "neither a code") || !strings.Contains(told.String(), "another login") {
		t.Errorf("told:\n%s", told)
	}
	all := seen()
	if len(all) != 2 || all[1].Request.Method != "GET" || !strings.HasPrefix(all[1].Request.URL, hosted+"?") || strings.Contains(all[1].Request.URL, "0815") {
		t.Errorf("%+v", all)
	}
}

func TestOwnBrowserPastesNothing(t *testing.T) {
	t.Parallel()
	o := &Own{}
	if _, err := o.Redirect(t.Context(), []string{hosted}); err == nil {
		t.Error("nobody can paste")
	}
	asked := 0
	o.Paste = func(context.Context) (string, error) { asked++; return "nonsense", nil }
	if _, err := o.Redirect(t.Context(), []string{hosted}); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Authorize(t.Context(), Request{URL: authorizeURL, RedirectURI: hosted}); err == nil || asked != maxPastes {
		t.Errorf("%v after %d", err, asked)
	}
	o.Paste = func(context.Context) (string, error) { return "", io.EOF }
	if _, err := o.Authorize(t.Context(), Request{URL: authorizeURL, RedirectURI: hosted}); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

func TestListenTakesBothAddressesOfLocalhost(t *testing.T) {
	t.Parallel()
	if !hasIPv6(t.Context()) {
		t.Skip("there is no IPv6 here")
	}
	all, err := listenAt(t.Context(), "localhost", "0")
	if err != nil || len(all) != 2 || portOf(all[0]) != portOf(all[1]) {
		t.Fatal(all, err)
	}
	port := portOf(all[0])
	all[0].Close()
	if other, err := listenAt(t.Context(), "localhost", port); err == nil {
		t.Errorf("::1 is another's, and yet %v", other)
	}
	all[1].Close()
}

func TestOpener(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ system, env, want string }{
		{"darwin", "", "open"}, {"windows", "", "rundll32"}, {"linux", "", ""}, {"linux", "DISPLAY", "xdg-open"},
		{"freebsd", "WAYLAND_DISPLAY", "xdg-open"}, {"linux", "WSL_DISTRO_NAME", "xdg-open"},
	} {
		got, err := opener(c.system, func(name string) string {
			if name == c.env {
				return ":0"
			}
			return ""
		})
		if (err != nil) != (c.want == "") || err == nil && got[0] != c.want {
			t.Errorf("%+v: %v, %v", c, got, err)
		}
	}
	for _, no := range []string{"--help", "file:///etc/passwd", "javascript:alert(1)", "https:x"} {
		if OpenSystem(no) == nil {
			t.Errorf("%s was opened", no)
		}
	}
}
