package checks

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// notThrough is why nothing is compared: why, other checks tell.
const notThrough = "no request was answered both where the server listens and through the public name"

// compared are the twins that both sides answered, and all their exchanges.
func compared(t *probe.Trace) (all []twin, exchanges []*probe.Exchange) {
	all = slices.DeleteFunc(twins(t), func(w twin) bool { return !w.both() })
	for _, w := range all {
		exchanges = append(exchanges, w.behind, w.through)
	}
	return all, exchanges
}

func leadsToOrigin(t *probe.Trace) probe.Verdict {
	all, exchanges := compared(t)
	behind, through := marks(all)
	switch {
	case len(all) == 0:
		return probe.Skip(notThrough)
	case len(through) == 0:
		return probe.Skip("no answer through the public name is marked by %s, as mcpwiz serve marks its own", ownMark)
	case overlap(behind, through):
		return probe.Pass("%s is %s on both sides", ownMark, through[0]).On(exchanges...)
	}
	at := all[0].behind.URL().Host
	if len(behind) == 0 {
		return probe.Fail("mcpwiz serve answers at %s, and something else at %s", host(t.URL()), at).On(exchanges...).Who(probe.OwnerOrigin).
			So("what is asked at %s says nothing of what clients meet", at).Mend("name the address that mcpwiz serve listens at: --origin http://HOST:PORT")
	}
	return probe.Fail("%s is %s through the public name, and %s at %s", ownMark, list(through), list(behind), at).On(exchanges...).
		So("%s meets another instance than this one: a change here changes nothing for it", clientName(t)).
		Mend("let the rule for %s lead to %s, and end the other server", host(t.URL()), at)
}

func answersKept(t *probe.Trace) probe.Verdict {
	all, exchanges := compared(t)
	if v, other := anotherServer(t); other {
		return v
	}
	if len(all) == 0 {
		return probe.Skip(notThrough)
	}
	var bad []twin
	for _, w := range all {
		if w.differs(t) != "" {
			bad = append(bad, w)
		}
	}
	if len(bad) == 0 {
		return probe.Pass("%d requests are answered alike where the server listens and through the public name", len(all)).On(exchanges...)
	}
	w := bad[0]
	v := probe.Fail("%s: %s%s", w.asked(), w.differs(t), others(len(bad)))
	for _, one := range bad {
		v = v.On(one.behind, one.through)
	}
	if to := asMethod(all, w); to != "" {
		return v.So("the server is asked by %s, where %s sends %s", to, clientName(t), w.behind.Request.Method).
			Mend("let the edge pass the method on: a redirect of 301 or 302 makes GET of POST, one of 308 keeps it")
	}
	v = v.So("%s does not hear the server there: what is set at the server changes nothing of it", clientName(t)).
		Mend("find what answers or changes %s in front of the server: a rule, page or route of the edge", w.through.URL().Path)
	return traced(t, w.through, byItself(w.through, v.Because(insteadOf(t, w.through))))
}

// asMethod returns another method that the server would have answered so, "" for none.
func asMethod(all []twin, w twin) string {
	for _, other := range all {
		b := other.behind
		if b.Request.Method != w.behind.Request.Method && b.URL().Path == w.behind.URL().Path && w.through.Header(ownMark) != "" &&
			b.Status() == w.through.Status() && b.Answer().SHA256 == w.through.Answer().SHA256 && b.Header("Allow") == w.through.Header("Allow") &&
			w.behind.Status() != b.Status() {
			return b.Request.Method
		}
	}
	return ""
}

// A change is what became of a header on its way.
type change struct {
	name, how string
	// hurts: clients need it; else it is only worth knowing.
	hurts bool
	cause string
}

func answerHeadersKept(t *probe.Trace) probe.Verdict {
	all, exchanges := compared(t)
	if v, other := anotherServer(t); other {
		return v
	}
	all = slices.DeleteFunc(all, func(w twin) bool { return w.behind.Status() != w.through.Status() || w.differs(t) != "" })
	if len(all) == 0 {
		return probe.Skip("no request is answered alike where the server listens and through the public name")
	}
	var worst change
	var bad []twin
	for _, w := range all {
		for _, c := range w.changes() {
			if worst.name == "" || c.hurts && !worst.hurts {
				worst, bad = c, nil
			}
			if c.name == worst.name {
				bad = append(bad, w)
				break
			}
		}
	}
	if worst.name == "" {
		return probe.Pass("%d answers bear the same headers where the server listens and through the public name", len(all)).On(exchanges...)
	}
	judged := probe.Fail
	if !worst.hurts {
		judged = probe.Warn
	}
	v := judged("%s: %s %s%s", bad[0].asked(), worst.name, worst.how, others(len(bad))).Because(worst.cause).
		So("%s acts on a header that is not the server's", clientName(t)).
		Mend("take the rule that changes %s in answers off %s at the edge", worst.name, bad[0].through.URL().Path)
	for _, w := range bad {
		v = v.On(w.behind, w.through)
	}
	return v
}

// changes are those of the headers that clients act on.
func (w twin) changes() []change {
	var all []change
	add := func(name, behind, through string, hurts bool, cause string) {
		how := ""
		switch {
		case strings.EqualFold(behind, through):
			return
		case through == "":
			how = "is taken off: the server sends " + quoted(behind)
		case behind == "":
			how = "is added: " + quoted(through) + ", where the server sends none"
		default:
			how = fmt.Sprintf("is changed: %s came, where the server sends %s", quoted(through), quoted(behind))
		}
		all = append(all, change{name, how, hurts && (behind != "" || name == "Content-Type"), cause})
	}
	b, e := w.behind, w.through
	add("WWW-Authenticate", challengeOf(b), challengeOf(e), true, "edge.headers-kept")
	add("Mcp-Session-Id", there(b, sessionHeader), there(e, sessionHeader), true, "edge.headers-kept")
	if b.Answer().Size > 0 && e.Answer().Size > 0 {
		add("Content-Type", b.Answer().Type, e.Answer().Type, true, "")
	}
	add("Cache-Control", storing(b), storing(e), false, "")
	names := map[string]bool{}
	for _, x := range []*probe.Exchange{b, e} {
		for name := range x.Response.Header {
			if strings.HasPrefix(name, "Access-Control-") {
				names[name] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		behind, through := fields(b, name), fields(e, name)
		add(name, behind, through, name == "Access-Control-Allow-Origin", "")
	}
	return all
}

// challengeOf is a challenge by what a client takes from it; how the server names itself in it may follow from how it was asked.
func challengeOf(x *probe.Exchange) string {
	raw := x.Header("Www-Authenticate")
	if c := x.Challenge(); c != nil && raw != "" {
		at := c.ResourceMetadata
		if u := absolute(at); u != nil {
			at = u.Path
		}
		return strings.TrimSpace(fmt.Sprintf("Bearer %s %s %s", at, c.Scope, c.Error))
	}
	return raw
}

func there(x *probe.Exchange, name string) string {
	if x.Header(name) != "" {
		return "a session id"
	}
	return ""
}

// storing is what Cache-Control says of whether an answer may be kept.
func storing(x *probe.Exchange) string {
	var all []string
	for _, word := range strings.Split(fields(x, "Cache-Control"), ",") {
		if word = strings.TrimSpace(word); word == "no-store" || word == "private" || word == "public" || strings.HasPrefix(word, "max-age") || strings.HasPrefix(word, "s-maxage") {
			all = append(all, word)
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// fields are all values of a header, in lower case and in order.
func fields(x *probe.Exchange, name string) string {
	var all []string
	for _, v := range x.Response.Header.Values(name) {
		for _, word := range strings.Split(strings.ToLower(v), ",") {
			all = append(all, strings.TrimSpace(word))
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// late is how much later than behind the edge a stream may begin through it, in milliseconds.
const late = 2500

func streamsBegin(t *probe.Trace) probe.Verdict {
	if v, other := anotherServer(t); other {
		return v
	}
	var streams []*probe.Exchange
	for _, w := range twins(t) {
		b, e := w.behind, w.through
		if b.Status() != 200 || b.Answer().Type != eventStream || e == nil || e.Response != nil && (e.Status() != 200 || e.Answer().Type != eventStream) {
			continue
		}
		if how := heldBack(b, e); how != "" {
			return probe.Fail("%s: %s, where the server begins it after %.0f ms", w.asked(), how, began(b)).On(b, e).Because(behindSilence(t, e)).
				So("%s waits, and gives the connection up; progress and notifications come late or never", clientName(t)).
				Mend("switch buffering off in front of %s: mcpwiz expose snippet nginx (or caddy, traefik, haproxy, apache) prints how", e.URL().Path)
		}
		streams = append(streams, b, e)
	}
	if len(streams) == 0 {
		return probe.Skip("no stream was opened both where the server listens and through the public name")
	}
	return probe.Pass("streams begin through the public name as they do where the server listens: %d", len(streams)/2).On(streams...)
}

const eventStream = "text/event-stream"

// behindSilence: of no answer at all the stream's own check tells too.
func behindSilence(t *probe.Trace, e *probe.Exchange) string {
	if e.Response == nil && t.Has(probe.Stream) {
		return "session.stream-not-buffered"
	}
	return ""
}

// began is when a stream brought its first event, or else when its answer began.
func began(x *probe.Exchange) float64 {
	if events := x.Answer().Events; len(events) > 0 {
		return events[0].At
	}
	return x.Timing.FirstByte
}

// heldBack says how a stream came late through the edge, "" when it did not.
func heldBack(behind, through *probe.Exchange) string {
	switch {
	case through.Response == nil && through.Error != nil && through.Error.Kind == "timeout":
		return fmt.Sprintf("no answer within %.0f s", through.Timing.Total/1000)
	case through.Response == nil:
		return "" // the finding on the connection says how it ended
	case len(behind.Answer().Events) > 0 && len(through.Answer().Events) == 0:
		return fmt.Sprintf("the answer begins and no event comes within %.1f s", through.Timing.Total/1000)
	case began(through) > began(behind)+late:
		return fmt.Sprintf("it begins after %.0f ms", began(through))
	}
	return ""
}
