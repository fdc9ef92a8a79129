package cloudflaretest

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// A Visitor is who sends a request to the edge.
type Visitor struct {
	IP      netip.Addr
	Country string
	ASN     int
	// Verified: a bot that Cloudflare knows by more than its User-Agent.
	Verified bool
}

func (v Visitor) asn() string { return strconv.Itoa(v.ASN) }

// A visit is one request on its way through the edge.
type visit struct {
	c            *Cloudflare
	r            *http.Request
	zone         *zone
	host, scheme string
	ray          string
	from         Visitor
	now          time.Time
	// body is what of it the firewall looks at.
	body []byte
	// status is what the edge answers with, when it does.
	status int
	off    skips
	// set are what configuration rules make of the zone's settings.
	set map[string]any
	// ssl is the mode of the zone, html what is done to pages.
	ssl  string
	html struct{ email, rocket bool }
	// assertion is what Access tells the origin of who it let in.
	assertion string
}

// inspected is how much of a body the firewall of a free zone looks at.
const inspected = 128 << 10

func (c *Cloudflare) newVisit(r *http.Request) *visit {
	v := &visit{c: c, r: r, host: strings.ToLower(hostOnly(r.Host)), scheme: "http", ray: newRayID(), now: c.now().UTC()}
	if r.TLS != nil || r.URL.Scheme == "https" {
		v.scheme = "https"
	}
	if c.o.Visitor != nil {
		v.from = c.o.Visitor(r)
	} else if a, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		v.from.IP = a.Addr().Unmap()
	}
	v.from.Country = cmp.Or(v.from.Country, "XX")
	if r.Body != nil {
		v.body, _ = io.ReadAll(io.LimitReader(r.Body, inspected)) // an error comes again to who reads the rest
		if r.ContentLength == int64(len(v.body)) {
			r.Body = whole(v.body)
		} else {
			r.Body = rest{io.MultiReader(bytes.NewReader(v.body), r.Body), r.Body}
		}
	}
	return v
}

// whole is a body that is all here. A server closes the one it reads from when its answer begins; who hands that one on and looks once
// more for its end then takes the connection to the origin for broken, in the middle of the answer.
func whole(b []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(b)) }

// rest is a body that was begun to be read.
type rest struct {
	io.Reader
	io.Closer
}

func newRayID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b[:])
}

func hostOnly(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}

func (v *visit) query() string {
	if v.r.URL.RawQuery == "" {
		return ""
	}
	return "?" + v.r.URL.RawQuery
}

// setting of the zone, with what configuration rules made of it.
func (v *visit) setting(id string) string {
	if s, ok := v.set[id].(string); ok {
		return s
	}
	if b, ok := v.set[id].(bool); ok {
		return map[bool]string{true: "on", false: "off"}[b]
	}
	return text(v.zone.settings, id)
}

// browser: the request looks like one from a person's browser. The real edge looks at much more.
func (v *visit) browser() bool { return strings.HasPrefix(v.r.UserAgent(), "Mozilla/5.0 (") }

// score is that of Bot Management: 1 is certainly automated.
func (v *visit) score() int {
	if v.browser() {
		return 90
	}
	return 1
}

// categories of AI bots, by a part of their User-Agent.
var categories = map[string]string{
	"Claude-User": "AI Assistant", "ChatGPT-User": "AI Assistant", "Perplexity-User": "AI Assistant", "MistralAI-User": "AI Assistant",
	"openai-mcp": "AI Assistant", "ClaudeBot": "AI Crawler", "GPTBot": "AI Crawler", "PerplexityBot": "AI Crawler", "CCBot": "AI Crawler",
	"Bytespider": "AI Crawler", "Amazonbot": "AI Crawler", "Claude-SearchBot": "AI Search", "OAI-SearchBot": "AI Search",
}

func botCategory(agent string) string {
	for name, category := range categories {
		if strings.Contains(agent, name) {
			return category
		}
	}
	return ""
}

// skips are what a skip rule left out for a visit.
type skips struct {
	custom   bool
	phases   map[string]bool
	products map[string]bool
}

func (s *skips) add(p map[string]any) {
	s.custom = s.custom || text(p, "ruleset") == "current"
	for _, name := range texts(p["phases"]) {
		s.phases = marked(s.phases, name)
	}
	for _, name := range texts(p["products"]) {
		s.products = marked(s.products, name)
	}
}

func marked(m map[string]bool, name string) map[string]bool {
	if m == nil {
		m = map[string]bool{}
	}
	m[name] = true
	return m
}
