package tui

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// tokenWords tells of the token that an exchange bears, or was given.
func tokenWords(x *seenExchange) string {
	for _, where := range []string{"response.access_token", "request.authorization"} {
		tok, ok := x.Token(where)
		if !ok {
			continue
		}
		text := "a token that does not say for whom it is"
		if aud := tok.Audience(); len(aud) > 0 {
			text = "token for " + strings.Join(aud, ", ")
		}
		return Plain(text)
	}
	return "no token"
}

// askedWords tells an exchange in words, as what it is evidence of, and whether it was refused.
func askedWords(x *seenExchange, t *probe.Trace) (text string, refused bool) {
	for _, w := range wordsOf {
		if t.Is(&x.Exchange, w.evidence) {
			why := refusal(x, w.expects)
			return Plain(w.say(x)) + why, why != ""
		}
	}
	return Plain(x.Request.Method+" "+x.URL().EscapedPath()) + refusal(x, 0), refusal(x, 0) != ""
}

// refusal is the status of an answer that is none, and the error of JSON-RPC.
func refusal(x *seenExchange, expected int) string {
	if e, ok := x.Answer().Message()["error"].(map[string]any); ok && x.Request.Body.Method() != "" {
		if code, ok := e["code"]; ok {
			return Plain(fmt.Sprintf(": error %v", code))
		}
	}
	status := x.Status()
	if status < 400 && x.Error == nil || status == expected && expected != 0 {
		return ""
	}
	return ": " + statusOf(&x.Exchange)
}

// wordsOf says what an exchange is, the first that holds; expects is a status that is no refusal.
var wordsOf = []struct {
	evidence probe.Evidence
	say      func(*seenExchange) string
	expects  int
}{
	{probe.ToolCall, saidCall, 0},
	{probe.ToolsList, saidTools, 0},
	{probe.Initialize, saidInitialize, 0},
	{probe.SessionEnd, says("ended its session"), 0},
	{probe.Stream, says("opened a stream"), http.StatusMethodNotAllowed},
	{probe.Authenticated, saidMethod, 0},
	{probe.Unauthenticated, saidChallenge, http.StatusUnauthorized},
	{probe.Preflight, func(x *seenExchange) string { return "asked whether a page may call (CORS)" }, 0},
	{probe.ResourceMetadata, says("read the resource metadata"), 0},
	{probe.ServerMetadata, says("read the server metadata"), 0},
	{probe.JWKS, says("read the signing keys"), 0},
	{probe.Registration, saidRegistration, 0},
	{probe.TokenRequest, tokenWords, 0},
	{probe.Refresh, func(x *seenExchange) string { return "renewed: " + tokenWords(x) }, 0},
	{probe.Callback, saidCallback, 0},
	{probe.Authorization, says("sent its user to sign in"), 0},
	{probe.Login, says("its user is signing in"), 0},
	{probe.Introspection, says("a token was looked up"), 0},
	{probe.Revocation, says("gave its token back"), 0},
}

func says(text string) func(*seenExchange) string { return func(*seenExchange) string { return text } }

func saidCall(x *seenExchange) string {
	params, _ := x.Request.Body.Object()["params"].(map[string]any)
	name, _ := params["name"].(string)
	return strings.TrimSpace("tools/call " + name)
}

func saidTools(x *seenExchange) string {
	result, _ := x.Answer().Message()["result"].(map[string]any)
	tools, ok := result["tools"].([]any)
	switch {
	case !ok:
		return "tools/list"
	case len(tools) == 1:
		return "tools/list: 1 tool"
	}
	return "tools/list: " + strconv.Itoa(len(tools)) + " tools"
}

func saidInitialize(x *seenExchange) string {
	method := x.Request.Body.Method()
	result, _ := x.Answer().Message()["result"].(map[string]any)
	v, _ := result["protocolVersion"].(string)
	if v == "" {
		v = x.Request.Header.Get("Mcp-Protocol-Version")
	}
	if v == "" {
		return method
	}
	return method + ", " + v
}

func saidMethod(x *seenExchange) string {
	if method := x.Request.Body.Method(); method != "" {
		return method
	}
	return x.Request.Method + " " + x.URL().EscapedPath()
}

// saidChallenge is a request without a token, and whether its answer leads on (RFC 9728 section 5.1).
func saidChallenge(x *seenExchange) string {
	text := x.Request.Method + " " + x.URL().EscapedPath()
	if s := x.Status(); s < 400 || s == http.StatusUnauthorized {
		text += " " + statusOf(&x.Exchange)
	}
	if c := x.Challenge(); c != nil && c.ResourceMetadata != "" {
		text += ", sent to the metadata"
	}
	return text
}

func saidRegistration(x *seenExchange) string {
	if name, ok := x.Request.Body.Object()["client_name"].(string); ok && name != "" {
		return "registered as " + name
	}
	return "registered"
}

func saidCallback(x *seenExchange) string {
	if e := x.URL().Query().Get("error"); e != "" {
		return "its user came back: " + e
	}
	return "its user signed in and came back"
}
