package checks

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mcpwiz/mcpwiz/probe"
)

// rehearsal is the reason for which a loopback target is not held to what only a public https name can pass.
const rehearsal = "a loopback target is a rehearsal"

// clientName is what findings call the client at hand: "Claude" of "Claude (web, Desktop, mobile)".
func clientName(t *probe.Trace) string {
	name, _, _ := strings.Cut(t.Profile.Title, " (")
	if name == "" {
		return "the client"
	}
	return name
}

// machine reports whether the client takes tokens for itself: no browser, no user (RFC 6749 section 4.4).
func machine(t *probe.Trace) bool { return t.Profile.Grant == "client_credentials" }

// quoted shows a value as it was seen: escaped, and no longer than a line.
func quoted(s string) string { return fmt.Sprintf("%q", clipped(s, 120)) }

func clipped(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit]) + "…"
}

// value shows a JSON value as it was served.
func value(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%v", v)
	}
	return clipped(string(text), 120)
}

// bare is an exchange's URL without its query, which says nothing of where it went.
func bare(x *probe.Exchange) string {
	u := *x.URL()
	u.RawQuery, u.Fragment = "", ""
	return clipped(u.String(), 200)
}

// answered tells a response in a few words: "401", "403 text/html \"Just a moment...\"".
func answered(x *probe.Exchange) string {
	words := fmt.Sprint(x.Status())
	if s, ok := edgeOf(x); ok && s.Self {
		return words + ", " + s.Name
	}
	if x.Status() >= 300 && x.Status() < 400 {
		return words + " to " + quoted(clipped(x.Header("Location"), 100))
	}
	if body := x.Answer(); body.Type != "" {
		words += " " + body.Type
	}
	if said := saying(x.Answer()); said != "" {
		words += " " + said
	}
	return words
}

// inFull tells an answer that nobody expected: as replied does, and where that quotes nothing of it, what it is made of, and
// that it broke off.
func inFull(x *probe.Exchange) string {
	words, body := replied(x), x.Answer()
	switch {
	case saying(body) != "" || rpcError(x) != "" || x.Response == nil:
	case body.Truncated && x.Error == nil && body.Size >= readLimit:
		words += fmt.Sprintf(", and the body does not end within %d bytes: no more is read", readLimit)
	case body.Problem != "":
		words += fmt.Sprintf(" (%s)", clipped(body.Problem, 120))
	case body.JSON != nil:
		words += " " + value(body.JSON)
	case len(body.Form) > 0:
		words += " with " + list(slices.Sorted(maps.Keys(body.Form)))
	case len(body.Events) > 0:
		words += fmt.Sprintf(" of %d events, none of them the answer", len(body.Events))
	case body.Size == 0:
		words += " without a body"
	case body.Type == "text/event-stream":
		words += fmt.Sprintf(", %d bytes without an event that a blank line ends", body.Size)
	default:
		words += fmt.Sprintf(", %d bytes", body.Size)
	}
	if x.Error != nil {
		words += fmt.Sprintf("; then it broke off (%s)", x.Error.Kind)
	}
	return words
}

// saying is the first line of what a body tells a person, quoted; "" when it tells nothing.
func saying(b probe.Body) string {
	switch {
	case b.Page != nil && b.Page.Title != "":
		return quoted(b.Page.Title)
	case b.Page != nil:
		return said(b.Page.Text)
	case b.JSON != nil:
		o := b.Object()
		for _, name := range []string{"error_description", "error", "detail", "title", "message"} {
			if s, ok := o[name].(string); ok && s != "" {
				return quoted(s)
			}
		}
		for _, name := range []string{"detail", "errors", "message"} {
			if s := complaint(o[name]); s != "" {
				return quoted(s)
			}
		}
		if e, ok := o["error"].(map[string]any); ok {
			if s, ok := e["message"].(string); ok {
				return quoted(s)
			}
		}
		return ""
	}
	return said(b.Text)
}

// complaint is the first of the sentences that a validator makes: a string, or an object with msg or message, and with loc,
// the place of the member that is wrong.
func complaint(v any) string {
	all, _ := v.([]any)
	if len(all) == 0 {
		return ""
	}
	if s, ok := all[0].(string); ok {
		return s
	}
	o, _ := all[0].(map[string]any)
	says := text(o["msg"]) + text(o["message"])
	if at := stringsIn(o["loc"]); len(at) > 0 && says != "" {
		return strings.Join(at, ".") + ": " + says
	}
	return says
}

func said(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if line == "" {
		return ""
	}
	return quoted(line)
}

// served says who must act on what an exchange brought: the edge where it answered by itself, the origin for the MCP
// server's host, else the authorization server.
func served(t *probe.Trace, x *probe.Exchange) probe.Owner {
	if s, ok := edgeOf(x); ok && s.Self {
		return probe.OwnerEdge
	}
	if host(x.URL()) == host(t.URL()) {
		return probe.OwnerOrigin
	}
	return probe.OwnerAuthorizationServer
}

// host is a URL's host and port as one compares them: lower case, the scheme's own port left out.
func host(u *url.URL) string {
	name, port := strings.ToLower(u.Hostname()), u.Port()
	if port == "" || port == defaultPort(u.Scheme) {
		return name
	}
	return net.JoinHostPort(name, port)
}

func defaultPort(scheme string) string {
	if strings.EqualFold(scheme, "http") {
		return "80"
	}
	return "443"
}

// absolute returns a URL that has a scheme and a host, nil for any other text.
func absolute(raw string) *url.URL {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil
	}
	return u
}

// list joins words as a sentence has them: "a, b and c".
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// toTarget returns the answered exchanges with the MCP endpoint's host that are no probe.
func toTarget(t *probe.Trace) []*probe.Exchange {
	var all []*probe.Exchange
	for _, x := range t.Of(probe.Connection) {
		if x.Probe == "" && x.Response != nil && host(x.URL()) == host(t.URL()) {
			all = append(all, x)
		}
	}
	return all
}

// responses returns the answered exchanges that are no probe.
func responses(t *probe.Trace) []*probe.Exchange {
	var all []*probe.Exchange
	for _, x := range t.Of(probe.Connection) {
		if x.Probe == "" && x.Response != nil {
			all = append(all, x)
		}
	}
	return all
}
