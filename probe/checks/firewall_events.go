package checks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// refusals are what the firewall does that a program does not get past; what it only logs or skips is none.
var refusals = []string{"block", "challenge", "jschallenge", "js_challenge", "managed_challenge", "connection_close", "force_connection_close"}

// noRefusalLogged judges what the firewall logged at the server's host: of this handshake by ray id, but for probes under names that
// the client at hand has not, and of others that come under its names, as long as what refused them is still as it was.
func noRefusalLogged(t *probe.Trace) probe.Verdict {
	summary := t.FactsOf(firewallEvents)[0]
	if on(summary.Data["no_zone"]) {
		return probe.Skip(noZone)
	}
	if lack := text(summary.Data["permission"]); lack != "" {
		return probe.Unknown("the token may not read it: it lacks %s", lack)
	}
	var elsewhere []probe.Fact
	for _, f := range t.FactsOf(firewallEvent) {
		if !slices.Contains(refusals, text(f.Data["action"])) {
			continue
		}
		switch x := rayOf(t, f); {
		case x != nil && sends(t, x):
			return ofRefusal(t, f, probe.Fail("%s: %s", bare(x), tellEvent(f)).On(x)).Because(reasonOf(t, x, f))
		case x == nil && underOurNames(t, f) && standing(t, f):
			elsewhere = append(elsewhere, f)
		}
	}
	if len(elsewhere) == 0 {
		n, _ := count(summary.Data["count"])
		return probe.Pass("%d events in the last hour, none of them a refusal of this client that still holds", n).OnFact(summary)
	}
	f := elsewhere[0]
	v := ofRefusal(t, f, probe.Fail("at %s %s%s: %s", f.At.UTC().Format(time.TimeOnly), text(f.Data["path"]), others(len(elsewhere)), tellEvent(f)).OnFact(f))
	return v.Because(stillJudged(t, f))
}

func ofRefusal(t *probe.Trace, f probe.Fact, v probe.Verdict) probe.Verdict {
	v = v.OnFact(f).So("%s is stopped there before the server", clientName(t)).
		Mend("look at ray id %s under Security > Events, and let the request pass", text(f.Data["ray"]))
	if mend := mends[productOf(f)]; mend != "" {
		v = v.Mend("%s", mend)
	}
	if by := text(f.Data["resource"]); by != "" {
		v = v.By(by)
	}
	return v
}

// reasonOf is the check of the setting behind a refusal, else the one that judges the answer.
func reasonOf(t *probe.Trace, x *probe.Exchange, f probe.Fact) string {
	if g, ok := settingBehind(t, x); ok {
		return judgeOf(g)
	}
	if s, ok := edgeOf(x); ok && s.Self {
		return interference[s.Kind]
	}
	return stillJudged(t, f)
}

// stillJudged is the check of the setting that an event names, where that still can refuse.
func stillJudged(t *probe.Trace, f probe.Fact) string {
	for _, g := range t.FactsOf(edgeSetting) {
		if productOf(g) == productOf(f) && mayStop(g) {
			return judgeOf(g)
		}
	}
	return ""
}

// standing: what refused then can do so now, as far as that is told.
func standing(t *probe.Trace, f probe.Fact) bool {
	told := false
	for _, g := range t.FactsOf(edgeSetting) {
		if productOf(g) != productOf(f) || text(g.Data["state"]) == hiddenState {
			continue
		}
		told = true
		rule := text(f.Data["rule_id"])
		if (on(g.Data["applies"]) || on(g.Data["may"])) && (text(g.Data["rule"]) == "" || rule == "" || text(g.Data["rule"]) == rule) {
			return true
		}
	}
	return !told
}

// eventOf returns what the log has of an answer, by its ray id.
func eventOf(t *probe.Trace, x *probe.Exchange) (probe.Fact, bool) {
	events := t.FactsOf(firewallEvent)
	if len(events) == 0 {
		return probe.Fact{}, false
	}
	id := ray(x)
	for _, f := range events {
		if id != "" && id == text(f.Data["ray"]) && slices.Contains(refusals, text(f.Data["action"])) {
			return f, true
		}
	}
	return probe.Fact{}, false
}

func rayOf(t *probe.Trace, f probe.Fact) *probe.Exchange {
	id := text(f.Data["ray"])
	for _, x := range t.Of(probe.Connection) {
		if id != "" && ray(x) == id {
			return x
		}
	}
	return nil
}

// ray is an answer's ray id without the data centre that follows it.
func ray(x *probe.Exchange) string {
	id, _, _ := strings.Cut(x.Header("Cf-Ray"), "-")
	return strings.ToLower(id)
}

// underOurNames: who was refused called itself what the client at hand does.
func underOurNames(t *probe.Trace, f probe.Fact) bool {
	name := product(text(f.Data["user_agent"]))
	for _, known := range []*string{t.Profile.Headers.MCPUserAgent, t.Profile.Headers.OAuthUserAgent} {
		if known != nil && *known != "" && product(*known) == name && name != "mcpwiz" {
			return true
		}
	}
	return false
}

// tellEvent says what did it: `managed_challenge by Bot Fight Mode, User-Agent "Claude-User"`.
func tellEvent(f probe.Fact) string {
	by := titles[productOf(f)]
	if by == "" {
		by = text(f.Data["source"])
	}
	told := fmt.Sprintf("%s by %s", text(f.Data["action"]), by)
	if d := text(f.Data["description"]); d != "" && d != by {
		told += " (" + quoted(clipped(d, 80)) + ")"
	}
	return told + ", ray " + text(f.Data["ray"]) + ", User-Agent " + quotedAll([]string{text(f.Data["user_agent"])})[0]
}
