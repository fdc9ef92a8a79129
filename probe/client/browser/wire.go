package browser

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

const (
	// userAgent is what Firefox says, without the operating system's details.
	userAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	accept    = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

	stepTimeout = 30 * time.Second
	maxPage     = 1 << 20
)

// A wire sends what a browser sends for a navigation, with its cookies.
type wire struct {
	transport http.RoundTripper
	jar       http.CookieJar
	agent     string
	sieve     func(string) string
}

func (h *Headless) wire(r Request) wire {
	agent := h.UserAgent
	if agent == "" {
		agent = userAgent
	}
	return wire{r.Transport, h.jar, agent, r.sieve}
}

// A step is one navigation: a GET, or a form that is sent from a page.
type step struct {
	to   *url.URL
	form url.Values
	from *page
}

func (s step) method() string {
	if s.form == nil {
		return http.MethodGet
	}
	return http.MethodPost
}

// visit asks for a page. The second value is where the answer redirects to, nil when it does not.
func (w wire) visit(ctx context.Context, s step) (*page, *url.URL, error) {
	if s.form != nil {
		through, cancel := Through(ctx)
		defer cancel()
		ctx = through
	}
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	req, err := w.request(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	resp, err := w.transport.RoundTrip(req)
	if err != nil {
		return nil, nil, w.failed(s, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
	if err != nil {
		return nil, nil, w.failed(s, err)
	}
	w.jar.SetCookies(s.to, resp.Cookies())
	p := parsePage(s.to, resp.StatusCode, body)
	p.referrer, p.refreshing, p.sieve = resp.Header.Get("Referrer-Policy"), resp.Header.Get("Refresh"), w.sieve
	if resp.StatusCode < 300 || resp.StatusCode > 399 || resp.Header.Get("Location") == "" {
		return p, nil, nil
	}
	to, err := s.to.Parse(resp.Header.Get("Location"))
	if err != nil {
		return nil, nil, p.stop(Refused, "", "%d to a Location that is no URL", resp.StatusCode)
	}
	p.redirects = true
	return p, to, nil
}

// failed tells of an error below HTTP without the query, which bears codes.
func (w wire) failed(s step, err error) error {
	return fmt.Errorf("%s %s%s: %s", s.method(), origin(s.to), s.to.EscapedPath(), w.sieve(err.Error()))
}

func (w wire) request(ctx context.Context, s step) (*http.Request, error) {
	var body io.Reader
	if s.form != nil {
		body = bytes.NewReader([]byte(s.form.Encode()))
	}
	req, err := http.NewRequestWithContext(ctx, s.method(), s.to.String(), body)
	if err != nil {
		return nil, fmt.Errorf("%s is no URL to go to", w.sieve(s.to.Redacted()))
	}
	h := req.Header
	h.Set("User-Agent", w.agent)
	h.Set("Accept", accept)
	h.Set("Accept-Language", "en")
	h.Set("Upgrade-Insecure-Requests", "1")
	h.Set("Sec-Fetch-Dest", "document")
	h.Set("Sec-Fetch-Mode", "navigate")
	h.Set("Sec-Fetch-User", "?1")
	h.Set("Sec-Fetch-Site", "none")
	if s.from != nil {
		h.Set("Sec-Fetch-Site", "same-origin")
	}
	if s.form != nil {
		h.Set("Content-Type", "application/x-www-form-urlencoded")
		h.Set("Origin", s.from.origin())
	}
	for _, c := range w.jar.Cookies(s.to) {
		req.AddCookie(c)
	}
	return req, nil
}

// origin is the Origin of a form sent from the page: a browser says null when the page lets no referrer out (Fetch,
// "append a request Origin header"), as Keycloak's pages do.
func (p *page) origin() string {
	if p.referrer == "no-referrer" {
		return "null"
	}
	return origin(p.url)
}
