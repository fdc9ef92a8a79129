package checks

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A signature is how an answer is recognised as an edge's: passed on by it, or (Self) given without asking the origin.
type signature struct {
	// Edge is who answered, as its operator calls it: "Cloudflare", "Cloudflare Access", "nginx".
	Edge string
	// Name says what the answer is, for a finding's detail; Mend is the setting that changes it.
	Name, Mend string
	Kind       kind
	Self       bool
	// Product are those of Cloudflare's products that answer so, as its settings are named (see edge_settings_tell.go).
	Product []string

	// What it is recognised by: all that is given must hold. Status by one of; Header by a part of the named fields in
	// lower case, "" for their presence; Says by one of these in what the body tells, in lower case; Code by the error
	// number that Cloudflare's pages bear; NotJSON that no JSON came, Empty that nothing came.
	Status         []int
	Header         map[string]string
	Says           []string
	Code           []int
	NotJSON, Empty bool
}

// A kind groups what edges do of their own accord, by what must be done about it.
type kind string

const (
	passedOn   kind = "passed on"
	challenged kind = "challenge"
	blocked    kind = "block"
	walled     kind = "block of the sender's network"
	limited    kind = "rate limit"
	loginPage  kind = "login"
	down       kind = "origin not reached"
	unrouted   kind = "no route"
)

// edgeOf tells whose answer an exchange bears; false when nothing speaks for an edge, so that the origin may have spoken.
func edgeOf(x *probe.Exchange) (signature, bool) {
	if x == nil || x.Response == nil {
		return signature{}, false
	}
	text := sync.OnceValue(func() string { return bodyText(x.Answer()) })
	for _, s := range signatures {
		if s.matches(x, text) {
			return s, true
		}
	}
	return signature{}, false
}

// Answered tells which edge an answer bears the signature of, "" where nothing speaks for one, and whether the edge gave it
// by itself or passed on what the origin said.
func Answered(x *probe.Exchange) (edge string, self bool) {
	s, _ := edgeOf(x)
	return s.Edge, s.Self
}

// byEdge tells whether an edge gave the answer by itself in one of these ways.
func byEdge(x *probe.Exchange, kinds ...kind) (signature, bool) {
	s, ok := edgeOf(x)
	return s, ok && s.Self && slices.Contains(kinds, s.Kind)
}

// matches looks at what is cheap first: the text is put together for the few signatures that nothing else rules out.
func (s signature) matches(x *probe.Exchange, text func() string) bool {
	body := x.Answer()
	return (len(s.Status) == 0 || slices.Contains(s.Status, x.Status())) && (!s.NotJSON || body.JSON == nil) && s.inHeader(x) &&
		(!s.Empty || body.Size == 0 && body.Type == "" && text() == "") &&
		(len(s.Says) == 0 || slices.ContainsFunc(s.Says, func(part string) bool { return strings.Contains(text(), part) })) &&
		(len(s.Code) == 0 || slices.Contains(s.Code, errorCode(text())))
}

func (s signature) inHeader(x *probe.Exchange) bool {
	for name, part := range s.Header {
		field := x.Response.Header.Values(name)
		if len(field) == 0 || !strings.Contains(strings.ToLower(strings.Join(field, ", ")), part) {
			return false
		}
	}
	return true
}

// bodyText is all that a body tells, in lower case.
func bodyText(b probe.Body) string {
	text := b.Text
	if b.Page != nil {
		text += b.Page.Title + "\n" + b.Page.Text
	}
	if b.JSON != nil {
		if raw, err := json.Marshal(b.JSON); err == nil {
			text += string(raw)
		}
	}
	return strings.ToLower(text)
}

// Cloudflare's pages say "Error 1020" or "error code: 1020", its problem documents "error_code":1020 (RFC 9457).
var errorNumber = regexp.MustCompile(`error(?:[ _]code)?"?:? ?(1[0-9]{3}|5[0-9]{2})\b`)

func errorCode(text string) int {
	m := errorNumber.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0
	}
	return n
}
