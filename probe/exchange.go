package probe

import (
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// An Exchange is one HTTP request and its response as seen at a tap. No secret is in it: what a value on no allow-list
// was is told by its length and fingerprint (see Redacted).
type Exchange struct {
	// ID is given by the tap; a Session that sees a known ID replaces the exchange.
	ID int64 `json:"-"`
	// N is the exchange's number within its handshake, from 1, given by the Session.
	N int `json:"n"`
	// Probe names the step that asked what no client would; it is a mark in the trace and never on the wire.
	Probe    string    `json:"probe,omitempty"`
	Start    time.Time `json:"start"`
	Timing   Timing    `json:"timing"`
	Request  Message   `json:"request"`
	Response *Response `json:"response,omitempty"`
	// Error tells why no (whole) response came; secrets are struck out.
	Error *WireError `json:"error,omitempty"`
	// Open is true while the response goes on (a stream), and for an authorization request that was handed to a browser.
	Open bool `json:"open,omitempty"`
	// Peer is whom the request reached; nil where we were the server.
	Peer *Peer `json:"peer,omitempty"`
	// Tokens are the access, refresh and ID tokens and JWT assertions borne or issued here, without their raw values.
	Tokens []Token `json:"tokens,omitempty"`
	// S256 keeps, by the name of the form field, BASE64URL(SHA256(value)) of a code_verifier (RFC 7636 section 4.2).
	S256 map[string]string `json:"s256,omitempty"`
	// Notes are facts about this exchange, told by whoever held the raw values.
	Notes []Fact `json:"notes,omitempty"`
	// Remote is the address of the connection where we were the server, and Grant the fingerprint of what tells clients
	// apart: the token's sid, else sub and azp, else the token, else the session id. For the witness; never written.
	Remote string `json:"-"`
	Grant  string `json:"-"`
}

// Timing is in milliseconds from Start; zero means unknown.
type Timing struct {
	DNS       float64 `json:"dns_ms,omitempty"`
	Connect   float64 `json:"connect_ms,omitempty"`
	TLS       float64 `json:"tls_ms,omitempty"`
	FirstByte float64 `json:"first_byte_ms,omitempty"`
	Total     float64 `json:"total_ms,omitempty"`
}

// A Message is the request's part of an exchange.
type Message struct {
	Method string      `json:"method"`
	URL    string      `json:"url"`
	Header http.Header `json:"header,omitempty"`
	Body   Body        `json:"body,omitzero"`
}

// A Response is the answer's part of an exchange.
type Response struct {
	Status int         `json:"status"`
	Proto  string      `json:"proto,omitempty"`
	Header http.Header `json:"header,omitempty"`
	Body   Body        `json:"body,omitzero"`
}

// A Body is what was read of a request or response body, parsed once and redacted.
type Body struct {
	// Type is the media type without parameters, in lower case.
	Type string `json:"type,omitempty"`
	// Size is the number of bytes that passed; SHA256 is theirs, in hex, when all were seen and none had to be concealed.
	Size      int64  `json:"size,omitempty"`
	SHA256    string `json:"sha256,omitempty"`
	Truncated bool   `json:"truncated,omitempty"`
	// JSON is the decoded value (numbers as json.Number), Form the decoded form, Page what an HTML page says,
	// Events the events of a stream, Text anything else that is text.
	JSON   any        `json:"json,omitempty"`
	Form   url.Values `json:"form,omitempty"`
	Page   *Page      `json:"page,omitempty"`
	Events []SSEEvent `json:"events,omitempty"`
	Text   string     `json:"text,omitempty"`
	// Problem says why the body is not what its label says; Hex then shows its first bytes.
	Problem string `json:"problem,omitempty"`
	Hex     string `json:"hex,omitempty"`
}

// A Page is the visible part of an HTML page: no attribute but the page id that Keycloak's theme writes on body.
type Page struct {
	Title  string `json:"title,omitempty"`
	PageID string `json:"page_id,omitempty"`
	Text   string `json:"text,omitempty"`
}

// An SSEEvent is one event of a text/event-stream body; At is in milliseconds from the exchange's start.
type SSEEvent struct {
	At    float64 `json:"at_ms"`
	Event string  `json:"event,omitempty"`
	ID    string  `json:"id,omitempty"`
	Data  any     `json:"data,omitempty"`
}

// Message reports whether an event is of the type that clients take messages from (HTML Living Standard section 9.2.6).
func (e SSEEvent) Message() bool { return e.Event == "" || e.Event == "message" }

// A WireError is a failure below HTTP.
type WireError struct {
	// Kind is one of dns, refused, unreachable, timeout, tls, reset, eof, canceled, protocol, other.
	Kind string `json:"kind"`
	Text string `json:"text"`
}

// A Peer is whom a request reached.
type Peer struct {
	Addr string `json:"addr,omitempty"`
	TLS  *TLS   `json:"tls,omitempty"`
}

// TLS is what was agreed with a peer.
type TLS struct {
	Version  string    `json:"version"`
	ALPN     string    `json:"alpn,omitempty"`
	Subject  string    `json:"subject,omitempty"`
	Issuer   string    `json:"issuer,omitempty"`
	Names    []string  `json:"names,omitempty"`
	NotAfter time.Time `json:"not_after,omitzero"`
}

// A Token is what may be told of a token: where it stood, its fingerprint, and for a JWT (RFC 7519) its header's alg, kid
// and typ and the claims on the allow-list (sub and sid as fingerprints).
type Token struct {
	// Where is request.authorization, request.<form field> or response.<member>.
	Where       string `json:"where"`
	Length      int    `json:"length"`
	Fingerprint string `json:"fingerprint"`
	JWT         bool   `json:"jwt"`
	Alg         string `json:"alg,omitempty"`
	Kid         string `json:"kid,omitempty"`
	Typ         string `json:"typ,omitempty"`
	// Unfit tells a character that no Authorization header may have (RFC 6750 section 2.1), "" for none.
	Unfit  string         `json:"unfit,omitempty"`
	Claims map[string]any `json:"claims,omitempty"`
}

// Audience returns the aud claim, which may be a string or an array (RFC 7519 section 4.1.3).
func (t Token) Audience() []string { return stringsOf(t.Claims["aud"]) }

// Claim returns a claim that is a string.
func (t Token) Claim(name string) string { s, _ := t.Claims[name].(string); return s }

// Time returns a NumericDate claim.
func (t Token) Time(name string) (time.Time, bool) {
	f, ok := numberOf(t.Claims[name])
	if !ok || math.Abs(f) > 1e15 {
		return time.Time{}, false
	}
	seconds, rest := math.Modf(f)
	return time.Unix(int64(seconds), int64(rest*1e9)).UTC(), true
}

// URL returns the request's URL parsed; it is never nil.
func (x *Exchange) URL() *url.URL {
	u, err := url.Parse(x.Request.URL)
	if err != nil {
		return &url.URL{Path: x.Request.URL}
	}
	return u
}

// Status returns the response's status, 0 when none came.
func (x *Exchange) Status() int {
	if x.Response == nil {
		return 0
	}
	return x.Response.Status
}

// Header returns the first value of a response header, "" when there is none.
func (x *Exchange) Header(name string) string {
	if x.Response == nil {
		return ""
	}
	return x.Response.Header.Get(name)
}

// Answer returns the response's body, empty when none came.
func (x *Exchange) Answer() Body {
	if x.Response == nil {
		return Body{}
	}
	return x.Response.Body
}

// Bearer reports whether the request bore a bearer token (RFC 6750 section 2.1).
func (x *Exchange) Bearer() bool {
	scheme, _, _ := strings.Cut(x.Request.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer")
}

// Token returns the token found at where.
func (x *Exchange) Token(where string) (Token, bool) {
	for _, t := range x.Tokens {
		if t.Where == where {
			return t, true
		}
	}
	return Token{}, false
}

// Object returns the body as a JSON object, nil when it is none.
func (b Body) Object() map[string]any { o, _ := b.JSON.(map[string]any); return o }

// Message returns the JSON-RPC message of a body: the object itself, or the first event's data that has a result or an
// error, or else the first that is an object.
func (b Body) Message() map[string]any {
	if o := b.Object(); o != nil {
		return o
	}
	var first map[string]any
	for _, e := range b.Events {
		o, ok := e.Data.(map[string]any)
		if !ok || !e.Message() {
			continue
		}
		if o["result"] != nil || o["error"] != nil {
			return o
		}
		if first == nil {
			first = o
		}
	}
	return first
}

// Method returns the JSON-RPC method of a request body, "" when it has none.
func (b Body) Method() string { m, _ := b.Object()["method"].(string); return m }
