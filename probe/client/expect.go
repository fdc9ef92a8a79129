package client

import "github.com/mcpwiz/mcpwiz/probe"

// Reasons why evidence is not to be expected; they name the flag to give.
const (
	noCredentials = "not tried without credentials: give --client-id and --login USER, or --login USER alone to register as the profile does; --register alone tries that much"
	noUser        = "not tried without a user: give --login USER"
	noClient      = "not tried without a client id: give --client-id, or let the client register as its profile does"
	noMachine     = "not tried without credentials: give --client-id and the client's secret or private key"
	given         = "--client-id was given: nothing to register"
	isMachine     = "the client takes tokens for itself: no user, no browser"
	isOpen        = "the server answers without a token: there is nothing to sign in to"
)

// byStage lists evidence by what it takes to bring it about.
var (
	ofStranger = []probe.Evidence{
		probe.Connection, probe.Unauthenticated, probe.ResourceMetadata, probe.ServerMetadata, probe.JWKS,
		probe.OfFact("dns"), probe.OfFact("certificate"),
	}
	ofStrangersProbes = []probe.Evidence{
		probe.OfProbe("foreign-origin"), probe.OfProbe("user-agent"), probe.OfProbe("garbage-token"), probe.OfProbe("forged-token"), probe.OfProbe("unknown-client"),
		probe.OfProbe("plain-http"),
	}
	ofClient        = []probe.Evidence{probe.Registration, probe.Authorization}
	ofClientsProbes = []probe.Evidence{probe.OfProbe("bad-redirect"), probe.OfProbe("no-pkce"), probe.OfProbe("dead-refresh")}
	ofUser          = []probe.Evidence{probe.Callback, probe.TokenRequest, probe.AccessToken, probe.OfFact("token-signature"), probe.Refresh}
	ofTokensProbes  = []probe.Evidence{
		probe.OfProbe("wrong-audience"), probe.OfProbe("user-agent-token"), probe.OfProbe("unknown-version"), probe.OfProbe("wire-variant"),
		probe.OfProbe("fresh-connection"),
	}
	ofUsersProbes = []probe.Evidence{probe.OfProbe("refresh-retry")}
	ofToken       = []probe.Evidence{probe.Authenticated, probe.Initialize, probe.ToolsList, probe.ToolCall}
)

// expected returns the evidence that must come, as the options allow it.
func (e *Emulator) expected() []probe.Evidence {
	o := &e.opt
	all := append([]probe.Evidence{}, ofStranger...)
	if o.Probes && e.askedAs == "" {
		all = append(all, ofStrangersProbes...)
	}
	if e.compares() {
		all = append(all, probe.OfProbe("origin"))
	}
	if o.asksForPage() {
		all = append(all, probe.Preflight)
	}
	if o.known() {
		all = append(all, ofClient...)
		if o.Probes {
			all = append(all, ofClientsProbes...)
		}
	}
	if o.stranger() {
		return all
	}
	all = append(append(all, ofUser...), ofToken...)
	if o.streams() {
		all = append(all, probe.Stream)
	}
	if o.Probes {
		all = append(append(all, ofTokensProbes...), ofUsersProbes...)
	}
	return all
}

// excuseUpfront says what the options do not allow, and what would.
func (e *Emulator) excuseUpfront() {
	o := &e.opt
	if !o.Probes {
		e.excuseAll("asked by mcpwiz doctor only: no client would", ofStrangersProbes, ofClientsProbes, ofTokensProbes, ofUsersProbes)
	}
	if e.askedAs != "" {
		for _, s := range asNobody() {
			e.excuseAll("asked once for all clients: as "+e.askedAs, s.Makes)
		}
	}
	switch {
	case o.machine():
		e.excuseAll(isMachine, ofClient, []probe.Evidence{probe.Login, probe.Callback}, ofClientsProbes, ofUsersProbes)
		e.excuse(probe.Refresh, "client_credentials brings no refresh token: the client asks for a new one")
	case o.ClientID != "":
		e.excuse(probe.Registration, given)
	}
	if reason := o.untried(); reason != "" {
		e.excuseUser(reason)
	}
	if !o.streams() {
		e.excuse(probe.Stream, "this client opens no GET stream")
	}
	if o.Profile.Headers.PageOrigin == "" {
		e.excuse(probe.Preflight, "this client runs in no web page")
	}
	if !o.Profile.Protocol.Delete {
		e.excuse(probe.SessionEnd, "this client does not end its session")
	}
}

// excuseUser says why no user signs in, or no client can.
func (e *Emulator) excuseUser(reason string) {
	e.excuseAll(reason, ofToken, []probe.Evidence{probe.TokenRequest, probe.AccessToken, probe.OfFact("token-signature")})
	if e.opt.streams() {
		e.excuse(probe.Stream, reason)
	}
	if e.opt.Profile.Protocol.Delete {
		e.excuse(probe.SessionEnd, reason)
	}
	if e.opt.Probes {
		e.excuseAll(reason, ofTokensProbes)
	}
	if e.opt.machine() {
		return
	}
	e.excuseAll(reason, []probe.Evidence{probe.Login, probe.Callback, probe.Refresh}, ofUsersProbes)
	if !e.opt.known() {
		e.excuseAll(reason, ofClient)
		if e.opt.Probes {
			e.excuseAll(reason, ofClientsProbes)
		}
	}
}

// untried says why the handshake ends before a token, "" when it need not.
func (o *Options) untried() string {
	switch {
	case !o.stranger():
		return ""
	case o.machine():
		return noMachine
	case o.SignIn == nil && !o.known():
		return noCredentials
	case o.SignIn == nil:
		return noUser
	}
	return noClient
}

// excuseOpen says what an open server has no need of.
func (e *Emulator) excuseOpen() {
	e.excuseAll(isOpen, []probe.Evidence{
		probe.ResourceMetadata, probe.ServerMetadata, probe.JWKS, probe.Login, probe.Authenticated,
		probe.OfProbe("garbage-token"), probe.OfProbe("forged-token"), probe.OfProbe("unknown-client"),
	}, ofClient, ofClientsProbes, ofUser, ofUsersProbes, []probe.Evidence{probe.OfProbe("wrong-audience"), probe.OfProbe("user-agent-token")})
}

func (e *Emulator) excuseAll(reason string, groups ...[]probe.Evidence) {
	for _, group := range groups {
		for _, ev := range group {
			e.excuse(ev, reason)
		}
	}
}

func (e *Emulator) excuse(ev probe.Evidence, reason string) { e.session.Excuse(ev, reason) }
