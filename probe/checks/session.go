package checks

import (
	"slices"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

var session = []*probe.Check{
	{
		ID: "session.survives", Title: "the session is known on every later request",
		Doc: "A session kept in the memory of one replica is unknown to the others, and gone after a restart. " +
			"It shows as 404 or 400 on the second or third call, now and then; Claude does not always open a new session on it. " +
			"Be stateless, or send all requests of a session to one replica.",
		Stage: probe.StageSession, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: mcpBase + "basic/transports#session-management", Needs: []probe.Evidence{probe.Initialize}, Judge: sessionSurvives,
	},
	{
		ID: "session.stream-or-405", Title: "GET opens an event stream or is answered 405",
		Doc: "Clients of the sessions' era try GET on the endpoint for messages from the server, and take 405 as \"there is none\". " +
			"400, 404 or 500 make some give up the connection. " +
			"Answer 405 with Allow: POST, or open the stream and send its headers at once.",
		Stage: probe.StageSession, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: mcpBase + "basic/transports#listening-for-messages-from-the-server", Needs: []probe.Evidence{probe.Stream}, Judge: streamOr405,
	},
	{
		ID: "session.stream-not-buffered", Title: "streams reach the client at once",
		Doc: "A proxy that collects a stream before it passes it on makes every message late, and cuts a silent one after its timeout. " +
			"Quick tunnels of trycloudflare.com do it to GET streams. " +
			"Send X-Accel-Buffering: no and a comment line at once and every 15 seconds; use a named tunnel.",
		Stage: probe.StageSession, Level: probe.Should, Owner: probe.OwnerEdge,
		Spec:  "https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http",
		Needs: []probe.Evidence{probe.Stream}, Judge: notBuffered,
	},
	{
		ID: "session.refresh-continues", Title: "the renewed token is accepted",
		Doc: "After a refresh the client goes on with the new token in the same session. " +
			"A server that binds sessions to one token, or a renewed token with another audience or scope, shows as a login that lasts exactly as long as the first token. " +
			"Compare the claims of both tokens, and bind a session to the user, not to the token.",
		Stage: probe.StageSession, Level: probe.Must, Owner: probe.OwnerOrigin, Symptom: true,
		Spec: mcpAuth + "token-handling", Needs: []probe.Evidence{probe.Refresh, probe.Authenticated}, Judge: refreshContinues,
	},
	{
		ID: "session.shared", Title: "every connection reaches a server that knows the session and the token",
		Doc: "Hosted clients send each request over another connection, and a load balancer may hand it to another replica. " +
			"One that keeps sessions in its own memory, or whose keys, settings or version differ, refuses what its neighbour takes: a connection that works now and then. " +
			"Make the server stateless or route by Mcp-Session-Id, and give all replicas the same settings.",
		Stage: probe.StageSession, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: mcpBase + "basic/transports#session-management", Needs: []probe.Evidence{probe.OfProbe("fresh-connection")}, Judge: sessionShared,
	},
	{
		ID: "session.sign-in-lasts", Title: "the sign-in outlives a pause",
		Doc: "The user stays signed in as long as the refresh token lives, and that is counted anew with each renewal. " +
			"In Keycloak it is bound to the SSO session, which ends after 30 minutes without use, unless offline_access was granted. " +
			"Make offline_access an optional scope of the client.",
		Stage: probe.StageSession, Level: probe.Should, Owner: probe.OwnerAuthorizationServer,
		Spec:  "https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization#refresh-tokens",
		Needs: []probe.Evidence{probe.TokenRequest}, After: []string{"token.issued"}, Judge: signInLasts,
	},
	{
		ID: "session.refresh-survives-retry", Title: "a renewal may be tried again",
		Doc: "The answer to a renewal can get lost, and hosted clients may renew twice at once: both then bear a refresh token that was rotated away a moment before. " +
			"Where it is refused the user signs in again, and where reuse ends the whole grant even the client that holds the new token is thrown out. " +
			"Allow the token before to be used once more (Keycloak: Refresh Token Max Reuse 1), or do not rotate.",
		Stage: probe.StageSession, Level: probe.Should, Owner: probe.OwnerAuthorizationServer,
		Spec: "https://www.rfc-editor.org/rfc/rfc9700#section-4.14", Needs: []probe.Evidence{probe.OfProbe("refresh-retry")}, Judge: survivesRetry,
	},
	{
		ID: "session.ends", Title: "DELETE ends the session or is answered 405",
		Doc: "A client that is done sends DELETE with its session id. " +
			"Where it is refused in another way than 405, sessions stay in memory until a timeout, if there is one. " +
			"End the session and answer 200 or 204, or 405 where clients may not end it.",
		Stage: probe.StageSession, Level: probe.Should, Owner: probe.OwnerOrigin,
		Spec: mcpBase + "basic/transports#session-management", Needs: []probe.Evidence{probe.SessionEnd}, Judge: sessionEnds,
	},
}

func sessionSurvives(t *probe.Trace) probe.Verdict {
	x, id := sessionOf(t)
	if x == nil || id == "" {
		return probe.Skip("the server hands out no session id: it is stateless")
	}
	var good, gone []*probe.Exchange
	all, ended := sessions(t), map[string]bool{}
	for _, y := range atEndpoint(t) {
		id := y.Request.Header.Get(sessionHeader)
		from := all[id]
		ended[id] = ended[id] || y.Request.Method == "DELETE"
		if from == nil || from.N >= y.N || ended[id] || y.Request.Method == "GET" {
			continue
		}
		switch {
		case lost(y):
			gone = append(gone, y)
		case succeeded(y):
			good = append(good, y)
		}
	}
	if len(gone) > 0 {
		y := gone[0]
		from := all[y.Request.Header.Get(sessionHeader)]
		v := probe.Fail("%s with the session id of exchange %d: %s", y.Request.Body.Method(), from.N, replied(y)).On(gone...).Who(served(t, y)).
			So("%s loses the connection after the first calls", clientName(t)).
			Mend("make the server stateless, or send all requests of a session to one replica (affinity by Mcp-Session-Id%s)", notByCookie(from))
		if unfitID(from) != "" {
			v = v.Because("initialize.session-id-usable")
		}
		return v
	}
	if len(good) == 0 {
		return probe.Unknown("no later request with the session id was answered").On(x)
	}
	return probe.Pass("%d requests with the session id", len(good)).On(good...)
}

// notByCookie says that a session hangs on a cookie too, where its answer sets one: clients of MCP send none back.
func notByCookie(x *probe.Exchange) string {
	if x == nil || x.Header("Set-Cookie") == "" {
		return ""
	}
	name, _, _ := strings.Cut(x.Header("Set-Cookie"), "=")
	return ", not by the cookie " + quoted(clipped(name, 40)) + " that it sets: clients send no cookie back"
}

// lost: 404 is the word for a session that is gone; 400 is used for it too, and an error of JSON-RPC, with a text that says so.
func lost(x *probe.Exchange) bool {
	return x.Status() == 404 || x.Status() == 400 && strings.Contains(bodyText(x.Answer()), "session") ||
		strings.Contains(strings.ToLower(rpcError(x)), "session")
}

func streamOr405(t *probe.Trace) probe.Verdict {
	x := t.Last(probe.Stream)
	v := func(judged func(string, ...any) probe.Verdict) probe.Verdict {
		return judged("GET %s: %s", x.URL().Path, answered(x)).On(x).Who(served(t, x)).
			So("some clients take it for a broken server and give up the connection").Mend("answer 405 with Allow: POST, or open an event stream")
	}
	switch status := x.Status(); {
	case status == 404 && lost(x) && x.Request.Header.Get(sessionHeader) != "":
		return v(probe.Fail).Because("session.survives")
	case status == 405:
		return probe.Pass("405: there is no stream").On(x)
	case status == 200 && x.Answer().Type == "text/event-stream":
		return probe.Pass("an event stream, headers after %s", afterMS(x.Timing.FirstByte)).On(x)
	case status == 401 && goodLater(t, x):
		return v(probe.Fail).So("some clients ask their user to sign in again, though the token is good").
			Mend("take the token that POST takes, and answer 405 with Allow: POST, or open an event stream")
	case status == 401:
		return probe.Unknown("the token was refused").On(x)
	case status == 400 || status == 406 || status == 409:
		return v(probe.Warn)
	}
	return v(probe.Fail)
}

// goodLater reports whether the token of a request was taken after it.
func goodLater(t *probe.Trace, x *probe.Exchange) bool {
	return slices.ContainsFunc(t.Of(probe.Authenticated), func(y *probe.Exchange) bool {
		return y.N > x.N && y.Bearer() && succeeded(y) && tokenOf(y).Fingerprint == tokenOf(x).Fingerprint
	})
}

func sessionShared(t *probe.Trace) probe.Verdict {
	all := t.Of(probe.OfProbe("fresh-connection"))
	var good, bad []*probe.Exchange
	for _, x := range all {
		switch {
		case result(x) != nil:
			good = append(good, x)
		case !brokenOff(x) && x.Status() != 429:
			bad = append(bad, x)
		}
	}
	switch {
	case len(bad) == 0 && len(good) == 0:
		return probe.Unknown("no request over a connection of its own was answered").On(all...)
	case len(bad) == 0:
		return probe.Pass("%d requests, each over a connection of its own", len(good)).On(good...)
	case len(good) == 0 && (!t.Has(probe.ToolsList) || result(listing(t)) == nil):
		return probe.Unknown("tools/list is not answered, over whatever connection").On(bad...)
	}
	x := bad[0]
	v := probe.Fail("%d of %d requests over connections of their own are refused: %s", len(bad), len(all), complained(x)).On(bad...).Who(served(t, x)).
		So("%s works now and then: what it asks depends on the replica that it meets", clientName(t))
	if lost(x) {
		return v.Mend("make the server stateless, or send all requests of a session to one replica (affinity by Mcp-Session-Id)")
	}
	return byItself(x, v.Mend("look at the replicas behind %s one by one: version, settings, keys and public URL must be the same", t.URL().Host))
}

func afterMS(ms float64) time.Duration {
	return time.Duration(ms * float64(time.Millisecond)).Round(time.Millisecond)
}

func notBuffered(t *probe.Trace) probe.Verdict {
	x := t.Last(probe.Stream)
	v := func(format string, args ...any) probe.Verdict {
		return probe.Fail(format, args...).On(x).So("messages from the server come late or never, and a silent stream is cut").
			Mend("send X-Accel-Buffering: no and a comment line at once and every 15 s; switch buffering off in the proxy, and use a named tunnel instead of a quick one")
	}
	first := afterMS(x.Timing.FirstByte)
	switch {
	case x.Status() >= 502 && x.Status() <= 504 || x.Status() == 524:
		return v("the stream ends with %d after %s: its headers never came", x.Status(), afterMS(x.Timing.Total))
	case x.Status() != 200 || x.Answer().Type != "text/event-stream":
		return probe.Skip("there is no stream: %s", answered(x))
	case strings.HasSuffix(t.URL().Hostname(), ".trycloudflare.com"):
		return v("%s is a quick tunnel, which holds GET streams back", t.URL().Hostname())
	case x.Timing.FirstByte == 0:
		return probe.Unknown("nothing tells when the stream began").On(x)
	case first > slow:
		return v("the stream's headers came after %s", first)
	}
	return probe.Pass("headers after %s", first).On(x)
}

func refreshContinues(t *probe.Trace) probe.Verdict {
	renewed := latest(t, probe.Refresh, granted)
	tok, ok := renewed.Token("response.access_token")
	if !granted(renewed) || !ok {
		return probe.Unknown("no token was renewed: %s", refused(renewed)).On(renewed)
	}
	for _, x := range slices.Backward(t.Of(probe.Authenticated)) {
		if tokenOf(x).Fingerprint != tok.Fingerprint {
			continue
		}
		if succeeded(x) {
			return probe.Pass("%s with the renewed token", x.Request.Body.Method()).On(x, renewed)
		}
		if x.Request.Method == "GET" || x.Request.Method == "DELETE" {
			continue
		}
		if before := alikeBefore(t, x); before != nil {
			return probe.Unknown("%s with the renewed token: %s, as with the one before", x.Request.Body.Method(), complained(x)).On(x, before)
		}
		return probe.Fail("%s with the renewed token: %s", x.Request.Body.Method(), complained(x)).On(x).Who(served(t, x)).
			So("the user of %s signs in again whenever the first token ends", clientName(t)).
			Mend("make the renewed token like the first (audience, scope), and bind sessions to the user, not to the token")
	}
	return probe.Unknown("no request with the renewed token was seen").On(renewed)
}

// alikeBefore returns an earlier exchange in which another token met with the same answer to the same method, nil for none.
func alikeBefore(t *probe.Trace, x *probe.Exchange) *probe.Exchange {
	for _, y := range t.Of(probe.Authenticated) {
		if y.N < x.N && y.Request.Body.Method() == x.Request.Body.Method() && y.Status() == x.Status() && tokenOf(y).Fingerprint != tokenOf(x).Fingerprint {
			return y
		}
	}
	return nil
}

func sessionEnds(t *probe.Trace) probe.Verdict {
	x := t.Last(probe.SessionEnd)
	switch status := x.Status(); {
	case succeeded(x):
		return probe.Pass("%d", status).On(x)
	case status == 405:
		return probe.Pass("405: clients may not end sessions here").On(x)
	case status == 404:
		return probe.Pass("404: the session was over already").On(x)
	}
	return probe.Fail("DELETE %s: %s", x.URL().Path, answered(x)).On(x).Who(served(t, x)).So("sessions of clients that are done stay in memory").
		Mend("end the session and answer 204, or 405 where clients may not end it")
}
