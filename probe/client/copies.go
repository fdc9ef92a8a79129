package client

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"golang.org/x/oauth2"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client/browser"
)

// documentProbes look at what this client has no need of and others may: they come late, beside the happy path.
var documentProbes = []Step{
	{
		Title: "ask for the other copies of the metadata", Stage: probe.StageServerMetadata, Makes: evidence{"probe:copy"},
		Needs: evidence{probe.ServerMetadata}, Do: otherCopies, aside: true,
	},
	{
		Title: "look for the MCP server at other paths", Stage: probe.StageChallenge, Makes: evidence{"probe:other-path"},
		Needs: evidence{probe.Unauthenticated}, Do: otherPaths, aside: true,
	},
	{
		Title: "look at the authorization page as an unknown client", Stage: probe.StageServerMetadata, Makes: evidence{"probe:authorization-page"},
		Needs: evidence{probe.ServerMetadata}, Do: strangersPage, aside: true,
	},
}

// redirectsProbe looks whether a client registered beforehand may use all callbacks of its kind. One that registers by itself
// registers the one that it uses.
var redirectsProbe = Step{
	Title: "ask for a code at the client's other redirect URIs", Stage: probe.StageAuthorization, Makes: evidence{"probe:other-redirect"},
	Needs: evidence{probe.Registration}, Do: otherRedirects, aside: true,
}

// otherRedirects asks for the login page at each redirect URI that the client may come with another time.
func otherRedirects(ctx context.Context, e *Emulator) error {
	if e.opt.ClientID == "" {
		return errors.New("the client registers the redirect URI that it uses")
	}
	if err := e.asksAsClient(e.wallet.endpoints.authorization); err != nil {
		return err
	}
	a := e.opt.Profile.Authorize
	var all sync.WaitGroup
	for _, form := range slices.Concat(a.RedirectURIs, a.Registered) {
		if strings.Contains(form, "{port}") || form == e.wallet.redirect {
			continue // the one in use, at another port
		}
		all.Go(func() {
			target := e.authorizationURL(random(43), oauth2.S256ChallengeFromVerifier(random(43)), form)
			e.showPage(probe.WithProbe(ctx, "other-redirect"), e.aside, target)
		})
	}
	all.Wait()
	return nil
}

// otherCopies asks every well-known URL that was not asked yet: clients read different ones.
func otherCopies(ctx context.Context, e *Emulator) error {
	var all sync.WaitGroup
	for _, u := range e.unsought() {
		all.Go(func() { e.get(probe.WithProbe(ctx, "copy"), e.aside, u) })
	}
	all.Wait()
	return nil
}

// unsought lists the places of both documents where a client may look and this one did not. Where there is none that it
// can use, also those where documents are put by mistake.
func (e *Emulator) unsought() []string {
	var all []string
	add := func(u string) {
		if absolute(u) != nil && !slices.Contains(all, u) && !slices.Contains(e.wallet.sought, u) {
			all = append(all, u)
		}
	}
	places := probe.ResourceMetadataURLs(e.opt.Target)
	if c := e.wallet.asked.challenge; c != nil {
		add(c.ResourceMetadata)
	}
	add(places["path"])
	add(places["root"])
	if e.wallet.resource == nil {
		add(strings.TrimSuffix(e.opt.Target, "/") + "/.well-known/oauth-protected-resource")
	}
	if servers := e.wallet.resource.Strings("authorization_servers"); len(servers) > 0 {
		for _, form := range []string{"oauth", "oidc-inserted", "oidc-appended"} {
			add(probe.ServerMetadataURLs(servers[0])[form])
		}
		if e.wallet.server == nil {
			add(strings.TrimSuffix(servers[0], "/") + "/.well-known/oauth-authorization-server")
		}
	}
	add(probe.ServerMetadataURLs(e.origin())["oauth"])
	return all
}

// otherPaths asks where the endpoint might be meant, when nobody takes a message at the URL that was typed.
func otherPaths(ctx context.Context, e *Emulator) error {
	asked := &e.wallet.asked
	switch asked.status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusOK:
	default:
		return errors.New("the URL is taken")
	}
	if asked.open() {
		return errors.New("the server answers")
	}
	var all sync.WaitGroup
	for _, u := range e.neighbours() {
		all.Go(func() { e.knock(ctx, u) })
	}
	all.Wait()
	return nil
}

// neighbours are the paths that servers and their libraries use, and the slip of a slash.
func (e *Emulator) neighbours() []*url.URL {
	path := strings.TrimSuffix(e.target.Path, "/")
	var all []*url.URL
	for _, other := range []string{path + "/mcp", path + "/", path, "/mcp", "/sse"} {
		u := *e.target
		u.Path, u.RawPath = other, ""
		if strings.TrimSuffix(other, "/") == "" && path == "" || other == e.target.Path {
			continue
		}
		if !slices.ContainsFunc(all, func(v *url.URL) bool { return v.Path == other }) {
			all = append(all, &u)
		}
	}
	return all
}

// knock makes the profile's first request at another URL, and ends the session that it may be given.
func (e *Emulator) knock(ctx context.Context, at *url.URL) {
	t := &talk{}
	if len(e.opt.Profile.Protocol.Open) == 0 {
		return
	}
	opening := e.opt.Profile.Protocol.Open[0]
	params, err := e.opening(t, opening)
	if err != nil {
		return
	}
	r, err := e.rpc(t, "", opening.Method, params, e.opt.Profile.Headers.MCPUserAgent)
	if err != nil {
		return
	}
	r.URL, r.Host = at, ""
	a := exchange(probe.WithProbe(ctx, "other-path"), e.aside, mcpLimit, r)
	id := a.header.Get("Mcp-Session-Id")
	if id == "" {
		return
	}
	e.tap.Hide(id)
	if r, err := request(http.MethodDelete, at.String(), nil); err == nil {
		r.Header.Set("Mcp-Session-Id", id)
		send(probe.WithProbe(ctx, browser.CleanUp), e.aside, endLimit, r)
	}
}

// strangersPage asks for the authorization page as a client that does not exist: what comes is an error page, or that of
// the login, and tells that something is there.
func strangersPage(ctx context.Context, e *Emulator) error {
	switch {
	case e.opt.machine():
		return errors.New("the client opens no browser")
	case e.opt.known():
		return errors.New("the client's own request will tell")
	}
	at := e.wallet.endpoints.authorization
	if err := e.named(at); err != nil {
		return err
	}
	q := url.Values{
		"response_type": {"code"}, "client_id": {"mcpwiz-unknown-" + random(12)}, "redirect_uri": {nowhere + "/callback"}, "state": {random(43)},
		"code_challenge": {random(43)}, "code_challenge_method": {"S256"},
	}
	separator := "?"
	if strings.Contains(at, "?") {
		separator = "&"
	}
	e.showPage(probe.WithProbe(ctx, "authorization-page"), e.aside, at+separator+q.Encode())
	return nil
}
