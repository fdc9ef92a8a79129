package report

import (
	"net/http"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

const (
	mcp    = "https://mcp.example.com/mcp"
	issuer = "https://auth.example.com/realms/mcp"
)

// shelf is a small catalogue of these tests' own: what is found must not change with what the program knows.
var shelf = []*probe.Check{
	shelved("network.certificate", "the certificate is one that clients trust", probe.Must, probe.OfFact("certificate"), func(t *probe.Trace) probe.Verdict {
		f := t.FactsOf("certificate")[0]
		return probe.Pass("%s by %s", f.Data["host"], f.Data["issuer"]).OnFact(f)
	}),
	shelved("edge.passes", "the edge passes the client on from where it connects", probe.Must, probe.Connection, func(t *probe.Trace) probe.Verdict {
		return probe.Unknown("one address cannot tell what another is answered")
	}),
	shelved("challenge.status", "a request without a token is answered 401", probe.Must, probe.Unauthenticated, func(t *probe.Trace) probe.Verdict {
		x := t.Last(probe.Unauthenticated)
		if x.Status() != 401 {
			return probe.Fail("POST /mcp: %d", x.Status()).On(x).So("the client never begins to log in").Mend("answer 401")
		}
		return probe.Pass("POST /mcp: 401").On(x)
	}),
	shelved("challenge.scope", "the challenge names the scope", probe.Should, probe.Unauthenticated, func(t *probe.Trace) probe.Verdict {
		x := t.Last(probe.Unauthenticated)
		if c := x.Challenge(); c == nil || c.Scope == "" {
			return probe.Fail("no scope in WWW-Authenticate").On(x).So("clients ask for what the resource metadata say").
				Mend(`add scope="mcp:tools"`).Who(probe.OwnerOrigin)
		}
		return probe.Pass("scope=%q", x.Challenge().Scope).On(x)
	}),
	shelved("resource-metadata.names-target", "resource is the URL as it was typed", probe.Must, probe.ResourceMetadata, func(t *probe.Trace) probe.Verdict {
		return probe.Pass("resource is %s", t.Target).On(t.First(probe.ResourceMetadata))
	}),
	shelved("server-metadata.is-json", "metadata are a JSON document", probe.Must, probe.ServerMetadata, func(t *probe.Trace) probe.Verdict {
		return probe.Pass("application/json").On(t.First(probe.ServerMetadata))
	}),
	shelved("server-metadata.authorization-endpoint", "metadata is one that Claude accepts", probe.Must, probe.ServerMetadata, func(t *probe.Trace) probe.Verdict {
		x := t.First(probe.ServerMetadata)
		if !x.Metadata().Has("authorization_endpoint") {
			return probe.Fail("%s: no authorization_endpoint", x.Request.URL).On(x).
				So("Claude rejects the document and sends the browser to %s/authorize", t.Origin()).
				Mend("put authorization_endpoint back; Claude's hosted client has no client_credentials grant").
				Who(probe.OwnerOrigin).By("keycloak/realm/mcp")
		}
		return probe.Pass("%s", x.Metadata().String("authorization_endpoint")).On(x)
	}),
	shelved("registration.accepted", "the client is registered", probe.Must, probe.Registration, func(t *probe.Trace) probe.Verdict {
		return probe.Pass("201").On(t.First(probe.Registration))
	}),
	symptom("authorization.page-shown", "the user is shown a login page", probe.Authorization),
	symptom("token.issued", "a token is issued", probe.TokenRequest),
	symptom("tools.listed", "the tools are listed", probe.ToolsList),
	shelved("session.stream", "a stream is not held back on the way", probe.Should, probe.Connection, func(t *probe.Trace) probe.Verdict {
		if !t.Has(probe.Stream) {
			return probe.Skip("a stateless server has no stream")
		}
		return probe.Pass("first event after 3 ms").On(t.First(probe.Stream))
	}),
}

func shelved(id, title string, level probe.Level, needs probe.Evidence, judge func(*probe.Trace) probe.Verdict) *probe.Check {
	return &probe.Check{ID: id, Title: title, Stage: stageOf(id), Level: level, Owner: probe.OwnerAuthorizationServer,
		Spec: "https://spec.example/" + id, Needs: []probe.Evidence{needs}, Judge: judge}
}

// symptom passes when the last exchange that is evidence was answered 200.
func symptom(id, title string, of probe.Evidence) *probe.Check {
	c := shelved(id, title, probe.Must, of, func(t *probe.Trace) probe.Verdict {
		x := t.Last(of)
		if x.Status() != 200 {
			return probe.Fail("%s: %d", x.Request.URL, x.Status()).On(x).So("the handshake ends here").Mend("see what explains it").Who(probe.OwnerOrigin)
		}
		return probe.Pass("200").On(x)
	})
	c.Symptom = true
	return c
}

func stageOf(id string) probe.Stage {
	for _, s := range probe.Stages {
		if len(id) > len(s) && id[:len(s)+1] == string(s)+"." {
			return s
		}
	}
	return ""
}

// sent is an exchange n seconds into a story.
func sent(n int64, method, url string, status int, answer any) probe.Exchange {
	return probe.Exchange{
		ID: n, Start: began.Add(time.Duration(n) * time.Second), Timing: probe.Timing{Total: 20},
		Request:  probe.Message{Method: method, URL: url},
		Response: &probe.Response{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: probe.Body{Type: "application/json", JSON: answer}},
	}
}

func rpc(n int64, method string, status int, token string) probe.Exchange {
	x := sent(n, "POST", mcp, status, map[string]any{"jsonrpc": "2.0"})
	x.Request.Body = probe.Body{Type: "application/json", JSON: map[string]any{"method": method}}
	if token != "" {
		x.Request.Header = http.Header{"Authorization": {"Bearer " + token}}
	}
	return x
}

func challenged(n int64, challenge string) probe.Exchange {
	x := rpc(n, "initialize", 401, "")
	x.Response.Header.Set("Www-Authenticate", challenge)
	return x
}

var (
	certificate = probe.Fact{Kind: "certificate", Source: "handshake", At: began, Data: map[string]any{"host": "mcp.example.com", "issuer": "CN=Example CA"}}
	challenge   = `Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp", scope="mcp:tools"`
	resource    = sent(2, "GET", "https://mcp.example.com/.well-known/oauth-protected-resource/mcp", 200, map[string]any{"resource": mcp, "authorization_servers": []any{issuer}})
	bearer      = "[redacted 11 92e695c5f998]"
	whole       = map[string]any{"issuer": issuer, "authorization_endpoint": issuer + "/auth", "token_endpoint": issuer + "/token"}
)

func metadata(members map[string]any) probe.Exchange {
	return sent(3, "GET", "https://auth.example.com/.well-known/oauth-authorization-server/realms/mcp", 200, members)
}

// healthy is a handshake in which all is well but what cannot be known.
func healthy() story {
	return story{id: "healthy", target: mcp, source: probe.Provoked, profile: claude, checks: shelf,
		expect: []probe.Evidence{probe.Unauthenticated, probe.TokenRequest, probe.ToolsList},
		tell: func(s *probe.Session) {
			s.Excuse(probe.Registration, "a client id is given")
			s.Note(certificate)
			s.Add(challenged(1, challenge))
			s.Add(resource)
			s.Add(metadata(whole))
			s.Add(sent(4, "GET", issuer+"/auth?response_type=code&client_id=claude", 200, nil))
			s.Add(sent(5, "POST", issuer+"/token", 200, map[string]any{"access_token": bearer, "token_type": "Bearer"}))
			s.Add(rpc(6, "initialize", 200, bearer))
			s.Add(rpc(7, "tools/list", 200, bearer))
		}}
}

// operator is the story the doctor was made for: metadata without authorization_endpoint.
func operator() story {
	return story{id: "operator", target: mcp, source: probe.Provoked, profile: claude, checks: shelf,
		expect: []probe.Evidence{probe.Unauthenticated, probe.Registration, probe.TokenRequest, probe.ToolsList},
		tell: func(s *probe.Session) {
			s.Note(certificate)
			s.Add(challenged(1, `Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"`))
			s.Add(resource)
			s.Add(metadata(map[string]any{"issuer": issuer, "token_endpoint": issuer + "/token", "grant_types_supported": []any{"client_credentials"}}))
			s.Add(sent(4, "GET", "https://mcp.example.com/authorize?response_type=code&client_id=claude", 404, nil))
		}}
}

// incomplete is a handshake in which nothing fails and not all came.
func incomplete() story {
	return story{id: "incomplete", target: mcp, source: probe.Provoked, profile: claude, checks: shelf,
		expect: []probe.Evidence{probe.Unauthenticated, probe.TokenRequest, probe.ToolsList},
		tell: func(s *probe.Session) {
			s.Excuse(probe.Registration, "nothing is registered unless asked: --register")
			s.Excuse(probe.Authorization, "nobody signs in: --login USER")
			s.Note(certificate)
			s.Add(challenged(1, challenge))
			s.Add(resource)
			s.Add(metadata(whole))
		}}
}

// overheard is a stranger's: what failed is tried again, exchanges come in several states, the client is recognised late.
func overheard() story {
	return story{id: "overheard", target: mcp, source: probe.Overheard, checks: shelf, tell: func(s *probe.Session) {
		s.Note(certificate)
		s.Add(rpc(1, "initialize", 503, ""))
		s.Begin(probe.StageResourceMetadata)
		s.Add(challenged(2, challenge))
		asked := sent(3, "GET", resource.Request.URL, 0, nil)
		asked.Response = nil
		s.Add(asked)
		asked = resource
		asked.ID = 3
		s.Add(asked)
		s.As(claude)
		s.Add(rpc(8, "tools/list", 503, bearer))
	}}
}
