package browser

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// Own leaves the login to the user's own browser. The response comes to a loopback redirect URI (RFC 8252 section 7.3), or
// the user brings it: the address at which the browser ends up on a hosted client's callback.
type Own struct {
	// Open opens the user's browser; nil leaves it to the user. OpenSystem is one.
	Open func(url string) error
	// Paste asks for the address on a hosted client's callback; nil allows loopback redirect URIs alone.
	Paste func(context.Context) (string, error)
	// Told is talk for the user; nil for none.
	Told io.Writer

	telling   sync.Mutex
	mu        sync.Mutex
	redirect  string
	listeners []net.Listener
	server    *http.Server
	waiting   *callback
}

var _ SignIn = (*Own)(nil)

// Redirect listens at the first loopback redirect URI, or else takes the first one, to be pasted.
func (o *Own) Redirect(ctx context.Context, uris []string) (string, error) {
	if err := o.End(ctx); err != nil {
		return "", err
	}
	for _, uri := range uris {
		if u := loopback(uri); u != nil {
			return o.listen(ctx, uri, u)
		}
	}
	switch {
	case len(uris) == 0:
		return "", errors.New("choose a redirect URI: the profile has none")
	case o.Paste == nil:
		return "", fmt.Errorf("choose a redirect URI: %s is not on this machine, and nobody can paste the address that the browser comes to", uris[0])
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.redirect = uris[0]
	return uris[0], nil
}

// loopback returns a redirect URI at which this machine can listen, with port 0 where the port is to be chosen.
func loopback(uri string) *url.URL {
	u, err := url.Parse(withPort(uri, "0"))
	if err != nil || u.Scheme != "http" || !probe.Loopback(u.Hostname()) {
		return nil
	}
	return u
}

func (o *Own) listen(ctx context.Context, uri string, u *url.URL) (string, error) {
	port := u.Port()
	if port == "" {
		port = "80"
	}
	all, err := listenAt(ctx, u.Hostname(), port)
	if err != nil {
		return "", fmt.Errorf("listen at the redirect URI %s: %w", uri, err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.redirect, o.listeners = withPort(uri, portOf(all[0])), all
	o.server = serve(all, o.arrive)
	return o.redirect, nil
}

func (o *Own) arrive(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	c := o.waiting
	o.mu.Unlock()
	if c == nil {
		http.NotFound(w, r)
		return
	}
	c.ServeHTTP(w, r)
}

// Authorize sends the user's browser to the authorization server and waits until the response comes.
func (o *Own) Authorize(ctx context.Context, r Request) (*url.URL, error) {
	u, err := url.Parse(r.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil, fmt.Errorf("log in by browser: the authorization endpoint is no URL for a browser: %q", r.sieve(r.URL))
	}
	c := newCallback(r, o.tell)
	o.mu.Lock()
	if r.RedirectURI != o.redirect {
		o.mu.Unlock()
		return nil, fmt.Errorf("log in by browser: the redirect URI %s is not the one that was made ready", r.RedirectURI)
	}
	o.waiting = c
	listens := o.listeners != nil
	o.mu.Unlock()
	if r.Tap != nil {
		r.Tap.Handed(http.MethodGet, r.URL)
	}
	o.open(r.URL)
	if listens {
		return o.wait(ctx, c)
	}
	return o.pasted(ctx, c)
}

func (o *Own) open(address string) {
	told := "Open this address in your browser to log in:"
	if o.Open != nil {
		told = "Your browser opens at the login. If it does not, open this address:"
		if err := o.Open(address); err != nil {
			told = fmt.Sprintf("Your browser could not be opened (%s). Open this address to log in:", err)
		}
	}
	o.tell("%s\n\n%s\n\n", told, address)
}

func (o *Own) wait(ctx context.Context, c *callback) (*url.URL, error) {
	o.tell("Waiting for the answer at %s\n", c.r.RedirectURI)
	select {
	case got := <-c.got:
		return got, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the browser at %s: %w", c.r.RedirectURI, ctx.Err())
	}
}

func (o *Own) tell(format string, args ...any) {
	if o.Told == nil {
		return
	}
	o.telling.Lock()
	defer o.telling.Unlock()
	fmt.Fprintf(o.Told, format, args...)
}

const closeTimeout = 2 * time.Second

// End stops listening. The session in the user's browser is the user's.
func (o *Own) End(ctx context.Context) error {
	o.mu.Lock()
	server := o.server
	o.server, o.listeners, o.waiting, o.redirect = nil, nil, nil, ""
	o.mu.Unlock()
	if server == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		_ = server.Close() // a connection that does not end is cut
	}
	return nil
}
