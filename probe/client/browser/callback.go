package browser

import (
	"io"
	"net/http"
	"net/url"
)

// A callback takes the authorization response where it arrives, as a native client would: by GET, at the redirect URI's
// path, with the state that was sent. Anything else is answered and waited past.
type callback struct {
	r    Request
	own  *url.URL
	tell func(format string, args ...any)
	got  chan *url.URL
}

func newCallback(r Request, tell func(string, ...any)) *callback {
	own, err := url.Parse(r.RedirectURI)
	if err != nil {
		own = &url.URL{}
	}
	return &callback{r, own, tell, make(chan *url.URL, 1)}
}

// ServeHTTP tells the tap of what arrives at the path before it lets the login go on.
func (c *callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.EscapedPath() != path(c.own) {
		http.NotFound(w, r)
		return
	}
	var response *url.URL
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { response = c.take(w, r) })
	if c.r.Tap != nil {
		h = c.r.Tap.Handler(h)
	}
	h.ServeHTTP(w, r)
	if response == nil {
		return
	}
	select {
	case c.got <- response:
	default: // the first one counts
	}
}

// take returns the response if the request bears it, and shows the user a page.
func (c *callback) take(w http.ResponseWriter, r *http.Request) *url.URL {
	to := *c.own
	to.RawQuery = r.URL.RawQuery
	switch {
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		show(w, http.StatusMethodNotAllowed, "This address answers GET alone.")
		return nil
	case !c.r.isResponse(&to) || !answers(to.Query()):
		show(w, http.StatusBadRequest, "There is neither a code nor an error in this address.")
		return nil
	case !c.r.matches(&to):
		c.tell("An answer came whose state is not the one that was sent: it belongs to another login. Waiting for the right one.\n")
		show(w, http.StatusBadRequest, "This answer belongs to another login.")
		return nil
	case to.Query().Has("error"):
		show(w, http.StatusOK, "The login ended with an error. You can close this window.")
	default:
		show(w, http.StatusOK, "You can close this window.")
	}
	return &to
}

// matches reports whether a response bears the state that was sent (RFC 6749 section 10.12).
func (r Request) matches(to *url.URL) bool {
	return r.State == "" || to.Query().Get("state") == r.State
}

// show answers in plain text: nothing of what came is shown, and the address, which bears a code, goes nowhere.
func show(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}
