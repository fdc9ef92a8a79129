// Package cloudflare is how a server is exposed through Cloudflare: tunnel, ingress rules and DNS record as plan.Resources, and
// what of a zone's products stands in a client's way.
package cloudflare

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cloudflare/cloudflare-go/v7/option"
	"github.com/cloudflare/cloudflare-go/v7/user"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// Options say where the API is and who calls it.
type Options struct {
	// BaseURL is the API's; empty is the public one.
	BaseURL string
	Token   plan.Secret
	// Transport reaches it; nil is one that honours HTTPS_PROXY.
	Transport http.RoundTripper
	// Now is the clock; nil is time.Now. Patience is how long one attempt of a call may take; 0 is 30 s.
	Now      func() time.Time
	Patience time.Duration
}

// PublicAPI is where Cloudflare's own is.
const PublicAPI = "https://api.cloudflare.com/client/v4"

// An API calls Cloudflare. It is safe for concurrent use.
type API struct {
	o Options
	// account owns the token, where no user does.
	account string
}

// retries are made of a call that is answered 429 or 5xx, after the time that Retry-After says.
const retries = 3

// Open verifies the token, so that a wrong one is told before anything is planned.
func Open(ctx context.Context, o Options) (*API, error) {
	o.BaseURL = strings.TrimRight(cmp.Or(o.BaseURL, PublicAPI), "/")
	if err := sound(o.BaseURL); err != nil {
		return nil, fmt.Errorf("call Cloudflare's API: %w", err)
	}
	o.Patience = cmp.Or(o.Patience, 30*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	if o.Token == "" {
		return nil, errors.New("call Cloudflare's API: no token: give one in " + plan.EnvCloudflareToken)
	}
	a := &API{o: o}
	return a, a.verify(ctx)
}

// sound refuses an address at which the token would be heard on the way.
func sound(base string) error {
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Host == "":
		return fmt.Errorf("%q is no absolute URL", base)
	case u.Scheme == "https":
		return nil
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%q is not https: the token would be sent in the clear", base)
	}
	return nil
}

// options are those of every call: the SDK's services are made of them, as its client as a whole takes minutes to compile.
func (a *API) options() []option.RequestOption {
	return []option.RequestOption{
		option.WithBaseURL(a.o.BaseURL + "/"), option.WithAPIToken(a.o.Token.Reveal()), option.WithMaxRetries(retries),
		option.WithRequestTimeout(a.o.Patience), option.WithHTTPClient(&http.Client{Transport: a.o.Transport}),
		option.WithHeader("User-Agent", "mcpwiz"), option.WithMiddleware(once),
	}
}

// once has the SDK make no second attempt where that is in vain: somebody has made the thing already, or Cloudflare asks for a longer
// wait than the call may take, which is told then instead of sat out.
func once(r *http.Request, next option.MiddlewareNext) (*http.Response, error) {
	res, err := next(r)
	if err != nil {
		return res, err
	}
	until, limited := r.Context().Deadline()
	if res.StatusCode == http.StatusConflict || limited && retryAfter(res.Header) >= time.Until(until) {
		res.Header.Set("X-Should-Retry", "false")
	}
	return res, nil
}

// retryAfter is RFC 9110 10.2.3 in seconds, as Cloudflare sends it; 0 without one.
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.ParseUint(h.Get("Retry-After"), 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

func (a *API) now() time.Time { return a.o.Now() }

// An Error is what the API refused.
type Error struct {
	Call   string
	Status int
	// Code and Message are Cloudflare's own, of its first error.
	Code    int64
	Message string
	// Permission is the one that the call takes, as the dashboard names it, where the token seems to lack it.
	Permission string
	// Wait is how long Cloudflare asks to wait before the call is made again.
	Wait time.Duration
}

func (e *Error) Error() string {
	said := fmt.Sprintf("%s: Cloudflare answers %d", e.Call, e.Status)
	if e.Message != "" {
		said += fmt.Sprintf(" (%d: %s)", e.Code, e.Message)
	}
	if e.Permission != "" {
		said += ": the API token lacks the permission " + e.Permission
	}
	if e.Wait > 0 {
		said += fmt.Sprintf(": it asks to wait %s before the next call", e.Wait)
	}
	return said
}

// Conflict reports whether somebody else made the same thing in between.
func (e *Error) Conflict() bool { return e.Status == http.StatusConflict || e.Code == codeRecordExists }

// Codes of errors.
const (
	codeAuthentication = 10000
	codeUnauthorized   = 9109
	codeRecordExists   = 81053
)

// failed says what was attempted, and of a refusal for want of a permission which.
func (a *API) failed(call, permission string, err error) error {
	if err == nil {
		return nil
	}
	var refused *user.Error
	if !errors.As(err, &refused) {
		return fmt.Errorf("%s: %w", call, bare(err))
	}
	e := &Error{Call: call, Status: refused.StatusCode}
	if len(refused.Errors) > 0 {
		e.Code, e.Message = refused.Errors[0].Code, a.told(refused.Errors[0].Message)
	}
	if refused.Response != nil {
		e.Wait = retryAfter(refused.Response.Header)
	}
	if e.Status == http.StatusForbidden || e.Code == codeAuthentication || e.Code == codeUnauthorized {
		e.Permission = permission
	}
	return e
}

// told is what the API, or what stands before it, said: never the token, and nothing that drives a terminal.
func (a *API) told(message string) string {
	return clip(strings.ReplaceAll(message, a.o.Token.Reveal(), "(the token)"))
}

// bare takes the URL off an error: it is Cloudflare's, long, and says nothing to an operator.
func bare(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// statusOf is the status of a refusal, 0 of anything else.
func statusOf(err error) int {
	var refused *user.Error
	var e *Error
	switch {
	case errors.As(err, &refused):
		return refused.StatusCode
	case errors.As(err, &e):
		return e.Status
	}
	return 0
}
