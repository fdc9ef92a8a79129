package probe

import (
	"net/url"
	"slices"
	"strings"
)

// A Placing tells where each exchange of a trace belongs in a picture of it: with whom it is, and at which stage.
type Placing struct {
	trace   *Trace
	issuers []*url.URL
	stages  map[*Exchange]Stage
}

// stageOf says at which stage an exchange is told, by what it is evidence of; the first that holds.
var stageOf = []struct {
	evidence Evidence
	stage    Stage
}{
	{ToolsList, StageTools}, {ToolCall, StageTools}, {Initialize, StageInitialize},
	{Stream, StageSession}, {SessionEnd, StageSession},
	{Unauthenticated, StageChallenge}, {Preflight, StageChallenge},
	{ResourceMetadata, StageResourceMetadata},
	{ServerMetadata, StageServerMetadata}, {JWKS, StageServerMetadata},
	{Registration, StageRegistration},
	{Authorization, StageAuthorization}, {Login, StageAuthorization}, {Callback, StageAuthorization},
	{TokenRequest, StageToken}, {Refresh, StageToken}, {Introspection, StageToken}, {Revocation, StageSession},
	{Authenticated, StageInitialize},
}

// NewPlacing looks at a trace as it is now.
func NewPlacing(t *Trace) *Placing {
	p := &Placing{trace: t, stages: map[*Exchange]Stage{}}
	for _, o := range stageOf {
		for _, x := range t.Of(o.evidence) {
			if _, ok := p.stages[x]; !ok {
				p.stages[x] = o.stage
			}
		}
	}
	names := t.ResourceMetadata().Strings("authorization_servers")
	if d := t.ServerMetadata(); d != nil {
		names = append(slices.Clone(names), d.String("issuer"))
	}
	for _, name := range names {
		if u, err := url.Parse(name); err == nil && u.Host != "" {
			p.issuers = append(p.issuers, u)
		}
	}
	return p
}

// Stage is the stage of an exchange, false where it is evidence of nothing that has one.
func (p *Placing) Stage(x *Exchange) (Stage, bool) { s, ok := p.stages[x]; return s, ok }

// Party is whom an exchange was meant for. The target's own host is the MCP server's, but for what lies under the path of
// an issuer there; another host is the authorization server's, and the client's where the browser comes back to it.
func (p *Placing) Party(x *Exchange) Owner {
	u, target := x.URL(), hostport(p.trace.URL())
	switch {
	case hostport(u) == target:
		for _, issuer := range p.issuers {
			path := strings.TrimSuffix(issuer.Path, "/")
			under := strings.HasPrefix(u.Path, path+"/") || strings.HasPrefix(u.Path, "/.well-known/") && strings.HasSuffix(u.Path, path)
			if hostport(issuer) == target && path != "" && under {
				return OwnerAuthorizationServer
			}
		}
		return OwnerOrigin
	case p.trace.Is(x, Callback) && !p.trace.Is(x, Authorization) && !p.trace.Is(x, Login):
		return OwnerClient
	}
	return OwnerAuthorizationServer
}
