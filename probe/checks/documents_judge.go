package checks

import (
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

const (
	rfc8414 = "https://www.rfc-editor.org/rfc/rfc8414#section-"
	rfc9728 = "https://www.rfc-editor.org/rfc/rfc9728#section-"
)

// A lookout sorts the answers at the URLs where one kind of metadata is looked for, each in the order they came.
type lookout struct {
	// documents are JSON objects with a member of that kind; absent say that nothing is there, so that a client asks the
	// next URL; locked have a login, a refusal or a redirect before them; broken serve something that is no document, be it
	// an error; unread cannot be told from here.
	documents, absent, locked, broken, unread []*probe.Exchange
}

// look sorts answers; a document is one that has any of the members named.
func look(xs []*probe.Exchange, members ...string) lookout {
	var l lookout
	for _, x := range xs {
		switch body, status := x.Answer(), x.Status(); {
		case hasAny(x.Metadata(), members):
			l.documents = append(l.documents, x)
		case status == http.StatusNotModified && conditional(x) || x.Request.Method == http.MethodHead || status == 200 && (hidden(body) || body.Problem == "" && brokenOff(x)):
			l.unread = append(l.unread, x)
		case gated(x):
			l.locked = append(l.locked, x)
		case status >= 400 && status < 500 && status != http.StatusTooManyRequests:
			l.absent = append(l.absent, x)
		default:
			l.broken = append(l.broken, x)
		}
	}
	return l
}

// conditional: only who has a copy can be told that it is still good (RFC 9110 section 15.4.5).
func conditional(x *probe.Exchange) bool {
	h := x.Request.Header
	return len(h.Values("If-None-Match")) > 0 || len(h.Values("If-Modified-Since")) > 0
}

func hasAny(d *probe.Document, members []string) bool {
	return d != nil && slices.ContainsFunc(members, d.Has)
}

// hidden reports whether a body was not read whole, or in an encoding that was not undone.
func hidden(b probe.Body) bool { return b.Truncated || strings.Contains(b.Problem, "is encoded as") }

func gated(x *probe.Exchange) bool {
	if _, ok := byEdge(x, loginPage, challenged, blocked); ok {
		return true
	}
	status := x.Status()
	return status == 401 || status == 403 || status == 407 || status >= 300 && status < 400
}

// forAnybody judges whether a login or a redirect stands before the documents.
func (l lookout) forAnybody(t *probe.Trace, effect string) probe.Verdict {
	switch {
	case len(l.documents) > 0:
		return probe.Pass("%s", bare(l.documents[0])).On(l.documents[0])
	case len(l.locked) == 0:
		return probe.Skip("no login and no redirect was met")
	}
	x := l.locked[0]
	v := probe.Fail("%s: %s", bare(x), answered(x)).On(l.locked...).Who(served(t, x)).So("%s", effect)
	if to := sentTo(x); to != nil {
		return inFront(x, v.Mend("serve the document at %s itself: many clients follow no redirect, and a login page is no document", x.URL().Path))
	}
	if strings.Contains(bodyText(x.Answer()), "https required") {
		return v.Mend("start Keycloak with KC_PROXY_HEADERS=xforwarded, so that it sees that the client came by https; the realm's Require SSL refuses it otherwise")
	}
	return inFront(x, v.Mend("exempt GET %s from authentication, in the server and in whatever stands before it", x.URL().Path))
}

// failing are those of the broken that own up to it.
func (l lookout) failing() []*probe.Exchange {
	return slices.DeleteFunc(slices.Clone(l.broken), func(x *probe.Exchange) bool { return x.Status() < 400 })
}

// isServed judges whether the server fails where the document should be.
func (l lookout) isServed(t *probe.Trace, effect string) probe.Verdict {
	failing := l.failing()
	switch {
	case len(l.documents) > 0:
		return probe.Pass("%s", bare(l.documents[0])).On(l.documents[0])
	case len(failing) == 0:
		return probe.Skip("no error was answered")
	}
	x := failing[0]
	v := probe.Fail("%s", asked(failing)).On(failing...).Who(served(t, x)).So("%s", effect)
	switch status := x.Status(); {
	case status == http.StatusTooManyRequests:
		v = v.Mend("take GET %s out of the rate limit: every client asks for it, and hosted ones from few addresses", x.URL().Path)
	case status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout:
		v = v.Mend("start what serves %s, and see that the proxy in front reaches it", x.URL().Path)
	default:
		v = v.Mend("look into the server's log for GET %s; where there is no document answer 404: some clients stop at %d and ask no other URL", x.URL().Path, status)
	}
	return inFront(x, v)
}

// isJSON judges whether what is served is a document that clients can read.
func (l lookout) isJSON(t *probe.Trace, kind, effect string) probe.Verdict {
	if len(l.documents) > 0 {
		return labelled(t, l.documents)
	}
	if len(l.broken) == 0 {
		return l.nothing("no body was served")
	}
	x := l.broken[0]
	v := probe.Fail("%s: %s, and that is no %s", bare(x), unreadable(x), kind).On(l.broken...).Who(served(t, x)).So("%s", effect)
	body := x.Answer()
	switch problem := body.Problem; {
	case strings.Contains(problem, "gzip") || strings.Contains(problem, "is encoded as"):
		v = v.Mend("let Content-Encoding at %s say how the body is encoded, or send it as it is", x.URL().Path)
	case body.Object() != nil && x.Status() > 200 && x.Status() < 300:
		v = v.Mend("answer GET %s with 200 and the whole document: clients look at the status first", x.URL().Path)
	case body.JSON != nil || problem != "" && body.Page == nil && !strings.Contains(problem, "HTML"):
		v = v.Mend("write the document at %s with a JSON encoder: one object with its members, in UTF-8", x.URL().Path)
	default:
		v = v.Mend("serve the document as application/json at %s: give the route precedence over the catch-all that answers there", x.URL().Path)
	}
	return inFront(x, v)
}

// unreadable tells what came instead of a document.
func unreadable(x *probe.Exchange) string {
	body := x.Answer()
	_, array := body.JSON.([]any)
	switch {
	case body.Problem != "":
		return answered(x) + ", which " + body.Problem
	case array:
		return answered(x) + ", a JSON array"
	case body.Object() != nil && len(body.Object()) == 0:
		return answered(x) + ", an empty JSON object"
	case body.Object() != nil:
		return answered(x) + fmt.Sprintf(", a JSON object with the members %s", list(slices.Sorted(maps.Keys(body.Object()))[:min(4, len(body.Object()))]))
	case body.JSON != nil:
		return answered(x) + ", the JSON value " + value(body.JSON)
	case body.Size == 0:
		return answered(x) + " without a body"
	}
	return answered(x)
}

// strict reports whether a body with a problem is one that a JSON parser refuses, and not only labelled wrongly.
func strict(problem string) bool {
	return slices.ContainsFunc([]string{"byte order mark", "is not UTF-8", "after the JSON value"},
		func(part string) bool { return strings.Contains(problem, part) })
}

// labelled judges documents that can be read: the first that strict readers drop, else one that is labelled wrongly.
func labelled(t *probe.Trace, xs []*probe.Exchange) probe.Verdict {
	for _, x := range xs {
		p := x.Answer().Problem
		if p == "" {
			continue
		}
		judged := probe.Warn
		if strict(p) {
			judged = probe.Fail
		}
		return judged("%s: the body %s", bare(x), p).On(x).Who(served(t, x)).So("strict clients drop the document as if it were not there").
			Mend("write the document with a JSON encoder: UTF-8 without a byte order mark, one object, Content-Type: application/json")
	}
	return probe.Pass("%s", bare(xs[0])).On(xs[0])
}

// nothing is the verdict where no document was served and none is broken.
func (l lookout) nothing(reason string) probe.Verdict {
	if len(l.unread) > 0 {
		return probe.Unknown("%s: the body was not read", bare(l.unread[0])).On(l.unread...)
	}
	return probe.Skip("%s", reason)
}

// inFront lets what stands in front of a document explain why it is not there.
func inFront(x *probe.Exchange, v probe.Verdict) probe.Verdict {
	if sentTo(x) != nil {
		v = v.Because("edge.no-login")
	}
	return byItself(x, v)
}

// asked tells the URLs that were asked and their answers: "https://h/a: 404 and https://h/b: 404".
func asked(xs []*probe.Exchange) string {
	var words []string
	for _, x := range xs {
		if told := bare(x) + ": " + answered(x); !slices.Contains(words, told) {
			words = append(words, told)
		}
	}
	return list(words)
}

// astray is what a client does that finds no authorization server metadata it accepts; the client's name stands before.
func astray(t *probe.Trace) string {
	switch fallback := t.Profile.Discovery.Fallback; {
	case machine(t):
		return "finds no token endpoint"
	case fallback == "none":
		return "gives up before the login"
	case fallback == "mcp-origin":
		return "sends the browser to " + t.Origin() + "/authorize"
	}
	return "gives up before the login, or sends the browser to " + t.Origin() + "/authorize"
}

// rejected is the effect of metadata that are there and that the client does not accept.
func rejected(t *probe.Trace) string { return clientName(t) + " rejects the document and " + astray(t) }

// unfound is the effect of metadata that are not there.
func unfound(t *probe.Trace) string {
	return clientName(t) + " finds no authorization server metadata and " + astray(t)
}

// mistyped tells which members that are there have another JSON type than they must, and which are null.
func mistyped(d *probe.Document, texts, lists, flags []string) (wrong, null []string) {
	note := func(names []string, kind string, ok func(any) bool) {
		for _, name := range names {
			switch v, there := d.Members[name]; {
			case there && v == nil:
				null = append(null, name)
			case there && !ok(v):
				wrong = append(wrong, fmt.Sprintf("%s is %s, not %s", name, value(v), kind))
			}
		}
	}
	note(texts, "a string", func(v any) bool { _, ok := v.(string); return ok })
	note(lists, "an array of strings", func(v any) bool {
		array, ok := v.([]any)
		return ok && len(stringsIn(v)) == len(array)
	})
	note(flags, "true or false", func(v any) bool { _, ok := v.(bool); return ok })
	return wrong, null
}

// typed judges the types of a document's members.
func typed(t *probe.Trace, d *probe.Document, wrong, null []string) probe.Verdict {
	x := d.Exchange
	switch {
	case len(wrong) > 0:
		return probe.Fail("%s: %s", bare(x), list(wrong)).On(x).Who(served(t, x)).So("clients with a schema drop the whole document for one such member").
			Mend("write each member with its type, and leave out those without a value")
	case len(null) > 0:
		return probe.Warn("%s: %s null", bare(x), isOrAre(null)).On(x).Who(served(t, x)).So("TypeScript clients drop a document that has null where a value is optional").
			Mend("leave out members without a value")
	}
	return probe.Pass("%s", bare(x)).On(x)
}

// noList tells whether a member is there and no array of strings: its types have a check of their own.
func noList(d *probe.Document, name string) bool {
	wrong, _ := mistyped(d, nil, []string{name}, nil)
	return len(wrong) > 0
}

func notList(name string) probe.Verdict {
	return probe.Skip("%s is no array of strings, as another finding says", name)
}

func isOrAre(words []string) string {
	if len(words) == 1 {
		return words[0] + " is"
	}
	return list(words) + " are"
}

// noAnswer names the check on connections where a document was asked for and nothing came: it may be there.
func noAnswer(t *probe.Trace, document func(path string) bool) string {
	for _, x := range t.Exchanges {
		if x.Probe == "" && unanswered(x) && document(x.URL().Path) {
			return "network.connected"
		}
	}
	return ""
}

// cutOff names the check on whole answers where one broke off before anything of it could be read: it may be the document.
func (l lookout) cutOff() string {
	if slices.ContainsFunc(l.unread, func(x *probe.Exchange) bool { return x.Error != nil }) {
		return "network.answers-whole"
	}
	return ""
}

// orAbsent shows a member as it was served.
func orAbsent(d *probe.Document, name string) string {
	if !d.Has(name) {
		return "absent"
	}
	return value(d.Members[name])
}

// unlike tells in which parts two URLs differ that ought to be the same, byte for byte; "" when it cannot say.
func unlike(want, got string) string {
	a, b := absolute(want), absolute(got)
	if a == nil || b == nil {
		return ""
	}
	var parts []string
	add := func(part string, differ bool) {
		if differ {
			parts = append(parts, part)
		}
	}
	p, q := a.EscapedPath(), b.EscapedPath()
	slash, letters := strings.TrimSuffix(p, "/") == strings.TrimSuffix(q, "/"), strings.EqualFold(p, q)
	add("the scheme", a.Scheme != b.Scheme)
	add("the host", !strings.EqualFold(a.Hostname(), b.Hostname()))
	add("the port", a.Port() != b.Port())
	add("the slash at the end", p != q && slash)
	add("the letter case of the path", p != q && !slash && letters)
	add("the path", !slash && !letters)
	add("the query", a.RawQuery != b.RawQuery)
	add("the fragment", a.Fragment != b.Fragment)
	switch len(parts) {
	case 0:
		return ": the letter case of the host differs"
	case 1:
		return ": " + parts[0] + " differs"
	}
	return ": " + list(parts) + " differ"
}

// rootSlash reports whether two URLs differ in nothing but the slash of an empty path, which is no difference by RFC 3986
// section 6.2.3 and which many libraries add or drop by themselves.
func rootSlash(want, got string) bool {
	a, b := absolute(want), absolute(got)
	return a != nil && b != nil && want != got && strings.TrimSuffix(want, "/") == strings.TrimSuffix(got, "/") &&
		strings.TrimSuffix(a.Path, "/") == ""
}

var shared = netip.MustParsePrefix("100.64.0.0/10")

// secluded says why a host cannot be reached from the internet, "" when nothing speaks against it.
func secluded(u *url.URL) string {
	name := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	ip, err := netip.ParseAddr(name)
	switch {
	case probe.Loopback(name):
		return "this very machine"
	case err == nil && (ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified() || shared.Contains(ip)):
		return "a private address"
	case err == nil:
		return ""
	case !strings.Contains(name, "."):
		return "a name of an internal network"
	}
	for _, suffix := range []string{".local", ".internal", ".lan", ".home.arpa", ".corp", ".localdomain", ".intranet", ".svc"} {
		if strings.HasSuffix(name, suffix) {
			return "a name of an internal network"
		}
	}
	return ""
}

// place is a URL as one compares where it leads: scheme, host and path.
func place(u *url.URL) string {
	return strings.ToLower(u.Scheme) + "://" + host(u) + strings.TrimSuffix(u.EscapedPath(), "/")
}
