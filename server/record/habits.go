package record

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A Difference is what a real client does otherwise than its profile says.
type Difference struct {
	// Profile is its id, Knob the path of what differs, as in a profile's facts.
	Profile, Knob string
	// Expected is what the profile says, Seen what the client did.
	Expected, Seen string
	At             time.Time
}

// What is compared.
const (
	KnobRedirect = "authorization.redirect_uris"
	KnobAgent    = "headers.mcp_user_agent"
	KnobOpening  = "protocol.open"
)

// habits are what the clients of a handshake were heard to do, by profile. What counts is only what says itself whose it is:
// behind a tunnel or in an office others send from the same place.
type habits map[*probe.Profile]*habit

// A habit is what one client was heard to do.
type habit struct {
	agents, openings, redirects []string
	told                        map[string]bool
	// alike is true once it was noted that nothing differs.
	alike bool
}

// habitMost bounds each list: a client may send what it likes.
const habitMost = 16

func (b habits) learn(x probe.Exchange, recognise func(Client) *probe.Profile) {
	var who Client
	who.learn(x)
	if who.Name == "" || who.Machine || recognise == nil {
		return
	}
	p := recognise(who)
	if p == nil {
		return
	}
	h := b[p]
	if h == nil {
		h = &habit{told: map[string]bool{}}
		b[p] = h
	}
	body := x.Request.Body.Object()
	if uris, ok := body["redirect_uris"].([]any); ok {
		for _, uri := range uris {
			if s, ok := uri.(string); ok {
				note(&h.redirects, s)
			}
		}
		return
	}
	note(&h.agents, who.UserAgent)
	if method := x.Request.Body.Method(); method == "initialize" || method == "server/discover" {
		note(&h.openings, method+" "+revision(body))
	}
}

// note adds what is not there yet, within bounds.
func note(list *[]string, s string) {
	const longest = 512
	if len(*list) < habitMost && len(s) <= longest && !slices.Contains(*list, s) {
		*list = append(*list, s)
	}
}

// revision is the one that a request opens the protocol in, of either era.
func revision(body map[string]any) string {
	params, _ := body["params"].(map[string]any)
	meta, _ := params["_meta"].(map[string]any)
	for _, v := range []any{params["protocolVersion"], meta["io.modelcontextprotocol/protocolVersion"]} {
		if s, ok := v.(string); ok {
			return s
		}
	}
	return ""
}

// differences returns those that were not told yet. One that also does what its profile says does not differ: so what the
// doctor asks beside the handshake is not taken for a habit.
func (h *habit) differences(p *probe.Profile) []Difference {
	var all []Difference
	add := func(knob, expected, seen string) {
		if p.Knows(knob) && !h.told[knob+" "+seen] {
			h.told[knob+" "+seen] = true
			all = append(all, Difference{Profile: p.ID, Knob: knob, Expected: expected, Seen: seen})
		}
	}
	known := slices.Concat(p.Authorize.RedirectURIs, p.Authorize.Registered)
	for _, uri := range h.redirects {
		if !slices.ContainsFunc(known, func(k string) bool { return SameRedirect(k, uri) }) {
			add(KnobRedirect, strings.Join(known, ", "), uri)
		}
	}
	agents := agentsOf(p)
	if len(h.agents) > 0 && !slices.ContainsFunc(h.agents, func(a string) bool { return slices.Contains(agents, product(a)) }) {
		add(KnobAgent, strings.Join(agents, ", "), cmp.Or(h.agents[0], "none"))
	}
	var openings []string
	for _, o := range p.Protocol.Open {
		openings = append(openings, o.Method+" "+o.Version)
	}
	if len(h.openings) > 0 && !slices.ContainsFunc(h.openings, func(o string) bool { return slices.Contains(openings, o) }) {
		add(KnobOpening, strings.Join(openings, ", then "), strings.Join(h.openings, ", then "))
	}
	return all
}

// agentsOf are the products that a client calls itself, in small letters; "" for none.
func agentsOf(p *probe.Profile) []string {
	var all []string
	add := func(s *string) {
		name := ""
		if s != nil {
			name = product(*s)
		}
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	add(p.Headers.MCPUserAgent)
	for _, s := range p.Recognise {
		if s.UserAgent != "" {
			add(&s.UserAgent)
		}
	}
	return all
}

// product is a User-Agent without its version: versions come and go.
func product(agent string) string {
	name, _, _ := strings.Cut(agent, "/")
	name, _, _ = strings.Cut(name, " ")
	return strings.ToLower(name)
}

// SameRedirect reports whether a client that comes with one redirect URI is let in where the other is registered.
func SameRedirect(registered, came string) bool { return portless(registered) == portless(came) }

// portless is a redirect URI in the form that counts: on loopback any port will do (RFC 8252 section 7.3).
func portless(uri string) string {
	uri = strings.Replace(uri, ":{port}", "", 1)
	u, err := url.Parse(uri)
	if err != nil || !probe.Loopback(u.Hostname()) {
		return uri
	}
	u.Host = strings.TrimSuffix(u.Host, ":"+u.Port())
	return u.String()
}

// alikeIn returns the knobs in which a client was heard to do what its profile says, once and only where nothing differs.
func (h *habit) alikeIn(p *probe.Profile) []string {
	if h.alike || len(h.told) > 0 {
		return nil
	}
	var all []string
	for knob, heard := range map[string][]string{KnobRedirect: h.redirects, KnobAgent: h.agents, KnobOpening: h.openings} {
		if len(heard) > 0 && p.Knows(knob) {
			all = append(all, knob)
		}
	}
	slices.Sort(all)
	h.alike = len(all) > 0
	return all
}

// compare holds what was heard against the profiles: what differs is noted as a fact, told to the log, and to whoever keeps it.
func (w *Witness) compare(h *handshake, now time.Time) {
	at := now.UTC().Round(0)
	for p, heard := range h.habits {
		for _, d := range heard.differences(p) {
			d.At = at
			h.session.Note(probe.Fact{Kind: probe.ClientHabit, Source: "witness", At: at, Data: map[string]any{
				"profile": d.Profile, "date": p.Date, "knob": d.Knob, "expected": d.Expected, "seen": d.Seen,
			}})
			if !w.news("differs "+d.Profile+" "+d.Knob+" "+d.Seen, now) {
				continue
			}
			w.opts.Logger.Warn("a client differs from its profile of "+p.Date, "client", d.Profile, "knob", d.Knob,
				"expected", d.Expected, "seen", d.Seen, "handshake", h.id)
			if w.opts.Differs != nil {
				w.opts.Differs(d)
			}
		}
		if alike := heard.alikeIn(p); len(alike) > 0 {
			h.session.Note(probe.Fact{Kind: probe.ClientHabit, Source: "witness", At: at, Data: map[string]any{
				"profile": p.ID, "date": p.Date, "alike": strings.Join(alike, ", "),
			}})
		}
	}
}
