package keycloak

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// maxAnswer is far above the largest answer there is, serverinfo with 0.3 MB.
const maxAnswer = 16 << 20

// strictTransport makes an error of every answer that gocloak would take for success or tell without its text: a
// redirect (followed as GET, a PUT would seem done), a page of something in between, a refusal. It tells the error
// through the context as well, since gocloak keeps only its text. Reads are tried again when the server is busy, and every
// call whose transaction was rolled back.
type strictTransport struct {
	next  http.RoundTripper
	pause time.Duration
}

type outcomeKey struct{}

// outcome is where a call finds what went wrong on the wire.
type outcome struct{ err error }

func (t strictTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.answer(req)
	for try := 1; try < 3 && (req.Method == http.MethodGet && busy(err) || rolledBack(err)); try++ {
		select {
		case <-req.Context().Done():
			return nil, req.Context().Err()
		case <-time.After(t.pause << try):
		}
		again, ok := anew(req)
		if !ok {
			break
		}
		resp, err = t.answer(again)
	}
	if o, ok := req.Context().Value(outcomeKey{}).(*outcome); ok {
		o.err = err
	}
	return resp, err
}

func busy(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Status == http.StatusTooManyRequests || e.Status >= http.StatusBadGateway)
}

// rolledBack: where two writers meet in its database, Keycloak gives one of them up as a whole and says no more than this.
func rolledBack(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusInternalServerError && e.Code == "unknown_error"
}

// anew is a request that can be sent once more, its body from the beginning.
func anew(req *http.Request) (*http.Request, bool) {
	if req.Body == nil || req.Body == http.NoBody {
		return req, true
	}
	if req.GetBody == nil {
		return nil, false
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, false
	}
	again := req.Clone(req.Context())
	again.Body = body
	return again, true
}

func (t strictTransport) answer(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	resp.Body.Close()
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the answer: %w", err)
	case len(body) > maxAnswer:
		return nil, fmt.Errorf("the answer is larger than %d bytes: this is not Keycloak's Admin API", maxAnswer)
	}
	if refused := judge(resp, body); refused != nil {
		return nil, refused
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

const inFront = "something in front of Keycloak may have answered: give an admin_url that reaches Keycloak itself"

// redirected tells whether the same call would be answered elsewhere, or a sign-in page stands before Keycloak. A query is not told:
// such pages put tokens into it.
func redirected(resp *http.Response) (text, remedy string) {
	to, err := resp.Request.URL.Parse(resp.Header.Get("Location"))
	if err != nil || resp.Header.Get("Location") == "" {
		return "redirected, nobody knows where to", inFront
	}
	text = fmt.Sprintf("redirected to %.200q", (&url.URL{Scheme: to.Scheme, Host: to.Host, Path: to.Path}).String())
	if strings.HasSuffix(to.Path, resp.Request.URL.Path) {
		return text, "give the address that it leads to as admin_url"
	}
	return text, inFront
}

func judge(resp *http.Response, body []byte) error {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	e := &Error{Status: resp.StatusCode, method: resp.Request.Method, path: resp.Request.URL.Path}
	switch {
	case resp.StatusCode >= 400:
		e.Code, e.Text = errorText(body)
		if e.Code == "" && e.Text == "" && kind != "" && kind != "application/json" {
			e.Text = "a page of type " + kind
			e.Remedy = inFront
		}
	case resp.StatusCode >= 300:
		e.Text, e.Remedy = redirected(resp)
	case len(body) > 0 && kind != "application/json":
		e.Text = fmt.Sprintf("answered with %.80q instead of JSON", resp.Header.Get("Content-Type"))
		e.Remedy = inFront
	default:
		return nil
	}
	return e
}

// newTransport honours HTTPS_PROXY, and trusts what is in caFile besides the system's roots.
func newTransport(caFile string) (http.RoundTripper, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = http.ProxyFromEnvironment
	if caFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("read ca_file: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read ca_file: no PEM certificate in %s", caFile)
	}
	t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return t, nil
}

// watched returns a context in which the wire tells what went wrong.
func watched(ctx context.Context) (context.Context, *outcome) {
	o := new(outcome)
	return context.WithValue(ctx, outcomeKey{}, o), o
}
