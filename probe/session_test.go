package probe

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const target = "https://mcp.example.com/mcp"

func at(id int64) Exchange {
	return Exchange{ID: id, Start: time.Date(2026, 11, 1, 12, 0, int(id), 0, time.UTC)}
}

func get(id int64, url string, status int, body any) Exchange {
	x := at(id)
	x.Request = Message{Method: "GET", URL: url}
	x.Response = &Response{Status: status, Header: http.Header{}, Body: Body{JSON: body}}
	return x
}

func post(id int64, url string, status int, body any) Exchange {
	x := get(id, url, status, body)
	x.Request.Method = "POST"
	return x
}

// sick and well judge the status of the last exchange of their evidence.
func status(id string, stage Stage, e Evidence, want int, symptom bool, after ...string) *Check {
	return &Check{ID: id, Title: id, Stage: stage, Level: Must, Owner: OwnerOrigin, Needs: []Evidence{e}, After: after, Symptom: symptom,
		Judge: func(t *Trace) Verdict {
			x := t.Last(e)
			if x.Status() != want {
				return Fail("answered %d", x.Status()).On(x)
			}
			return Pass("answered %d", want).On(x)
		}}
}

func outcomes(all []Finding) map[string]string {
	m := map[string]string{}
	for _, f := range all {
		s := string(f.Outcome)
		if f.NotReached() {
			s = "not reached"
		}
		if f.Because != "" {
			s += " because " + f.Because
		}
		m[f.Check] = s
	}
	return m
}

func TestSessionTellsWhatWasNotReached(t *testing.T) {
	t.Parallel()
	checks := []*Check{
		status("tools.listed", StageTools, ToolsList, 200, true),
		status("token.issued", StageToken, TokenRequest, 200, true),
		status("server-metadata.found", StageServerMetadata, ServerMetadata, 200, false),
		status("registration.accepted", StageRegistration, Registration, 201, true),
		status("session.ends", StageSession, SessionEnd, 200, false),
	}
	s := NewSession(Opening{Target: target, Expect: []Evidence{ServerMetadata, TokenRequest, ToolsList}, Checks: checks}, func(Event) {})
	s.Excuse(Registration, "a client id was given")
	s.Add(get(1, "https://kc.example.com/.well-known/oauth-authorization-server/realms/r", 404, nil))
	sum := s.Close()
	want := map[string]string{
		"server-metadata.found": "fail",
		"registration.accepted": "skip",
		"token.issued":          "not reached because server-metadata.found",
		"tools.listed":          "not reached because server-metadata.found",
		"session.ends":          "skip",
	}
	if d := cmp.Diff(want, outcomes(s.Findings())); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
	if sum.Status != Unhealthy || sum.First == nil || *sum.First != "server-metadata.found" {
		t.Errorf("summary = %+v", sum)
	}
	if sum.Counts != (Counts{Fail: 1, Skip: 2, NotReached: 2}) {
		t.Errorf("counts = %+v", sum.Counts)
	}
}

func TestSessionIsIncompleteWithoutAFailure(t *testing.T) {
	t.Parallel()
	s := NewSession(Opening{Target: target, Expect: []Evidence{ToolsList}, Checks: []*Check{status("tools.listed", StageTools, ToolsList, 200, true)}}, func(Event) {})
	if sum := s.Close(); sum.Status != Incomplete || sum.First != nil {
		t.Errorf("summary = %+v, want incomplete and nothing to mend first", sum)
	}
}

// A client that falls back to the next well-known URL must not stay red.
func TestSessionTellsAgainWhatChanged(t *testing.T) {
	t.Parallel()
	var told []Outcome
	s := NewSession(Opening{Target: target, Checks: []*Check{status("server-metadata.found", StageServerMetadata, ServerMetadata, 200, false)}}, func(e Event) {
		if f, ok := e.(Found); ok {
			told = append(told, f.Finding.Outcome)
		}
	})
	s.Add(get(1, "https://kc.example.com/.well-known/oauth-authorization-server/realms/r", 404, nil))
	s.Begin(StageServerMetadata)
	s.Add(get(2, "https://kc.example.com/realms/r/.well-known/openid-configuration", 200, map[string]any{"issuer": "https://kc.example.com/realms/r"}))
	s.Close()
	if !slices.Equal(told, []Outcome{Failed, Passed}) {
		t.Errorf("told %v, want fail, then pass", told)
	}
}

func TestFoundComesAtAQuietMoment(t *testing.T) {
	t.Parallel()
	found := make(chan Finding, 1)
	s := NewSession(Opening{Target: target, Quiet: time.Millisecond, Checks: []*Check{status("server-metadata.found", StageServerMetadata, ServerMetadata, 200, false)}}, func(e Event) {
		if f, ok := e.(Found); ok {
			found <- f.Finding
		}
	})
	defer s.Close()
	s.Add(get(1, "https://kc.example.com/.well-known/oauth-authorization-server", 200, map[string]any{}))
	if f := <-found; f.Outcome != Passed {
		t.Errorf("found %v, want pass", f)
	}
}

// A symptom is explained by the failed condition on the exchange that named its URL or issued the secret it bears; a
// condition is never folded by its position.
func TestExplanations(t *testing.T) {
	t.Parallel()
	prints := NewFingerprinter()
	token := prints.Redact("token-of-the-wrong-audience")
	metadata := map[string]any{"issuer": "https://kc.example.com/realms/r", "authorization_endpoint": "https://kc.example.com/auth", "token_endpoint": "https://kc.example.com/token"}
	condition := func(id string, stage Stage, e Evidence) *Check {
		c := status(id, stage, e, 0, false)
		c.Needs = []Evidence{e}
		return c
	}
	blames := func(id string, stage Stage, e Evidence, cause string) *Check {
		c := condition(id, stage, e)
		c.Judge = func(t *Trace) Verdict { return Fail("refused").On(t.Last(e)).Because(cause) }
		return c
	}
	for name, tc := range map[string]struct {
		exchanges []Exchange
		checks    []*Check
		want      map[string]string
	}{
		"by the secret it bears": {
			exchanges: []Exchange{
				get(1, "https://kc.example.com/.well-known/oauth-authorization-server/realms/r", 200, metadata),
				post(2, "https://kc.example.com/token", 200, map[string]any{"access_token": token}),
				func() Exchange {
					x := post(3, target, 401, nil)
					x.Request.Header = http.Header{"Authorization": {"Bearer " + token}}
					x.Request.Body.JSON = map[string]any{"method": "initialize"}
					return x
				}(),
			},
			checks: []*Check{
				condition("token.audience", StageToken, TokenRequest),
				status("initialize.accepted", StageInitialize, Initialize, 200, true),
			},
			want: map[string]string{"token.audience": "fail", "initialize.accepted": "fail because token.audience"},
		},
		"by the document that named its URL, and not by another fault beside it": {
			exchanges: []Exchange{
				get(1, "https://mcp.example.com/.well-known/oauth-protected-resource/mcp", 200, map[string]any{"resource": target}),
				get(2, "https://kc.example.com/.well-known/oauth-authorization-server/realms/r", 200, metadata),
				post(3, "https://kc.example.com/token", 404, nil),
			},
			checks: []*Check{
				condition("resource-metadata.names-target", StageResourceMetadata, ResourceMetadata),
				condition("server-metadata.endpoints", StageServerMetadata, ServerMetadata),
				status("token.issued", StageToken, TokenRequest, 200, true),
			},
			want: map[string]string{
				"resource-metadata.names-target": "fail", "server-metadata.endpoints": "fail",
				"token.issued": "fail because server-metadata.endpoints",
			},
		},
		"by what is upstream when its URL was guessed": {
			exchanges: []Exchange{
				get(1, "https://kc.example.com/.well-known/oauth-authorization-server/realms/r", 200, map[string]any{"issuer": "https://kc.example.com/realms/r"}),
				get(2, "https://mcp.example.com/authorize?response_type=code", 404, nil),
			},
			checks: []*Check{
				condition("server-metadata.authorization-endpoint", StageServerMetadata, ServerMetadata),
				status("authorization.page-shown", StageAuthorization, Authorization, 200, true),
			},
			want: map[string]string{
				"server-metadata.authorization-endpoint": "fail",
				"authorization.page-shown":               "fail because server-metadata.authorization-endpoint",
			},
		},
		"by itself, which is no reason, for another that it explains": {
			exchanges: []Exchange{get(1, "https://mcp.example.com/.well-known/oauth-protected-resource/mcp", 403, nil)},
			checks: []*Check{
				blames("edge.not-blocked", StageEdge, ResourceMetadata, "edge.not-blocked"),
				blames("resource-metadata.public", StageResourceMetadata, ResourceMetadata, "edge.not-blocked"),
			},
			want: map[string]string{"edge.not-blocked": "fail", "resource-metadata.public": "fail because edge.not-blocked"},
		},
		"by a check it comes after": {
			exchanges: []Exchange{get(1, "https://mcp.example.com/.well-known/oauth-protected-resource/mcp", 200, nil)},
			checks: []*Check{
				condition("resource-metadata.is-json", StageResourceMetadata, ResourceMetadata),
				status("resource-metadata.names-target", StageResourceMetadata, ResourceMetadata, 200, false, "resource-metadata.is-json"),
			},
			want: map[string]string{"resource-metadata.is-json": "fail", "resource-metadata.names-target": "skip because resource-metadata.is-json"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := Validate(tc.checks); err != nil {
				t.Fatal(err)
			}
			s := NewSession(Opening{Target: target, Checks: tc.checks}, func(Event) {})
			for _, x := range tc.exchanges {
				s.Add(x)
			}
			s.Close()
			if d := cmp.Diff(tc.want, outcomes(s.Findings())); d != "" {
				t.Errorf("findings (-want +got):\n%s", d)
			}
		})
	}
}

// Two symptoms of one request that nothing else explains: the earlier is the cause, whichever is looked at first.
func TestOfTwoThatExplainEachOtherTheEarlierIsTheCause(t *testing.T) {
	t.Parallel()
	checks := []*Check{
		status("authorization.page-shown", StageAuthorization, Authorization, 200, true),
		status("edge.no-login", StageEdge, Authorization, 200, true),
	}
	for range 20 { // of two keys of a map either may come first
		s := NewSession(Opening{Target: target, Checks: checks}, func(Event) {})
		s.Add(get(1, "https://mcp.example.com/authorize?response_type=code", 404, nil))
		s.Close()
		want := map[string]string{"edge.no-login": "fail", "authorization.page-shown": "fail because edge.no-login"}
		if d := cmp.Diff(want, outcomes(s.Findings())); d != "" {
			t.Fatalf("findings (-want +got):\n%s", d)
		}
	}
}

func TestAPassCitesItsEvidence(t *testing.T) {
	t.Parallel()
	c := &Check{ID: "challenge.x", Stage: StageChallenge, Level: Must, Needs: []Evidence{Connection}, Judge: func(*Trace) Verdict { return Pass("fine") }}
	s := NewSession(Opening{Target: target, Checks: []*Check{c}}, func(Event) {})
	s.Add(post(1, target, 200, nil))
	s.Close()
	if f := s.Findings()[0]; f.Outcome != Unclear {
		t.Errorf("outcome = %s, want unknown for a pass that cites nothing", f.Outcome)
	}
}

func TestAMissedShouldWarns(t *testing.T) {
	t.Parallel()
	c := status("challenge.x", StageChallenge, Unauthenticated, 401, false)
	c.Level = Should
	s := NewSession(Opening{Target: target, Checks: []*Check{c}}, func(Event) {})
	s.Add(post(1, target, 500, nil))
	if sum := s.Close(); sum.Status != Healthy || sum.Counts.Warn != 1 {
		t.Errorf("summary = %+v, want healthy with one warning", sum)
	}
}

// TestClassifyOpenServer: what belongs to a session that was opened without a token bears none either; before it is opened a
// GET asks for nothing but the challenge.
func TestClassifyOpenServer(t *testing.T) {
	t.Parallel()
	opening := post(2, target, 200, map[string]any{"jsonrpc": "2.0", "id": 0, "result": map[string]any{}})
	opening.Request.Body.JSON = map[string]any{"jsonrpc": "2.0", "id": 0, "method": "initialize"}
	end := get(4, target, 204, nil)
	end.Request.Method = http.MethodDelete
	trace := Trace{Target: target, Profile: &Profile{}}
	early := trace.add(get(1, target, 405, nil))
	trace.add(opening)
	late, over := trace.add(get(3, target, 405, nil)), trace.add(end)
	if trace.Is(early, Stream) || !trace.Is(late, Stream) || !trace.Is(over, SessionEnd) {
		t.Errorf("streams: %v before, %v after the opening; session end: %v", trace.Is(early, Stream), trace.Is(late, Stream), trace.Is(over, SessionEnd))
	}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	metadata := map[string]any{
		"issuer": "https://kc.example.com/realms/r", "authorization_endpoint": "https://kc.example.com/realms/r/auth",
		"token_endpoint": "https://kc.example.com/realms/r/token", "jwks_uri": "https://kc.example.com/realms/r/certs",
		"registration_endpoint": "https://kc.example.com/realms/r/register",
	}
	base := get(1, "https://kc.example.com/.well-known/oauth-authorization-server/realms/r", 200, metadata)
	bearer := func(x Exchange, method string) Exchange {
		x.Request.Header = http.Header{"Authorization": {"Bearer [redacted 9 0123456789ab]"}}
		if method != "" {
			x.Request.Body.JSON = map[string]any{"method": method}
		}
		x.Tokens = []Token{{Where: "request.authorization"}}
		return x
	}
	redirect := func(x Exchange, to string) Exchange {
		x.Response.Header.Set("Location", to)
		return x
	}
	for name, tc := range map[string]struct {
		x    Exchange
		want []Evidence
	}{
		"challenge":              {post(2, target, 401, nil), []Evidence{Connection, Unauthenticated}},
		"with a trailing slash":  {post(2, target+"/", 401, nil), []Evidence{Connection, Unauthenticated}},
		"no answer":              {Exchange{ID: 2, Request: Message{Method: "POST", URL: target}}, []Evidence{Connection}},
		"initialize":             {bearer(post(2, target, 200, nil), "initialize"), []Evidence{Connection, Authenticated, Initialize, AccessToken}},
		"server/discover":        {bearer(post(2, target, 200, nil), "server/discover"), []Evidence{Connection, Authenticated, Initialize, AccessToken}},
		"stream":                 {bearer(get(2, target, 405, nil), ""), []Evidence{Connection, Authenticated, Stream, AccessToken}},
		"metadata, path form":    {get(2, "https://mcp.example.com/.well-known/oauth-protected-resource/mcp", 200, nil), []Evidence{Connection, ResourceMetadata}},
		"metadata of the server": {base, []Evidence{Connection, ServerMetadata}},
		"keys":                   {get(2, "https://kc.example.com/realms/r/certs", 200, nil), []Evidence{Connection, JWKS}},
		"registration":           {post(2, "https://kc.example.com/realms/r/register", 201, nil), []Evidence{Connection, Registration}},
		"guessed registration":   {post(2, "https://mcp.example.com/register", 404, nil), []Evidence{Connection, Registration}},
		"authorization page":     {get(2, "https://kc.example.com/realms/r/auth?client_id=x", 200, nil), []Evidence{Connection, Authorization}},
		"authorization redirect": {redirect(get(2, "https://kc.example.com/realms/r/auth?client_id=x", 302, nil), "https://claude.ai/api/mcp/auth_callback?error=invalid_scope"), []Evidence{Connection, Authorization, Callback}},
		"login that redirects":   {redirect(post(2, "https://kc.example.com/realms/r/login-actions/authenticate", 302, nil), "https://claude.ai/api/mcp/auth_callback?code=%5Bredacted+9+0123456789ab%5D"), []Evidence{Connection, Login, Callback}},
		"login that goes on":     {redirect(post(2, "https://kc.example.com/realms/r/login-actions/authenticate", 302, nil), "https://kc.example.com/realms/r/login-actions/required-action?execution=X&code=1"), []Evidence{Connection, Login}},
		"loopback callback":      {get(2, "http://127.0.0.1:8000/callback?code=x&state=y", 200, nil), []Evidence{Connection, Callback}},
		"token":                  {post(2, "https://kc.example.com/realms/r/token", 200, nil), []Evidence{Connection, TokenRequest}},
		"refresh": {func() Exchange {
			x := post(2, "https://kc.example.com/realms/r/token", 200, nil)
			x.Request.Body.Form = map[string][]string{"grant_type": {"refresh_token"}}
			return x
		}(), []Evidence{Connection, Refresh}},
		"preflight": {func() Exchange {
			x := post(2, target, 204, nil)
			x.Request.Method = "OPTIONS"
			x.Request.Header = http.Header{"Access-Control-Request-Method": {"POST"}}
			return x
		}(), []Evidence{Connection, Preflight}},
		"probe":                              {func() Exchange { x := post(2, target, 401, nil); x.Probe = "garbage-token"; return x }(), []Evidence{Connection, "probe:garbage-token"}},
		"handed to a browser":                {Exchange{ID: 2, Open: true, Request: Message{Method: "GET", URL: "https://kc.example.com/realms/r/auth?client_id=x"}}, []Evidence{Connection, Authorization}},
		"keys under way when the tap closed": {Exchange{ID: 2, Open: true, Request: Message{Method: "GET", URL: "https://kc.example.com/realms/r/certs"}}, []Evidence{Connection}},
		"initialize under way when the tap closed": {func() Exchange {
			x := bearer(post(2, target, 0, nil), "initialize")
			x.Response, x.Open = nil, true
			return x
		}(), []Evidence{Connection}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trace := Trace{Target: target, Profile: &Profile{}}
			trace.add(base)
			x := trace.add(tc.x)
			var got []Evidence
			for e := range trace.indexed().by {
				if trace.Is(x, e) {
					got = append(got, e)
				}
			}
			slices.Sort(got)
			slices.Sort(tc.want)
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("evidence (-want +got):\n%s", d)
			}
		})
	}
}

func TestEventsSurviveTheirCodec(t *testing.T) {
	t.Parallel()
	var events []Event
	s := NewSession(Opening{ID: "h1", Target: target, Expect: []Evidence{Unauthenticated}, Profile: &Profile{ID: "claude-ai"}, Checks: []*Check{status("challenge.status-401", StageChallenge, Unauthenticated, 401, false)}}, func(e Event) { events = append(events, e) })
	s.Begin(StageChallenge)
	s.Add(post(1, target, 401, map[string]any{"error": "invalid_token", "n": json.Number("1")}))
	s.Note(Fact{Kind: "dns", Source: "system", Data: map[string]any{"a": []any{"192.0.2.1"}}})
	s.Excuse(Registration, "a client id was given")
	s.As(&Profile{ID: "claude-code"})
	s.Close()
	for _, e := range events {
		line, err := EncodeEvent(e)
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeEvent(line)
		if err != nil {
			t.Fatal(err)
		}
		again, err := EncodeEvent(back)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(line), string(again)); d != "" {
			t.Errorf("%T (-written +read):\n%s", e, d)
		}
	}
	if len(events) < 7 {
		t.Errorf("%d events, want one of each kind", len(events))
	}
}
