package server

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/server/mcp"
	"github.com/mcpwiz/mcpwiz/server/record"
)

// A stand is where the witness of one url listens: in front of our own paths, and around our calls to the authorization
// server.
type stand struct {
	*record.Witness
	public     string
	heard, own *probe.Tap
}

func newStand(e Endpoint, o Options) (*stand, error) {
	u, err := url.Parse(e.URL)
	if err != nil {
		return nil, fmt.Errorf("url %q: %w", e.URL, err)
	}
	prints := probe.NewFingerprinter()
	w := record.New(record.Options{
		Tool: o.Tool, Target: e.URL, Checks: o.Checks, Recognise: o.Recognise, Differs: o.Differs,
		Fingerprints: prints, Logger: o.Logger.With("server", e.URL), Now: o.Now,
	})
	public := &url.URL{Scheme: u.Scheme, Host: u.Host}
	return &stand{
		Witness: w, public: public.String(),
		heard: &probe.Tap{To: w.Heard, Public: public, Want: w.Wants, Fingerprints: prints},
		own:   &probe.Tap{To: w.Lent, Fingerprints: prints},
	}, nil
}

// watched has the witness listen in front of a handler.
func (s *stand) watched(next http.Handler) http.Handler {
	return s.Gate(s.public, forwarded(s.heard.Handler(next)))
}

// close tells the witness what the taps still hold, then closes it.
func (s *stand) close() {
	s.own.Close()
	s.heard.Close()
	s.Witness.Close()
}

// recent is what the bundled server's recent_handshakes tells.
func (s *stand) recent(subject string) []mcp.Handshake {
	var all []mcp.Handshake
	for _, h := range s.Recent(subject) {
		one := mcp.Handshake{
			ID: h.ID, Client: h.Client.String(), Started: h.Started.UTC(), Status: string(h.Summary.Status),
			Passed: h.Summary.Counts.Pass, Failed: []string{}, Seen: h.Seen + h.Past,
		}
		if h.Summary.First != nil {
			one.First = *h.Summary.First
		}
		for _, f := range h.Findings {
			if f.Outcome == probe.Failed {
				one.Failed = append(one.Failed, f.Check)
			}
		}
		switch {
		case h.Open:
			one.Status = "open"
		case h.Stopped != "" && h.Summary.Status == probe.Healthy:
			one.Status = "stopped after " + string(h.Stopped)
		}
		all = append(all, one)
	}
	return all
}

// forwarded puts the client's address in the place of a tunnel's or a proxy's on this machine, as those tell it. It serves to
// sort handshakes and nothing else: whoever is on this machine may write what it likes there.
func forwarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if from := forwardedFor(r); from != "" {
			copied := *r
			copied.RemoteAddr = net.JoinHostPort(from, "0")
			r = &copied
		}
		next.ServeHTTP(w, r)
	})
}

// forwardedFor returns the address that the nearest hop saw, "" when there was none.
func forwardedFor(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || !probe.Loopback(host) {
		return ""
	}
	if ip := net.ParseIP(r.Header.Get("CF-Connecting-IP")); ip != nil {
		return ip.String()
	}
	hops := r.Header.Values("X-Forwarded-For")
	if len(hops) == 0 {
		return ""
	}
	last := hops[len(hops)-1]
	last = strings.TrimSpace(last[strings.LastIndex(last, ",")+1:])
	if ip := net.ParseIP(strings.Trim(last, "[]")); ip != nil {
		return ip.String()
	}
	return ""
}

// Watch returns the events of all handshakes at all urls, until ctx ends or the server stops.
func (s *Server) Watch(ctx context.Context) <-chan probe.Event {
	out := make(chan probe.Event)
	var all sync.WaitGroup
	for _, n := range s.endpoints {
		events := n.stand.Watch(ctx)
		all.Go(func() {
			for e := range events {
				select {
				case out <- e:
				case <-ctx.Done():
				}
			}
		})
	}
	go func() {
		all.Wait()
		close(out)
	}()
	return out
}

// Handshakes returns what the witnesses of all urls keep, newest first for each.
func (s *Server) Handshakes() []record.Handshake {
	var all []record.Handshake
	for _, n := range s.endpoints {
		all = append(all, n.stand.Handshakes()...)
	}
	return all
}
