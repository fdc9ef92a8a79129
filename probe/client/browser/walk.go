package browser

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// maxSteps bounds a walk: Keycloak's longest (two pages for user and password, code, consent) takes about ten.
const maxSteps = 20

// A walk is one way through the pages, from an authorization request to its response.
type walk struct {
	*Headless
	wire
	r     Request
	start *url.URL
	// homes are the places whose pages it goes through: the authorization endpoint's and the issuer's.
	homes []string
	// sent are the fields that were filled in already.
	sent map[string]bool
}

func newWalk(h *Headless, r Request) (*walk, error) {
	start, err := url.Parse(r.URL)
	if err != nil || start.Host == "" {
		return nil, fmt.Errorf("the authorization endpoint is no URL: %q", r.sieve(r.URL))
	}
	w := &walk{Headless: h, wire: h.wire(r), r: r, start: start, homes: []string{home(start)}, sent: map[string]bool{}}
	if issuer, err := url.Parse(r.Issuer); err == nil && issuer.Host != "" {
		w.homes = append(w.homes, home(issuer))
	}
	return w, nil
}

// home is the part of the web that one authorization server has for itself: of a Keycloak a realm, else an origin.
func home(u *url.URL) string {
	before, after, ok := strings.Cut(path(u), "/realms/")
	if !ok {
		return origin(u) + "/"
	}
	realm, _, _ := strings.Cut(after, "/")
	return origin(u) + before + "/realms/" + realm + "/"
}

func (w *walk) athome(u *url.URL) bool {
	for _, home := range w.homes {
		if strings.HasPrefix(origin(u)+path(u)+"/", home) {
			return true
		}
	}
	return false
}

func (w *walk) run(ctx context.Context) (*url.URL, error) {
	next := step{to: w.start}
	for range maxSteps {
		p, to, err := w.visit(ctx, next)
		if err != nil {
			return nil, err
		}
		if to == nil {
			to = p.onward()
		}
		if to != nil && w.r.isResponse(to) {
			w.accepted()
			return w.response(p, next, to)
		}
		switch {
		case to == nil:
			next, err = w.page(ctx, p)
		default:
			next, err = w.redirect(p, next, to)
		}
		if err != nil {
			return nil, err
		}
		if next.form == nil && w.r.isResponse(next.to) { // a page's form brings it there
			w.accepted()
			return w.response(p, next, next.to)
		}
	}
	return nil, &Error{Why: Endless, Host: w.start.Host, what: fmt.Sprintf("no response after %d pages and redirects", maxSteps), Remedy: useBrowser}
}

// repeats reports whether a redirect has a browser send the form again (RFC 9110 section 15.4.8).
func (p *page) repeats(s step) bool {
	return s.form != nil && (p.status == http.StatusTemporaryRedirect || p.status == http.StatusPermanentRedirect)
}

// response takes the authorization response from the redirect to the client, if a callback would get it there.
func (w *walk) response(p *page, s step, to *url.URL) (*url.URL, error) {
	fragment, _ := url.ParseQuery(to.EscapedFragment())
	switch {
	case answers(to.Query()) && p.repeats(s):
		return nil, p.stop(Undelivered, "redirect with 302 or 303 after a form", "%d has the browser repeat the POST at the callback, which answers GET", p.status)
	case answers(to.Query()):
		w.arrives(p, to)
		return to, nil
	case answers(fragment):
		return nil, p.stop(Undelivered, "use response_mode=query", "the response is in the fragment of the redirect, which stays in the browser")
	}
	return nil, p.stop(Refused, "", "the redirect to the client bears neither code nor error")
}

// arrives tells of the response's arrival at the client where no redirect bears it: a page took it there.
func (w *walk) arrives(p *page, to *url.URL) {
	if !p.redirects && w.r.Tap != nil {
		w.r.Tap.Handed(http.MethodGet, to.String())
	}
}

func (w *walk) redirect(p *page, s step, to *url.URL) (step, error) {
	switch {
	case !w.athome(to) && answers(to.Query()):
		return step{}, p.stop(Refused, "", "the response goes to %s%s, which is not the redirect URI %s", origin(to), path(to), w.r.RedirectURI)
	case !w.athome(to):
		return step{}, elsewhere(w.start, to)
	case p.repeats(s):
		return step{}, p.stop(Undelivered, "name the pages by the URLs at which they are served", "%d has the browser send the form again to %s", p.status, origin(to))
	}
	// The password was right when its form leads on.
	if s.form != nil {
		w.accepted()
	}
	return step{to: to, from: p}, nil
}

// accepted is called when something shows that the password was right, if it was sent.
func (w *walk) accepted() {
	if w.sent["password"] {
		w.tried = false
		w.holds(w.r)
	}
}
