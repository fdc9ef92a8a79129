package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client/browser"
)

// originProbe asks the same behind the edge, where the server listens, and through the public name, one right after the other:
// where the answers differ it is the edge's doing.
var originProbe = Step{
	Title: "ask where the server listens what is asked at its public name", Stage: probe.StageEdge, Makes: evidence{"probe:origin"},
	Needs: evidence{probe.Unauthenticated}, Do: askBehind, aside: true,
}

// originTokenProbe asks so with the token too, once the client has come as far as it comes.
var originTokenProbe = Step{
	Title: "ask so with the token", Stage: probe.StageEdge, Makes: evidence{"probe:origin-token"},
	Needs: evidence{probe.AccessToken}, Do: askBehindWithToken, aside: true, after: probe.ToolsList,
}

// checkOrigin holds the address to one that may be shown a token.
func (o *Options) checkOrigin(target *url.URL) error {
	if o.Origin == "" {
		return nil
	}
	u := absolute(o.Origin)
	switch {
	case u == nil || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || !portFits(u):
		return errors.New("the origin is no http or https URL of host and port alone, like http://127.0.0.1:8080")
	case origin(u) == origin(target):
		return fmt.Errorf("the origin %s is what the MCP server's URL names: there is nothing to compare", o.Origin)
	case u.Scheme == "http" && !near(u.Hostname()):
		return fmt.Errorf("the origin %s is not on this machine or in this network: a token would be sent there without TLS", o.Origin)
	}
	return nil
}

// near reports whether an address is this machine's or of a private network (RFC 1918, RFC 4193).
func near(host string) bool {
	ip := net.ParseIP(host)
	return probe.Loopback(host) || ip != nil && ip.IsPrivate()
}

// compares reports whether the answers of edge and origin are compared: of handshakes that are made together, by one.
func (e *Emulator) compares() bool { return e.opt.Probes && e.opt.Origin != "" && e.askedAs == "" }

// An aimed way leads to the origin, whatever the URL: the request says of itself what an edge in front would say.
type aimed struct {
	at, public *url.URL
	below      http.RoundTripper
}

func (a *aimed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host = r.URL.Host
	r.URL.Scheme, r.URL.Host = a.at.Scheme, a.at.Host
	r.Header.Set("X-Forwarded-Proto", a.public.Scheme)
	r.Header.Set("X-Forwarded-Host", a.public.Host)
	return a.below.RoundTrip(r)
}

// behind returns the way to the origin: direct, as no proxy and no name of the emulator's network leads there.
func (e *Emulator) behind() http.RoundTripper {
	t := newTransport(nil, newReach(new(net.Dialer).DialContext).DialContext)
	t.Proxy, t.TLSClientConfig, t.DisableKeepAlives = nil, &tls.Config{ServerName: e.target.Hostname()}, true
	return &aimed{absolute(e.opt.Origin), e.target, e.tap.Transport(t)}
}

// An asking makes a request anew for each side.
type asking func() (*http.Request, error)

func askBehind(ctx context.Context, e *Emulator) error {
	ctx = probe.WithProbe(ctx, "origin")
	to, asked := e.behind(), e.strangersAskings()
	for i, ask := range asked {
		first, err := e.glance(ctx, to, ask, streamPause)
		if err != nil && i == 0 {
			e.say("%s is not reached: %s", e.opt.Origin, err)
			e.excuse(probe.OfProbe("origin"), "nobody answers at "+e.opt.Origin)
			return nil
		}
		seen, _ := e.glance(ctx, e.aside, ask, streamPause) // how it fails is in the trace
		e.forget(ctx, to, first)
		e.forget(ctx, e.aside, seen)
	}
	return nil
}

// strangersAskings are the requests of a discovery, without a token.
func (e *Emulator) strangersAskings() []asking {
	var all []asking
	if open := e.opt.Profile.Protocol.Open; len(open) > 0 {
		all = append(all, e.opens(open[0], ""))
	}
	all = append(all, e.listens(&talk{}, ""), func() (*http.Request, error) {
		r, err := request(http.MethodOptions, e.opt.Target, nil)
		if err == nil {
			page := e.opt.Profile.Headers.PageOrigin
			if page == "" {
				page = e.origin()
			}
			e.mark(r, &talk{}, "", e.opt.Profile.Headers.MCPUserAgent) // a rule on names must not be taken for one on the method
			r.Header.Set("Origin", page)
			r.Header.Set("Access-Control-Request-Method", http.MethodPost)
			r.Header.Set("Access-Control-Request-Headers", "authorization, content-type, mcp-protocol-version")
		}
		return r, err
	})
	resource := probe.ResourceMetadataURLs(e.opt.Target)
	mirror := probe.ServerMetadataURLs(e.origin())
	places := []string{resource["path"], resource["root"], mirror["oauth"]}
	for _, at := range slices.Compact(places) {
		all = append(all, func() (*http.Request, error) {
			r, err := request(http.MethodGet, at, nil)
			if err == nil {
				e.oauth(r)
			}
			return r, err
		})
	}
	return all
}

func (e *Emulator) opens(o probe.ProtocolOpening, token string) asking {
	return func() (*http.Request, error) {
		t := &talk{}
		params, err := e.opening(t, o)
		if err != nil {
			return nil, err
		}
		return e.rpc(t, token, o.Method, params, e.opt.Profile.Headers.MCPUserAgent)
	}
}

func (e *Emulator) listens(t *talk, token string) asking {
	return func() (*http.Request, error) {
		r, err := request(http.MethodGet, e.opt.Target, nil)
		if err == nil {
			r.Header.Set("Accept", "text/event-stream")
			e.mark(r, t, token, e.opt.Profile.Headers.MCPUserAgent)
		}
		return r, err
	}
}

// A glimpse is what an answer began with: its header, and whether a first event came.
type glimpse struct {
	header http.Header
	event  bool
}

// glance asks, reads what comes, of a stream what it begins with within the pause, and closes.
func (e *Emulator) glance(ctx context.Context, via http.RoundTripper, ask asking, pause time.Duration) (glimpse, error) {
	r, err := ask()
	if err != nil {
		return glimpse{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, streamLimit)
	defer cancel()
	resp, err := via.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return glimpse{}, err
	}
	g := glimpse{header: resp.Header}
	e.tap.Hide(resp.Header.Get("Mcp-Session-Id"))
	if !isStream(resp.Header) {
		_, _ = read(resp.Body) // the tap has copied it
		resp.Body.Close()
		return g, nil
	}
	g.event = begins(ctx, resp, pause)
	return g, nil
}

// begins waits for the first event of a stream, closes it, and says whether one came.
func begins(ctx context.Context, resp *http.Response, pause time.Duration) bool {
	came := make(chan bool, 1)
	go func() {
		event := false
		events(resp.Body, func([]byte) bool { event = true; return false })
		came <- event
	}()
	defer resp.Body.Close()
	select {
	case event := <-came:
		return event
	case <-time.After(pause):
	case <-ctx.Done():
	}
	return false
}

// forget ends the session that was handed out to a stranger.
func (e *Emulator) forget(ctx context.Context, via http.RoundTripper, g glimpse) {
	if id := g.header.Get("Mcp-Session-Id"); id != "" {
		e.endTalk(probe.WithProbe(context.WithoutCancel(ctx), browser.CleanUp), via, &talk{session: id}, "")
	}
}

// eventPause is how long an event is waited for through the edge that came at once behind it.
const eventPause = 3 * time.Second

// askBehindWithToken opens a conversation on each side, lists the tools and opens the server's stream. What the edge refuses is
// what the client may have failed at, so that the origin is asked first how to open it.
func askBehindWithToken(ctx context.Context, e *Emulator) error {
	token := e.wallet.newest().access
	if token == "" && !e.wallet.asked.open() {
		return errors.New("there is no access token")
	}
	ctx = probe.WithProbe(ctx, "origin-token")
	openings, pause := e.opt.Profile.Protocol.Open, streamPause
	for _, via := range []http.RoundTripper{e.behind(), e.aside} {
		t, tried := e.converse(ctx, via, token, openings)
		openings = openings[:tried]
		if t == nil {
			continue
		}
		_, _ = e.glance(ctx, via, func() (*http.Request, error) {
			return e.rpc(t, token, "tools/list", nil, e.opt.Profile.Headers.MCPUserAgent)
		}, eventPause)
		if !t.modern {
			if g, _ := e.glance(ctx, via, e.listens(t, token), pause); g.event {
				pause = eventPause
			}
		}
		if t.session != "" {
			e.endTalk(probe.WithProbe(context.WithoutCancel(ctx), browser.CleanUp), via, t, token)
		}
	}
	return nil
}

// converse opens a conversation as a profile does, and tells how many ways were tried; nil where none opened one.
func (e *Emulator) converse(ctx context.Context, via http.RoundTripper, token string, openings []probe.ProtocolOpening) (*talk, int) {
	for i, opening := range openings {
		t := &talk{token: token}
		params, err := e.opening(t, opening)
		if err != nil {
			return nil, i
		}
		a, err := e.callBehind(ctx, via, t, opening.Method, params)
		switch {
		case err != nil:
			return nil, i
		case a.ok() && a.result != nil && t.agree(opening, a):
			e.tap.Hide(t.session)
			if !t.modern {
				_, _ = e.callBehind(ctx, via, t, "notifications/initialized", nil) // what comes of it is in the trace
			}
			return t, i + 1
		case !a.unknown():
			return nil, i + 1
		}
	}
	return nil, len(openings)
}

func (e *Emulator) callBehind(ctx context.Context, via http.RoundTripper, t *talk, method string, params map[string]any) (*reply, error) {
	r, err := e.rpc(t, t.token, method, params, e.opt.Profile.Headers.MCPUserAgent)
	if err != nil {
		return nil, err
	}
	return exchange(ctx, via, streamLimit, r), nil
}
