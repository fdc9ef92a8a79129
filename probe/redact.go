package probe

import (
	"slices"
	"strings"
	"time"
)

// A raw is what a tap saw of an exchange, secrets and all. It lives from the wire to the redactor and no further.
type raw struct {
	id       int64
	probe    string
	start    time.Time
	timing   Timing
	method   string
	url      string
	header   map[string][]string
	body     rawBody
	answered bool
	status   int
	proto    string
	reply    map[string][]string
	answer   rawBody
	err      *WireError
	open     bool
	peer     *Peer
	notes    []Fact
	remote   string
	// overheard is true where we were the server: the clients are strangers, whose secrets are not kept, not even here.
	overheard bool
}

// A rawBody is what was copied of a body.
type rawBody struct {
	data  []byte
	size  int64
	whole bool // data is the body from its first byte to its last
	marks []mark
}

// A mark says when the byte at an offset had come.
type mark struct {
	end int
	at  time.Duration
}

// A redactor makes one Exchange of what a tap saw. First it takes things apart and learns which values are secrets; then
// it strikes these out of everything that is kept.
type redactor struct {
	f     *Fingerprinter
	known *known
	cache *bodyCache
	frame string // where the request went: not a secret, whoever says it
	own   sieve
	// secrets are the values that are secrets by their name, and their marks.
	secrets map[string]string
	// concealed counts what was taken out.
	concealed int
	// side is where tokens among the parameters at hand stand: "request.", "response.", or "" when they are not told.
	side string
	x    *Exchange
	raw  *raw
}

func (t *Tap) redact(in *raw) Exchange {
	x := &Exchange{ID: in.id, Probe: in.probe, Start: in.start, Timing: in.timing, Open: in.open, Peer: in.peer, Remote: in.remote}
	r := &redactor{f: t.prints(), known: &t.known, cache: &t.cache, x: x, raw: in}
	r.frame, _, _ = strings.Cut(in.url, "?")
	if t.Public != nil {
		r.frame += " " + t.Public.String()
	}
	r.side = "request."
	x.Request.URL = r.url(in.url)
	r.side = ""
	x.Request = Message{Method: in.method, URL: x.Request.URL, Header: r.header(in.header, "request.")}
	x.Request.Body = r.body(in.body, bodyLabel(in.header), "request.")
	if in.answered {
		x.Response = &Response{Status: in.status, Proto: in.proto, Header: r.header(in.reply, "response.")}
		x.Response.Body = r.body(in.answer, bodyLabel(in.reply), "response.")
	}
	if in.err != nil {
		x.Error = &WireError{Kind: in.err.Kind, Text: r.prose(in.err.Text)}
	}
	x.Notes = slices.Concat(in.notes, unfitSession(in))
	x.Grant = r.grant()
	r.remember()
	r.strikeAll()
	return *x
}

// secret conceals a value that is a secret by its name or place.
func (r *redactor) secret(value string) string {
	if value == "" {
		return ""
	}
	if s, ok := r.secrets[value]; ok {
		r.concealed++
		return s
	}
	to := r.conceal(value)
	if r.tells(value) {
		return to
	}
	if r.secrets == nil {
		r.secrets = map[string]string{}
	}
	r.secrets[value] = to
	r.own.add(value, to)
	return to
}

// unlisted conceals a value that is merely on no list. It is struck out elsewhere only if it looks like more than a word.
func (r *redactor) unlisted(value string) string {
	if value == "" {
		return ""
	}
	to := r.conceal(value)
	if len(value) >= 8 && len(r.own.values) < maxUnlisted && !strings.ContainsAny(value, " \t\r\n") && !r.tells(value) &&
		(len(value) >= minPiece || strings.ContainsAny(value, "0123456789")) {
		r.own.add(value, to)
	}
	return to
}

// maxUnlisted bounds the work on a document that is nothing but such values.
const maxUnlisted = 1024

// tells reports whether a value says no more than what the exchange says anyway, so that striking it out would only tear
// what is kept: a word of the protocol, a part of the request's own address, a URL.
func (r *redactor) tells(value string) bool {
	if commonplace(value) {
		return true
	}
	random := len(value) >= 24 && strings.ContainsAny(value, "0123456789") && !strings.ContainsAny(value, "/:.")
	return !random && (strings.Contains(r.frame, value) || strings.Contains(value, "://"))
}

func (r *redactor) conceal(value string) string {
	r.concealed++
	return r.f.Redact(value)
}

// grant returns the fingerprint of what tells overheard clients apart.
func (r *redactor) grant() string {
	token, ok := r.x.Token("request.authorization")
	if !ok {
		for _, id := range values(r.raw.header, "Mcp-Session-Id") {
			return r.f.Of(id)
		}
		return ""
	}
	if sid := token.Claim("sid"); sid != "" {
		return sid
	}
	if sub := token.Claim("sub"); sub != "" {
		return r.f.Of(sub + " " + token.Claim("azp"))
	}
	return token.Fingerprint
}

// remember hands what was learned to the tap: values of our own run, fingerprints of strangers'.
func (r *redactor) remember() {
	if !r.raw.overheard {
		r.known.remember(r.secrets)
		return
	}
	for value, to := range r.secrets {
		r.known.overhear(r.f, value, r.frame, to)
	}
}
