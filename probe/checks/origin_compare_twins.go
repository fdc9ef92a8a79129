package checks

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A twin is one request on both sides of the edge; through is nil where it was not sent there.
type twin struct{ behind, through *probe.Exchange }

// twins pairs what was asked behind the edge with what was asked through it.
func twins(t *probe.Trace) []twin {
	var all []twin
	var through []*probe.Exchange
	for _, x := range t.Exchanges {
		switch {
		case x.Probe != askedBehind && x.Probe != askedBehindToken:
		case host(x.URL()) == host(t.URL()):
			through = append(through, x)
		default:
			all = append(all, twin{behind: x})
		}
	}
	for i, w := range all {
		at := slices.IndexFunc(through, func(x *probe.Exchange) bool { return sameRequest(x, w.behind) })
		if at >= 0 {
			all[i].through = through[at]
			through = slices.Delete(through, at, at+1)
		}
	}
	return all
}

func sameRequest(x, y *probe.Exchange) bool {
	return x.Probe == y.Probe && x.Request.Method == y.Request.Method && x.URL().EscapedPath() == y.URL().EscapedPath() &&
		x.Request.Body.Method() == y.Request.Body.Method() && x.Bearer() == y.Bearer()
}

// both reports whether both sides answered.
func (w twin) both() bool {
	return w.behind.Response != nil && w.through != nil && w.through.Response != nil
}

// asked tells the request in words.
func (w twin) asked() string {
	words := w.behind.Request.Method + " "
	if m := w.behind.Request.Body.Method(); m != "" {
		words = m + " at "
	}
	return words + bare(w.through)
}

// marks returns the marks that answers behind the edge and through it bear.
func marks(all []twin) (behind, through []string) {
	add := func(to []string, x *probe.Exchange) []string {
		if x == nil || x.Header(ownMark) == "" || slices.Contains(to, x.Header(ownMark)) {
			return to
		}
		return append(to, x.Header(ownMark))
	}
	for _, w := range all {
		behind, through = add(behind, w.behind), add(through, w.through)
	}
	return behind, through
}

// anotherServer says why there is nothing to compare: another server answers at the public name than where we asked.
func anotherServer(t *probe.Trace) (probe.Verdict, bool) {
	behind, through := marks(twins(t))
	if len(through) > 0 && !overlap(behind, through) {
		return probe.Skip("the public name leads to another server than the one that was asked behind it"), true
	}
	return probe.Verdict{}, false
}

func overlap(x, y []string) bool {
	return slices.ContainsFunc(x, func(s string) bool { return slices.Contains(y, s) })
}

// differs tells how the answers differ, "" when they say the same. Dates, ids of requests and of sessions, nonces and
// compression differ from answer to answer, so that only documents and lists are compared by what is in them.
func (w twin) differs(t *probe.Trace) string {
	b, e := w.behind, w.through
	mirror := strings.Contains(b.URL().Path, "/.well-known/oauth-authorization-server")
	if mirror && (b.Status() != 200 || b.Answer().Object() == nil) {
		return "" // where the server has none of its own, another's may stand
	}
	if s, self := edgeOf(e); b.Status() != e.Status() || self && s.Self {
		if _, alike := edgeOf(b); alike && b.Status() == e.Status() {
			return "" // a proxy of the operator's own stands on both sides
		}
		return fmt.Sprintf("%s through the public name, and %s where the server listens (%s)", answered(e), answered(b), bare(b))
	}
	if b.Status() != 200 || e.Header("Content-Encoding") != b.Header("Content-Encoding") || unmarked(t, e) {
		return ""
	}
	if b.Request.Method == "GET" && b.Answer().Object() != nil && strings.Contains(b.URL().Path, "/.well-known/") {
		return otherMembers(b.Answer(), e.Answer())
	}
	if b.Request.Body.Method() == "tools/list" && result(b) != nil && !slices.Equal(toolNames(b), toolNames(e)) {
		return fmt.Sprintf("the tools %s through the public name, and %s where the server listens", list(toolNames(e)), list(toolNames(b)))
	}
	return ""
}

// otherMembers names the members of a document that are not the same on both sides. A server may build its URLs from how it was
// asked, so that a URL is compared by its path alone.
func otherMembers(behind, through probe.Body) string {
	served := behind.Object()
	came := through.Object()
	if came == nil {
		return fmt.Sprintf("no JSON (%d bytes of %s) through the public name, and a document of %d bytes where the server listens",
			through.Size, through.Type, behind.Size)
	}
	var names []string
	for name := range served {
		if !reflect.DeepEqual(pathsOf(served[name]), pathsOf(came[name])) {
			names = append(names, name)
		}
	}
	for name := range came {
		if _, ok := served[name]; !ok {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	one := names[0]
	return fmt.Sprintf("another document: %s differ, %s is %s through the public name and %s where the server listens",
		list(names), one, value(came[one]), value(served[one]))
}

// pathsOf leaves of each URL in a value what does not tell how it was asked for.
func pathsOf(v any) any {
	switch v := v.(type) {
	case string:
		if u := absolute(v); u != nil {
			return u.RequestURI()
		}
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = pathsOf(v[i])
		}
		return all
	}
	return v
}

func toolNames(x *probe.Exchange) []string {
	all, _ := result(x)["tools"].([]any)
	var names []string
	for _, one := range all {
		o, _ := one.(map[string]any)
		names = append(names, text(o["name"]))
	}
	slices.Sort(names)
	return names
}
