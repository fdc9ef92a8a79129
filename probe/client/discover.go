package client

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// findResource looks for the protected resource metadata in the profile's order of places (RFC 9728).
func findResource(ctx context.Context, e *Emulator) error {
	if err := e.asksForToken(); err != nil {
		return err
	}
	for _, u := range e.resourceURLs() {
		e.look(ctx, u)
		doc := e.seek(ctx, u).document()
		if doc == nil || doc.String("resource") == "" || len(doc.Strings("authorization_servers")) == 0 {
			continue
		}
		if got := doc.String("resource"); !e.ours(got) {
			e.say("The resource metadata are for %s, not for %s: %s stops here.", got, e.opt.Target, e.opt.Profile.Title)
			e.wallet.foreign = true
			return nil
		}
		e.wallet.resource = doc
		return nil
	}
	return nil
}

// seek asks for a document, and remembers where it was asked for.
func (e *Emulator) seek(ctx context.Context, at string) *answer {
	e.wallet.sought = append(e.wallet.sought, at)
	return e.discover(ctx, at)
}

// is reports whether the answer's status is the one named, or of the class named (RFC 9110 section 15): 503, 5xx.
func (a *answer) is(status string) bool {
	return status == fmt.Sprint(a.status) || status == fmt.Sprintf("%dxx", a.status/100)
}

// asksForToken tells why a client would not look for an authorization server.
func (e *Emulator) asksForToken() error {
	asked := &e.wallet.asked
	switch {
	case asked.open():
		return errors.New("the server answers without a token")
	case e.opt.Profile.Discovery.AsksEndpointFirst && asked.status != 401:
		return fmt.Errorf("the server does not ask for a token (%s)", asked)
	}
	return nil
}

func (e *Emulator) resourceURLs() []string {
	places := probe.ResourceMetadataURLs(e.opt.Target)
	var all []string
	for _, place := range e.opt.Profile.Discovery.ResourceMetadata {
		u := places[place]
		if c := e.wallet.asked.challenge; place == "header" && c != nil && absolute(c.ResourceMetadata) != nil {
			u = c.ResourceMetadata
		}
		if u != "" && !slices.Contains(all, u) {
			all = append(all, u)
		}
	}
	return all
}

// ours reports whether the profile takes a resource for the target.
func (e *Emulator) ours(resource string) bool {
	switch e.opt.Profile.Discovery.ResourceRule {
	case "exact":
		return resource == e.opt.Target
	case "prefix":
		u := absolute(resource)
		return u != nil && origin(u) == origin(e.target) && strings.HasPrefix(slashed(e.target.Path), slashed(u.Path))
	}
	return true
}

// findServer looks for the authorization server's metadata in the profile's order of well-known forms (RFC 8414, OpenID
// Connect Discovery). Where none can be used the profile's fallback says where the endpoints are guessed to be.
func findServer(ctx context.Context, e *Emulator) error {
	if err := e.asksForToken(); err != nil {
		return err
	}
	if e.wallet.foreign {
		return errors.New("the resource metadata are not the target's")
	}
	d := e.opt.Profile.Discovery
	for _, u := range e.serverURLs() {
		e.look(ctx, u.url)
		a := e.seek(ctx, u.url)
		if slices.ContainsFunc(d.StopsAt, a.is) {
			e.say("%s is answered with %s: %s asks for no other document.", u.url, a, e.opt.Profile.Title)
			break
		}
		doc := a.document()
		if doc == nil || !e.usable(doc, u.issuer) {
			continue
		}
		if d.RequiresS256 && !slices.Contains(doc.Strings("code_challenge_methods_supported"), "S256") {
			e.say("%s does not list S256: %s stops here.", u.url, e.opt.Profile.Title)
			return nil
		}
		e.learn(ctx, doc, u.issuer)
		return nil
	}
	if d.Fallback == "mcp-origin" && ctx.Err() == nil {
		e.guess()
	}
	return nil
}

// A wellKnown is a metadata URL and the issuer it was made of, "" where no issuer is known.
type wellKnown struct{ url, issuer string }

// serverURLs lists the metadata URLs to try. Where no resource metadata name a server, the first form on the MCP server's
// origin is what clients still try (MCP 2025-03-26, metadata discovery).
func (e *Emulator) serverURLs() []wellKnown {
	forms := e.opt.Profile.Discovery.ServerMetadata
	var all []wellKnown
	add := func(u, issuer string) {
		if u != "" && !slices.ContainsFunc(all, func(w wellKnown) bool { return w.url == u }) {
			all = append(all, wellKnown{u, issuer})
		}
	}
	if e.wallet.resource == nil {
		if len(forms) > 0 {
			add(probe.ServerMetadataURLs(e.origin())[forms[0]], "")
		}
		return all
	}
	servers := e.wallet.resource.Strings("authorization_servers")
	if e.opt.Profile.Discovery.FirstServerOnly {
		servers = servers[:1]
	}
	for _, issuer := range servers {
		places := probe.ServerMetadataURLs(issuer)
		for _, form := range forms {
			add(places[form], issuer)
		}
	}
	return all
}

// usable reports whether the client takes a document: it has what the profile requires, and is its issuer's own
// (RFC 8414 section 3.3). One that lacks a member is invalid to the client, as if it were not there.
func (e *Emulator) usable(doc *probe.Document, issuer string) bool {
	d := e.opt.Profile.Discovery
	for _, name := range d.Requires {
		if !doc.Says(name) {
			e.say("The metadata have no %s: %s takes them for invalid.", name, e.opt.Profile.Title)
			return false
		}
	}
	got := doc.String("issuer")
	switch {
	case issuer == "" || d.IssuerRule == "none" || d.IssuerRule == "":
		return true
	case d.IssuerRule == "slash":
		return strings.TrimSuffix(got, "/") == strings.TrimSuffix(issuer, "/")
	}
	return got == issuer
}

// learn takes the endpoints from metadata.
func (e *Emulator) learn(ctx context.Context, doc *probe.Document, issuer string) {
	w := &e.wallet
	w.server, w.issuer = doc, doc.String("issuer")
	if w.issuer == "" {
		w.issuer = issuer
	}
	w.endpoints = endpoints{
		authorization: doc.String("authorization_endpoint"), token: doc.String("token_endpoint"),
		registration: doc.String("registration_endpoint"), revocation: doc.String("revocation_endpoint"),
		endSession: doc.String("end_session_endpoint"), jwks: doc.String("jwks_uri"),
	}
	for _, u := range []string{w.endpoints.authorization, w.endpoints.token, w.endpoints.registration, w.endpoints.jwks} {
		e.look(ctx, u)
	}
}

// guess takes the endpoints of MCP 2025-03-26 on the MCP server's origin.
func (e *Emulator) guess() {
	at := e.origin()
	e.say("No metadata can be used: %s goes to %s/authorize, /token and /register.", e.opt.Profile.Title, at)
	e.wallet.endpoints = endpoints{authorization: at + "/authorize", token: at + "/token", registration: at + "/register"}
}

func (e *Emulator) origin() string { return e.target.Scheme + "://" + e.target.Host }

// resourceParam is what the profile sends as resource (RFC 8707; MCP: canonical server URI), "" for nothing.
func (e *Emulator) resourceParam() string {
	sent, named := e.opt.Profile.Discovery.ResourceSent, e.wallet.resource.String("resource")
	switch {
	case strings.HasPrefix(sent, "metadata") && named != "":
		return named
	case sent == "metadata-alone":
		return ""
	case sent == "metadata" || sent == "typed":
		return e.canonical()
	}
	s := e.canonical()
	if e.target.RawQuery == "" {
		s = strings.TrimSuffix(s, "/")
	}
	return s
}

// canonical is the target's URL with scheme and host in lower case, without a default port and a fragment.
func (e *Emulator) canonical() string {
	u := *e.target
	u.Scheme, u.Host, u.Fragment = strings.ToLower(u.Scheme), strings.ToLower(u.Host), ""
	if port := u.Port(); port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		u.Host = strings.TrimSuffix(u.Host, ":"+port)
	}
	return u.String()
}

// absolute returns an absolute http or https URL, nil for anything else.
func absolute(raw string) *url.URL {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil
	}
	return u
}

// origin is a URL's scheme and host in a form that can be compared.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = defaultPort(u.Scheme)
	}
	return strings.ToLower(u.Scheme) + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

func defaultPort(scheme string) string {
	if strings.EqualFold(scheme, "http") {
		return "80"
	}
	return "443"
}

func slashed(path string) string { return strings.TrimSuffix(path, "/") + "/" }
