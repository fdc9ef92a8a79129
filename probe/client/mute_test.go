package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// A host that never says a word is waited for once; one that has answered may be as slow as it likes, and so may what it sends.
func TestMuteHostIsWaitedForOnce(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/silent":
			select {
			case <-ended:
			case <-r.Context().Done():
			}
		case "/slow":
			time.Sleep(200 * time.Millisecond)
		case "/drip":
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
			time.Sleep(200 * time.Millisecond)
			_, _ = io.WriteString(w, "whole")
		}
	}))
	t.Cleanup(func() { close(ended); host.Close() })
	const client, long, short = 150 * time.Millisecond, 100 * time.Millisecond, 50 * time.Millisecond
	for name, c := range map[string]struct {
		before []string
		now    string
		limit  time.Duration
		hurry  bool
		want   string
	}{
		"the first":                          {nil, "/silent", client, false, "timeout"},
		"the second":                         {[]string{"/silent"}, "/silent", time.Minute, true, "timeout"},
		"one that is let go at once is none": {nil, "/slow", time.Minute, false, ""},
		"it answers after all":               {[]string{"/silent", "/fast"}, "/slow", time.Minute, false, ""},
		"it has answered before":             {[]string{"/fast", "/silent"}, "/slow", time.Minute, false, ""},
		"it sends slowly":                    {[]string{"/silent"}, "/drip", time.Minute, false, "whole"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMutes()
			m.long, m.short = long, short
			via := m.over(host.Client().Transport)
			for _, path := range c.before {
				_, _, _ = ask(t, via, host.URL+path, client)
			}
			body, took, err := ask(t, via, host.URL+c.now, c.limit)
			switch {
			case c.want == "timeout" && !errors.Is(err, context.DeadlineExceeded):
				t.Errorf("%q, %v, want a timeout", body, err)
			case c.want != "timeout" && (err != nil || body != c.want):
				t.Errorf("%q, %v, want %q", body, err, c.want)
			case c.hurry && took > 10*time.Second:
				t.Errorf("waited for %s", took)
			}
		})
	}
}

func ask(t *testing.T, via http.RoundTripper, target string, limit time.Duration) (body string, took time.Duration, failure error) {
	t.Helper()
	r, err := request(http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	a := send(t.Context(), via, limit, r)
	return string(a.body), time.Since(begun), a.err
}
