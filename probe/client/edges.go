package client

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/mcpwiz/mcpwiz/probe"
)

// edgeProbes ask what tells an edge from the server behind it.
var edgeProbes = []Step{
	{
		Title: "ask under other names", Stage: probe.StageEdge, Makes: evidence{"probe:user-agent"}, Do: otherAgents, aside: true,
	},
	{
		Title: "ask without TLS", Stage: probe.StageNetwork, Makes: evidence{"probe:plain-http"}, Do: plainHTTP, aside: true,
	},
}

// edgeTokensProbe asks with the token what edgeProbes ask without: some rules stop only what looks like a call.
var edgeTokensProbe = Step{
	Title: "ask under other names with the token", Stage: probe.StageEdge, Makes: evidence{"probe:user-agent-token"},
	Needs: evidence{probe.AccessToken}, Do: otherAgentsWithToken, aside: true,
}

// agents are what an edge may tell apart: what the vendors' clouds call themselves, a browser, a plain tool, and nothing
// at all as the public Python SDKs say.
var agents = []string{"Claude-User", "python-httpx/0.28.1", "openai-mcp/1.0.0", browserAgent, "curl/8.5.0", ""}

// otherAgents makes the same request under other names.
func otherAgents(ctx context.Context, e *Emulator) error {
	return e.underOtherNames(ctx, "user-agent", "")
}

func otherAgentsWithToken(ctx context.Context, e *Emulator) error {
	if e.wallet.first.access == "" {
		return errors.New("there is no access token")
	}
	return e.underOtherNames(ctx, "user-agent-token", e.wallet.first.access)
}

// namesAtOnce is how many names ask at the same time without a token: a burst would meet limits that a client does not, and
// there is time. With the token there is none, and there are few requests: the client itself is done three answers later.
const namesAtOnce = 3

// underOtherNames asks under each name. Without a token it asks under one first, as a host that lets nobody connect knows no
// names, and then under a few at once; the metadata are asked for too, by the names of those who read them.
func (e *Emulator) underOtherNames(ctx context.Context, name, token string) error {
	ask := func(agent string) (*reply, error) {
		var document sync.WaitGroup
		defer document.Wait()
		if token == "" {
			document.Go(func() { e.documentAs(probe.WithProbe(ctx, name), agent) })
		}
		return e.strayReply(ctx, name, token, func(r *http.Request) { r.Header["User-Agent"] = []string{agent} })
	}
	names, atOnce := agents, len(agents)
	if token == "" {
		a, err := ask(agents[0])
		if err != nil || ctx.Err() != nil || neverConnected(a.err) {
			return err
		}
		names, atOnce = agents[1:], namesAtOnce
	}
	var asking sync.WaitGroup
	few := make(chan struct{}, atOnce)
	for _, agent := range names {
		few <- struct{}{}
		asking.Go(func() {
			defer func() { <-few }()
			if ctx.Err() == nil {
				_, _ = ask(agent) // what comes of it is in the trace
			}
		})
	}
	asking.Wait()
	return nil
}

// documentAs asks for the resource metadata at their well-known place.
func (e *Emulator) documentAs(ctx context.Context, agent string) {
	r, err := request(http.MethodGet, probe.ResourceMetadataURLs(e.opt.Target)["path"], nil)
	if err != nil {
		return
	}
	e.oauth(r)
	r.Header["User-Agent"] = []string{agent}
	send(ctx, e.aside, e.limit(e.opt.Profile.Limits.Discovery, 10), r)
}

// neverConnected reports whether a request failed before anything of it was sent.
func neverConnected(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial" || err != nil && strings.Contains(err.Error(), "TLS handshake timeout")
}

// plainHTTP asks what answers at the same place without TLS: a browser's user, and a client that was given the URL without
// its s, come there first.
func plainHTTP(ctx context.Context, e *Emulator) error {
	plain := probe.OfProbe("plain-http")
	switch {
	case probe.Loopback(e.target.Hostname()):
		e.excuse(plain, "a loopback target is a rehearsal")
		return nil
	case e.target.Scheme != "https" || e.target.Port() != "" && e.target.Port() != "443":
		e.excuse(plain, "the URL is not https at its own port")
		return nil
	}
	u := *e.target
	u.Scheme, u.Host, u.RawQuery, u.Fragment = "http", strings.TrimSuffix(u.Host, ":443"), "", ""
	r, err := request(http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	e.oauth(r)
	if a := send(probe.WithProbe(ctx, "plain-http"), e.aside, reachLimit, r); a.err != nil && a.status == 0 && ctx.Err() == nil {
		e.excuse(plain, "nothing answers at port 80, which is as good as a redirect")
	}
	return nil
}
