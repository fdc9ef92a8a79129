package checks

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

const (
	rfc6749 = "https://www.rfc-editor.org/rfc/rfc6749#section-"
	rfc7591 = "https://www.rfc-editor.org/rfc/rfc7591#section-"
	mcpAuth = "https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization#"
	mcpBase = "https://modelcontextprotocol.io/specification/2025-11-25/"
)

// parameters are what a request asked, in its query and its form.
func parameters(x *probe.Exchange) url.Values {
	q := x.URL().Query()
	for name, values := range x.Request.Body.Form {
		q[name] = append(q[name], values...)
	}
	return q
}

// refusal returns the error and error_description of an answer (RFC 6749 section 5.2), "" when it is none.
func refusal(x *probe.Exchange) (code, description string) {
	o := x.Answer().Object()
	code, _ = o["error"].(string)
	description, _ = o["error_description"].(string)
	return code, description
}

// refused tells a refusal as it came: 400 invalid_grant "Code not valid".
func refused(x *probe.Exchange) string {
	code, description := refusal(x)
	if code == "" {
		return answered(x)
	}
	if description == "" {
		return fmt.Sprintf("%d %s", x.Status(), code)
	}
	return fmt.Sprintf("%d %s %s", x.Status(), code, quoted(description))
}

// latest returns the last exchange of evidence e that succeeded by its own measure, else the last one: a client that
// tries again and gets through is not held to its first try.
func latest(t *probe.Trace, e probe.Evidence, good func(*probe.Exchange) bool) *probe.Exchange {
	all := t.Of(e)
	for _, x := range slices.Backward(all) {
		if good(x) {
			return x
		}
	}
	return t.Last(e)
}

func succeeded(x *probe.Exchange) bool { return x.Status() >= 200 && x.Status() < 300 }

// guessed reports whether a request went to the MCP server's host though no metadata named its URL there: clients of
// the first revision, and those that find no metadata they accept, fall back to it (MCP 2025-03-26, fallbacks).
func guessed(t *probe.Trace, x *probe.Exchange, member string) bool {
	if host(x.URL()) != host(t.URL()) {
		return false
	}
	return !slices.ContainsFunc(t.Documents(probe.ServerMetadata), func(d *probe.Document) bool {
		u := absolute(d.String(member))
		return u != nil && host(u) == host(x.URL()) && u.Path == x.URL().Path
	})
}

// issuer returns the issuer of the server metadata in use, else of any that was served, else the first authorization
// server that the resource names; "" when nothing tells.
func issuer(t *probe.Trace) string {
	if s := t.ServerMetadata().String("issuer"); s != "" {
		return s
	}
	for _, d := range t.Documents(probe.ServerMetadata) {
		if s := d.String("issuer"); s != "" {
			return s
		}
	}
	if all := t.ResourceMetadata().Strings("authorization_servers"); len(all) > 0 {
		return all[0]
	}
	return ""
}

// clientID returns the client id that a request named: in its parameters, or as the user of Basic.
func clientID(x *probe.Exchange) string {
	if id := parameters(x).Get("client_id"); id != "" {
		return id
	}
	_, rest, ok := strings.Cut(x.Request.Header.Get("Authorization"), "client_id=")
	if !ok {
		return ""
	}
	id, _, _ := strings.Cut(rest, " ")
	return id
}

// ourClient names the resource that is the client of a request: a client of Keycloak that did not register by itself.
func ourClient(t *probe.Trace, x *probe.Exchange) string {
	id := clientID(x)
	if id == "" || !keycloak(t) || absolute(id) != nil || t.Has(probe.Registration) {
		return ""
	}
	return "keycloak/client/" + id
}

// keycloak reports whether the authorization server is a Keycloak realm, by its issuer.
func keycloak(t *probe.Trace) bool { return strings.Contains(issuer(t), "/realms/") }

// published are the scopes that the server asks for, in its challenge or its metadata, but those of the authorization
// server itself (OpenID Connect Core section 11).
func published(t *probe.Trace) []string {
	var all []string
	for _, x := range t.Of(probe.Unauthenticated) {
		if c := x.Challenge(); c != nil {
			all = append(all, strings.Fields(c.Scope)...)
		}
	}
	all = append(all, t.ResourceMetadata().Strings("scopes_supported")...)
	all = slices.DeleteFunc(all, func(s string) bool { return s == "offline_access" || s == "openid" || s == "" })
	slices.Sort(all)
	return slices.Compact(all)
}

// text returns a JSON value that is a string, "" for anything else.
func text(v any) string { s, _ := v.(string); return s }

// stringsIn returns a JSON array of strings; nil for anything else.
func stringsIn(v any) []string {
	array, _ := v.([]any)
	var all []string
	for _, e := range array {
		if s, ok := e.(string); ok {
			all = append(all, s)
		}
	}
	return all
}

// whole reports whether a JSON value is a number without fraction or exponent.
func whole(v any) bool {
	n, ok := v.(json.Number)
	return ok && !strings.ContainsAny(n.String(), ".eE")
}

// differing tells in which part two URLs differ that ought to be the same, byte for byte; "" when it cannot say.
func differing(want, got string) string {
	a, b := absolute(want), absolute(got)
	switch {
	case a == nil || b == nil:
		return ""
	case strings.TrimSuffix(want, "/") == strings.TrimSuffix(got, "/"):
		return ": the slash at the end differs"
	case a.Scheme != b.Scheme && host(a) != host(b):
		return ": scheme and host differ"
	case a.Scheme != b.Scheme:
		return ": the scheme differs"
	case host(a) != host(b):
		return ": the host differs"
	case strings.EqualFold(a.Path, b.Path):
		return ": upper and lower case differ"
	case a.Path != b.Path:
		return ": the path differs"
	}
	return ""
}

// byItself gives a verdict the edge's own remedy, and the check on the edge as its reason, where an edge gave the answer
// without asking the server behind it.
func byItself(x *probe.Exchange, v probe.Verdict) probe.Verdict {
	if s, ok := edgeOf(x); ok && s.Self && s.Mend != "" {
		return v.Who(probe.OwnerEdge).Mend("%s", s.Mend).Because(interference[s.Kind])
	}
	return v
}
