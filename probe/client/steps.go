package client

import (
	"context"
	"slices"
	"sync"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A Step is one thing that a client does on the wire. Do returns only why it could not even begin: what came of it is in
// the trace.
type Step struct {
	Title        string
	Stage        probe.Stage
	Makes, Needs []probe.Evidence
	Do           func(context.Context, *Emulator) error

	// aside steps run as soon as what they need is settled; the others one after another, the happy path.
	aside bool
	// after is evidence that must be settled before, without being needed; last waits for all steps before it.
	after probe.Evidence
	last  bool
}

type evidence = []probe.Evidence

// Steps returns what the emulator does, in order.
func (e *Emulator) Steps() []Step {
	all := slices.Clone(strangersSteps)
	if e.opt.Probes && e.askedAs == "" {
		all = append(all, asNobody()...)
	}
	if e.compares() {
		all = append(all, originProbe)
	}
	if e.opt.asksForPage() {
		all = append(all, pagesSteps...)
	}
	all = append(all, clientsSteps...)
	if e.opt.Probes && !e.opt.machine() && e.opt.known() {
		all = append(all, clientsProbes...)
		all = append(all, redirectsProbe)
	}
	all = append(all, tokensSteps...)
	if e.opt.streams() {
		all = append(all, streamStep)
	}
	if e.opt.Probes {
		all = append(all, protocolProbes...)
		all = append(all, tokensProbe, edgeTokensProbe)
		if e.compares() {
			all = append(all, originTokenProbe)
		}
		all = append(all, retryProbe)
	}
	return slices.DeleteFunc(all, e.leftOut)
}

// asNobody are the probes for which it does not matter which client asks: of handshakes that are made together one asks them.
func asNobody() []Step {
	var all []Step
	all = append(all, strangersProbes...)
	all = append(all, edgeProbes...)
	all = append(all, forgedProbe)
	all = append(all, documentProbes...)
	return all
}

// leftOut reports whether the profile or the options leave a step out.
func (e *Emulator) leftOut(s Step) bool {
	makes := func(ev probe.Evidence) bool { return slices.Contains(s.Makes, ev) }
	return e.opt.machine() && (makes(probe.Registration) || makes(probe.Authorization) || makes(probe.Refresh) ||
		makes("probe:refresh-retry"))
}

var strangersSteps = []Step{
	{
		Title: "look at the MCP server's host", Stage: probe.StageNetwork, Makes: evidence{"fact:dns", "fact:certificate"},
		Do: lookAtTarget, aside: true,
	},
	{
		Title: "ask the MCP server without a token", Stage: probe.StageChallenge,
		Makes: evidence{probe.Connection, probe.Unauthenticated}, Do: askWithoutToken,
	},
	{
		Title: "find the resource metadata", Stage: probe.StageResourceMetadata,
		Makes: evidence{probe.ResourceMetadata}, Needs: evidence{probe.Unauthenticated}, Do: findResource,
	},
	{
		Title: "find the authorization server's metadata", Stage: probe.StageServerMetadata,
		Makes: evidence{probe.ServerMetadata}, Needs: evidence{probe.ResourceMetadata}, Do: findServer,
	},
	{
		Title: "fetch the authorization server's keys", Stage: probe.StageServerMetadata,
		Makes: evidence{probe.JWKS}, Needs: evidence{probe.ServerMetadata}, Do: fetchKeys, aside: true,
	},
}

var strangersProbes = []Step{
	{
		Title: "ask from a foreign origin", Stage: probe.StageChallenge, Makes: evidence{"probe:foreign-origin"},
		Do: foreignOrigin, aside: true,
	},
	{
		Title: "ask with a token of nonsense", Stage: probe.StageInitialize, Makes: evidence{"probe:garbage-token"},
		Needs: evidence{probe.Unauthenticated}, Do: garbageToken, aside: true,
	},
	{
		Title: "ask for a token as an unknown client", Stage: probe.StageToken, Makes: evidence{"probe:unknown-client"},
		Needs: evidence{probe.ServerMetadata}, Do: unknownClient, aside: true,
	},
}

var clientsSteps = []Step{
	{
		Title: "get a client id", Stage: probe.StageRegistration,
		Makes: evidence{probe.Registration}, Needs: evidence{probe.ServerMetadata}, Do: register,
	},
	{
		Title: "bring the authorization request before the user", Stage: probe.StageAuthorization,
		Makes: evidence{probe.Authorization, probe.Login, probe.Callback}, Needs: evidence{probe.Registration, probe.ServerMetadata}, Do: authorize,
	},
	{
		Title: "get a token", Stage: probe.StageToken, Makes: evidence{probe.TokenRequest, probe.AccessToken},
		Needs: evidence{probe.Callback, probe.ServerMetadata}, Do: redeem,
	},
}

var clientsProbes = []Step{
	{
		Title: "ask for a code at a foreign redirect URI", Stage: probe.StageAuthorization, Makes: evidence{"probe:bad-redirect"},
		Needs: evidence{probe.Registration}, Do: badRedirect, aside: true,
	},
	{
		Title: "ask for a code without PKCE", Stage: probe.StageAuthorization, Makes: evidence{"probe:no-pkce"},
		Needs: evidence{probe.Registration}, Do: noPKCE, aside: true,
	},
	{
		Title: "renew with a refresh token of nonsense", Stage: probe.StageToken, Makes: evidence{"probe:dead-refresh"},
		Needs: evidence{probe.Registration}, Do: deadRefresh, aside: true,
	},
}

var tokensSteps = []Step{
	{
		Title: "verify the token's signature", Stage: probe.StageToken, Makes: evidence{"fact:token-signature"},
		Needs: evidence{probe.AccessToken, probe.JWKS}, Do: verifySignature, aside: true,
	},
	{
		Title: "open the protocol", Stage: probe.StageInitialize, Makes: evidence{probe.Initialize, probe.Authenticated},
		Needs: evidence{probe.AccessToken}, Do: initialize,
	},
	{
		Title: "list the tools", Stage: probe.StageTools, Makes: evidence{probe.ToolsList}, Needs: evidence{probe.Initialize}, Do: listTools,
	},
	{
		Title: "call a tool", Stage: probe.StageTools, Makes: evidence{probe.ToolCall}, Needs: evidence{probe.ToolsList}, Do: callTool,
	},
	{
		Title: "renew the token", Stage: probe.StageSession, Makes: evidence{probe.Refresh}, Needs: evidence{probe.AccessToken}, Do: renew,
	},
	{Title: "go on with the new token", Stage: probe.StageSession, Do: goOn},
}

var streamStep = Step{
	Title: "open the server's stream", Stage: probe.StageSession, Makes: evidence{probe.Stream}, Needs: evidence{probe.Initialize},
	Do: stream, aside: true,
}

// tokensProbe may renew the token, so it comes after the client has.
var tokensProbe = Step{
	Title: "ask with a token for another resource", Stage: probe.StageInitialize, Makes: evidence{"probe:wrong-audience"},
	Needs: evidence{probe.AccessToken}, Do: wrongAudience, aside: true, after: probe.Refresh,
}

// waitsFor returns the steps that must be over before step i begins: those that make what it needs, and on the happy path
// the one before.
func waitsFor(all []Step, i int) []int {
	s := all[i]
	var before []int
	last := -1
	for j, other := range all[:i] {
		if !other.aside {
			last = j
		}
		if s.last || slices.ContainsFunc(other.Makes, func(ev probe.Evidence) bool { return ev == s.after || slices.Contains(s.Needs, ev) }) {
			before = append(before, j)
		}
	}
	if !s.aside && last >= 0 {
		before = append(before, last)
	}
	return before
}

// asideAtOnce is how many steps may be under way beside the happy path: more would slow it down, and look like an attack.
const asideAtOnce = 8

// walk does the steps, and returns when all are over. After the context's end none is begun.
func (e *Emulator) walk(ctx context.Context, all []Step) {
	over := make([]chan struct{}, len(all))
	beside := make(chan struct{}, asideAtOnce)
	for i := range over {
		over[i] = make(chan struct{})
	}
	var walking sync.WaitGroup
	for i, s := range all {
		walking.Go(func() {
			defer close(over[i])
			for _, j := range waitsFor(all, i) {
				<-over[j]
			}
			if s.aside {
				beside <- struct{}{}
				defer func() { <-beside }()
			}
			if ctx.Err() == nil {
				e.do(ctx, s)
			}
		})
	}
	walking.Wait()
}

func (e *Emulator) do(ctx context.Context, s Step) {
	if !s.aside {
		e.begin(s.Stage)
	}
	err := s.Do(ctx, e)
	if err == nil || s.aside || e.stopped || e.opt.untried() != "" {
		return
	}
	e.stopped = true // what rests on it is not done either
	e.say("Not done: %s: %s.", s.Title, err)
}

// begin begins the stages up to one, in order.
func (e *Emulator) begin(stage probe.Stage) {
	for _, next := range probe.Stages[e.begun:] {
		if slices.Index(probe.Stages, next) > slices.Index(probe.Stages, stage) {
			return
		}
		e.session.Begin(next)
		e.begun++
	}
}
