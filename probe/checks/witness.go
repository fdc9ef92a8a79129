package checks

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// witness judges what only who stood by can know: that a client did not come again, and that it is not what it was.
var witness = []*probe.Check{
	{
		ID: "token.brought", Title: "a client that has read the metadata comes back with a token",
		Doc: "A client that was refused with 401, has read the metadata and then never comes with a token was lost between its login and the server, where neither of them looks. " +
			"It shows in what mcpwiz serve has overheard alone: discovery, then silence; the login itself is at the authorization server. " +
			"Most often the edge stops requests that bear a token, as Block AI bots does to Claude-User while discovery goes by another name; or the user did not finish the login; or the client found the metadata wanting. " +
			"mcpwiz doctor asks with and without a token, and as each client.",
		Stage: probe.StageToken, Level: probe.Should, Owner: probe.OwnerUnknown, OnRequest: true,
		Spec: mcpAuth + "authorization-flow-steps", Needs: []probe.Evidence{probe.OfFact(probe.ClientStopped)},
		After: []string{
			"edge.no-login", "edge.not-blocked", "challenge.endpoint-found", "challenge.status-401", "challenge.bearer", "resource-metadata.is-json",
			"resource-metadata.found", "resource-metadata.names-target", "resource-metadata.names-authorization-server", "server-metadata.found",
			"server-metadata.authorization-endpoint", "server-metadata.token-endpoint", "server-metadata.issuer-matches", "server-metadata.pkce-s256",
		},
		Judge: tokenBrought,
	},
	{
		ID: "session.client-as-known", Title: "the client does what its profile says",
		Doc: "What the doctor does in a client's name rests on a profile, which was true on its date; clients change within months. " +
			"A client that was overheard with another redirect URI, User-Agent or opening shows that its profile is old, and that what was set up by it may not fit. " +
			"Put the new redirect URI on the client in the realm, let the new User-Agent pass, and upgrade mcpwiz or write the profile anew (mcpwiz profiles show, --profile FILE).",
		Stage: probe.StageSession, Level: probe.Should, Owner: probe.OwnerClient, OnRequest: true,
		Spec:  "https://github.com/mcpwiz/mcpwiz/blob/main/docs/profiles.md",
		Needs: []probe.Evidence{probe.OfFact(probe.ClientHabit)}, Judge: clientAsKnown,
	},
}

func tokenBrought(t *probe.Trace) probe.Verdict {
	facts := t.FactsOf(probe.ClientStopped)
	f := facts[len(facts)-1]
	if x := t.Last(probe.Authenticated); x != nil {
		return probe.Pass("it came with a token, and stopped after %s", text(f.Data["after"])).OnFact(f).On(x)
	}
	challenge, document := refusedWithout(t), readResource(t)
	if document == nil {
		return probe.Skip("it stopped before it had read the metadata: after %s", text(f.Data["after"]))
	}
	first := "no request to the endpoint" // where that too is stopped on its way
	if challenge != nil {
		first = "401 for " + agent(challenge)
	}
	v := probe.Warn("%s, the resource metadata for %s, then nothing with a token for %s", first, agent(document), quietFor(f)).OnFact(f).On(challenge, document).
		So("%s is not connected; whether its user has signed in, and whether its calls are stopped on their way, is not seen from here", clientName(t))
	ways := []string{
		"an edge stops requests that bear a token (Cloudflare: Block AI bots, AI Crawl Control for Claude-User)",
		"the login was not finished (the authorization server's events tell)",
		"the client rejected the metadata",
	}
	if others, _ := f.Data["others"].(bool); others { // the same name came through with another's token
		ways = append(ways[1:], ways[0]+", though others of that name came through")
	}
	as := ""
	if t.Profile.ID != "" {
		as = " --as " + t.Profile.ID
	}
	return v.Mend("run mcpwiz doctor %s%s --login USER, which asks with and without a token. What it mostly is, in this order: %s", t.Target, as, strings.Join(ways, "; "))
}

// refusedWithout returns the last 401 to a request without a token, nil for none.
func refusedWithout(t *probe.Trace) *probe.Exchange {
	for _, x := range slices.Backward(t.Of(probe.Unauthenticated)) {
		if x.Status() == 401 {
			return x
		}
	}
	return nil
}

// readResource returns the last exchange in which the resource metadata were read, nil for none.
func readResource(t *probe.Trace) *probe.Exchange {
	for _, x := range slices.Backward(t.Of(probe.ResourceMetadata)) {
		if x.Status() == 200 && x.Answer().Object() != nil {
			return x
		}
	}
	return nil
}

func quietFor(f probe.Fact) string {
	seconds, err := strconv.Atoi(fmt.Sprint(f.Data["quiet_s"]))
	if err != nil {
		return "a while"
	}
	return spell(time.Duration(seconds) * time.Second)
}

// mendHabit is what to do about each thing in which a client may differ.
var mendHabit = map[string]string{
	"authorization.redirect_uris": "put the redirect URI on the client in the realm (mcpwiz plan shows it as a new callback)",
	"headers.mcp_user_agent":      "let the User-Agent pass wherever a rule knows the old one",
	"protocol.open":               "serve the version that it opens with, or see that it falls back",
}

func clientAsKnown(t *probe.Trace) probe.Verdict {
	var differs, mends []string
	var last probe.Fact
	for _, f := range t.FactsOf(probe.ClientHabit) {
		knob := text(f.Data["knob"])
		if knob == "" {
			continue
		}
		last = f
		differs = append(differs, fmt.Sprintf("%s is %s, not %s", knob, quoted(text(f.Data["seen"])), quoted(text(f.Data["expected"]))))
		if mend := mendHabit[knob]; mend != "" && !slices.Contains(mends, mend) {
			mends = append(mends, mend)
		}
	}
	if len(differs) == 0 {
		f := t.FactsOf(probe.ClientHabit)[0]
		return probe.Pass("as the profile of %s says: %s", text(f.Data["date"]), text(f.Data["alike"])).OnFact(f)
	}
	date := text(last.Data["date"])
	old := "the profile is old"
	if days := probe.Days(date, t.Now); days > 0 {
		old = fmt.Sprintf("the profile is %d days old", days)
	}
	return probe.Warn("%s differs from its profile of %s: %s", text(last.Data["profile"]), date, list(differs)).OnFact(last).
		So("%s, and what the doctor and the wizard do by it may not fit the client of today", old).
		Mend("%s; then upgrade mcpwiz, or write the profile anew: mcpwiz profiles show %s, --profile FILE", strings.Join(mends, "; "), text(last.Data["profile"]))
}
