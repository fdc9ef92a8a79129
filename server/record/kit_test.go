package record

import (
	"bytes"
	"cmp"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

const target = "https://mcp.example.com/mcp"

// A stand is a witness with a clock that tests move, and a log that they read.
type stand struct {
	*Witness
	t   *testing.T
	mu  sync.Mutex
	now time.Time
	log bytes.Buffer
	ids int64
}

func newStand(t *testing.T, change func(*Options)) *stand {
	t.Helper()
	s := &stand{t: t, now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	o := Options{
		Tool: probe.Tool{Name: "mcpwiz", Version: "test"}, Target: target, Checks: checks(),
		Now: s.clock, Logger: slog.New(slog.NewTextHandler(&s.log, nil)),
	}
	if change != nil {
		change(&o)
	}
	s.Witness = New(o)
	t.Cleanup(s.Witness.Close)
	return s
}

func (s *stand) clock() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.now }

func (s *stand) pass(d time.Duration) {
	s.mu.Lock()
	s.now = s.now.Add(d)
	s.mu.Unlock()
	s.Tick()
}

// checks are two of the kind that the catalogue has.
func checks() []*probe.Check {
	return []*probe.Check{
		{
			ID: "challenge.names-metadata", Title: "challenge names the resource metadata", Stage: probe.StageChallenge,
			Level: probe.Must, Owner: probe.OwnerOrigin, Needs: []probe.Evidence{probe.Unauthenticated},
			Judge: func(t *probe.Trace) probe.Verdict {
				x := t.First(probe.Unauthenticated)
				if x.Header("Www-Authenticate") == "" {
					return probe.Fail("no header").On(x)
				}
				return probe.Pass("it does").On(x)
			},
		},
		{
			ID: "token.let-in", Title: "token is let in", Stage: probe.StageToken,
			Level: probe.Must, Owner: probe.OwnerClient, Needs: []probe.Evidence{probe.Authenticated},
			Judge: func(t *probe.Trace) probe.Verdict {
				if x := t.Last(probe.Authenticated); x.Status() == 401 {
					return probe.Fail("refused").On(x)
				}
				return probe.Pass("yes").On(t.Last(probe.Authenticated))
			},
		},
	}
}

// An ask is one request as the tap tells it.
type ask struct {
	remote, method, url, agent, call string
	// grant, token and sub are raw; forged marks a signature that does not verify.
	grant, token, sub string
	forged            bool
	// alg is RS256 where it is "", "opaque" of what is no JWT; aud is the target where it is "".
	alg, kid, azp, aud string
	status             int
	challenge          string
	client             string
}

// hear puts the exchange of an ask before the witness.
func (s *stand) hear(a ask) probe.Exchange {
	x := s.exchange(a)
	s.Heard(x)
	return x
}

func (s *stand) exchange(a ask) probe.Exchange {
	s.ids++
	if a.remote == "" {
		a.remote = "192.0.2.7:4711"
	}
	if a.method == "" {
		a.method = http.MethodPost
	}
	if a.url == "" {
		a.url = target
	}
	x := probe.Exchange{
		ID: s.ids, Start: s.clock(), Remote: a.remote,
		Request:  probe.Message{Method: a.method, URL: a.url, Header: http.Header{}},
		Response: &probe.Response{Status: a.status, Header: http.Header{}},
	}
	if a.agent != "" {
		x.Request.Header.Set("User-Agent", a.agent)
	}
	if a.challenge != "" {
		x.Response.Header.Set("Www-Authenticate", a.challenge)
	}
	if a.call != "" {
		body := map[string]any{"jsonrpc": "2.0", "method": a.call, "params": map[string]any{}}
		if a.client != "" {
			body["params"] = map[string]any{"clientInfo": map[string]any{"name": a.client, "version": "1"}}
		}
		x.Request.Body = probe.Body{Type: "application/json", Size: 100, JSON: body}
	}
	if a.token != "" {
		print := s.opts.Fingerprints
		x.Grant = print.Of(a.grant)
		x.Request.Header.Set("Authorization", "Bearer "+print.Redact(a.token))
		x.Tokens = []probe.Token{{
			Where: "request.authorization", Length: len(a.token), Fingerprint: print.Of(a.token), JWT: a.alg != "opaque", Alg: cmp.Or(a.alg, "RS256"), Kid: a.kid,
			Claims: map[string]any{"sub": print.Redact(a.sub), "azp": a.azp, "aud": cmp.Or(a.aud, target)},
		}}
		x.Notes = []probe.Fact{{Kind: "token-signature", Source: "verifier", Data: map[string]any{"valid": !a.forged}}}
	}
	return x
}

// stranger is the prelude that every client sends.
func (s *stand) stranger(remote string) {
	s.hear(ask{remote: remote, call: "initialize", client: "claude-ai", agent: "Claude-User", status: 401, challenge: "Bearer resource_metadata=..."})
	s.hear(ask{remote: remote, method: "GET", url: "https://mcp.example.com/.well-known/oauth-protected-resource/mcp", agent: "python-httpx/0.28.1", status: 200})
}

// caller is what follows with a token, up to the tools.
func (s *stand) caller(remote, user string) {
	for _, call := range []string{"initialize", "notifications/initialized", "tools/list"} {
		s.hear(ask{remote: remote, call: call, client: "claude-ai", agent: "Claude-User", status: 200,
			grant: "session of " + user, token: "token of " + user, sub: user})
	}
}

func (s *stand) only() Handshake {
	s.t.Helper()
	all := s.Handshakes()
	if len(all) != 1 {
		s.t.Fatalf("%d handshakes: %+v", len(all), all)
	}
	return all[0]
}

func outcome(h Handshake, check string) probe.Outcome {
	for _, f := range h.Findings {
		if f.Check == check {
			return f.Outcome
		}
	}
	return ""
}
