package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// An Upstream is an MCP server that somebody else wrote, behind the guard: requests are passed on to it without the client's
// token, and what it answers comes back as it is, streams as they come. What breaks at it becomes a JSON-RPC error.
type Upstream struct {
	// URL is its Streamable HTTP endpoint.
	URL *url.URL
	// Transport reaches it; nil is one that is made for it.
	Transport http.RoundTripper
	// Own returns headers that are sent with each request, a token of the operator's among them; nil sends none.
	Own func() (http.Header, error)
	// User names the headers in which it is told who calls; what a client sends under these names is dropped.
	User   UserHeaders
	Logger *slog.Logger
	// Failed is told what breaks; nil: nobody is.
	Failed func(error)
}

// UserHeaders are names of headers; an empty one is not sent.
type UserHeaders struct{ Subject, Client, Scopes string }

func (u UserHeaders) names() []string { return []string{u.Subject, u.Client, u.Scopes} }

func (u UserHeaders) tell(h http.Header, t *Token) {
	for name, value := range map[string]string{u.Subject: t.Subject, u.Client: t.Client, u.Scopes: strings.Join(t.Scopes, " ")} {
		if name != "" && value != "" {
			h.Set(name, value)
		}
	}
}

// NewUpstreamTransport returns a transport for one upstream: it honours no proxy, follows no redirect by itself, leaves bodies
// as they are, and has no limit on how long an answer may take, since a tool takes what it takes.
func NewUpstreamTransport() *http.Transport {
	return &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout: 5 * time.Second,
		MaxIdleConns:        0,
		MaxIdleConnsPerHost: 1024,
		IdleConnTimeout:     30 * time.Second,
		DisableCompression:  true,
		WriteBufferSize:     8 << 10,
		ReadBufferSize:      8 << 10,
	}
}

// NewUpstream fills in what is left out.
func NewUpstream(u Upstream) *Upstream {
	if u.Transport == nil {
		u.Transport = NewUpstreamTransport()
	}
	if u.Logger == nil {
		u.Logger = slog.New(slog.DiscardHandler)
	}
	return &u
}

// ServeHTTP passes one request on.
func (u *Upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var message []byte
	if r.Method == http.MethodPost {
		var ok bool
		if message, ok = Message(w, r); !ok {
			return
		}
	}
	out, err := u.request(r, message)
	if err != nil {
		u.broken(w, r, message, http.StatusInternalServerError, err)
		return
	}
	resp, err := u.Transport.RoundTrip(out)
	switch {
	case r.Context().Err() != nil: // nobody waits any more
		if resp != nil {
			resp.Body.Close()
		}
		panic(http.ErrAbortHandler)
	case err != nil:
		u.broken(w, r, message, http.StatusBadGateway, unreached(err))
		return
	}
	defer resp.Body.Close()
	if err := unusable(resp); err != nil {
		u.broken(w, r, message, http.StatusBadGateway, err)
		return
	}
	u.answer(w.Header(), resp.Header)
	w.WriteHeader(resp.StatusCode)
	if err := u.copy(w, resp, message); err != nil && r.Context().Err() == nil {
		u.Logger.Warn("the upstream broke off in the middle of an answer", "upstream", u.URL.Redacted(), "error", err)
		panic(http.ErrAbortHandler) // so that the client does not take what came for the whole
	}
}

// request is what is sent: what the client sent, without what is between it and us, and with what is between us and the upstream.
func (u *Upstream) request(r *http.Request, message []byte) (*http.Request, error) {
	out := &http.Request{
		Method: r.Method, URL: u.URL, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: make(http.Header, len(r.Header)+4),
		Host: u.URL.Host,
	}
	if r.URL.RawQuery != "" {
		at := *u.URL
		at.RawQuery = r.URL.RawQuery
		out.URL = &at
	}
	if message != nil {
		out.ContentLength = int64(len(message))
		out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(message)), nil }
		out.Body, _ = out.GetBody()
	}
	copyHeader(out.Header, r.Header)
	for _, name := range notPassedOn {
		delete(out.Header, name)
	}
	for _, name := range u.User.names() {
		if name != "" {
			out.Header.Del(name)
		}
	}
	forwardedBy(out.Header, r)
	if t := TokenFrom(r.Context()); t != nil {
		u.User.tell(out.Header, t)
	}
	if u.Own != nil {
		own, err := u.Own()
		if err != nil {
			return nil, err
		}
		for name, values := range own {
			out.Header[name] = values
		}
	}
	return out.WithContext(r.Context()), nil
}

// answer copies the headers of an answer but those of CORS: which pages may call is judged here, and has been said.
func (u *Upstream) answer(to, from http.Header) {
	said := [2][]string{to["Access-Control-Allow-Origin"], to["Access-Control-Expose-Headers"]}
	copyHeader(to, from)
	for name := range from {
		if strings.HasPrefix(name, "Access-Control-") {
			delete(to, name)
		}
	}
	if said[0] != nil {
		to["Access-Control-Allow-Origin"], to["Access-Control-Expose-Headers"] = said[0], said[1]
	}
}

// notPassedOn, in canonical form: the client's token is for us alone (MCP, token passthrough), what a proxy says of the way is said
// anew, and pages were judged here.
var notPassedOn = []string{"Authorization", "Content-Length", "Origin", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "Cf-Access-Jwt-Assertion"}

// forwardedBy says where a request came from.
func forwardedBy(h http.Header, r *http.Request) {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		h["X-Forwarded-For"] = []string{host}
	}
	h["X-Forwarded-Host"] = []string{r.Host}
	scheme := "http"
	if r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		scheme = "https"
	}
	h["X-Forwarded-Proto"] = []string{scheme}
}

// hop are the headers of one connection (RFC 9110 section 7.6.1), in canonical form.
var hop = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Connection": true, "Proxy-Authenticate": true, "Proxy-Authorization": true,
	"Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// copyHeader copies what is not of one connection alone. The values are shared: nobody changes them in place.
func copyHeader(to, from http.Header) {
	for name, values := range from {
		if !hop[name] {
			to[name] = values
		}
	}
	for _, listed := range from["Connection"] {
		for name := range strings.SplitSeq(listed, ",") {
			to.Del(strings.TrimSpace(name))
		}
	}
}

// unusable says what no client can do anything with: a refusal that is meant for us, and a redirect.
func unusable(resp *http.Response) error {
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		return errors.New("it answered 401: it wants a token of its own; give it one (upstream.token_file), or observe: true where it does its own OAuth")
	case resp.StatusCode >= 300 && resp.StatusCode < 400 && resp.Header.Get("Location") != "":
		return fmt.Errorf("it redirects to %q (%d): give that as the upstream's url", short(resp.Header.Get("Location")), resp.StatusCode)
	}
	return nil
}

// unreached says in a word why a request did not get there.
func unreached(err error) error {
	var network net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return fmt.Errorf("no answer in time: %w", err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it closed the connection without an answer")
	}
	return err
}

// broken answers with a JSON-RPC error that has the request's id, so that the client tells its user instead of retrying.
func (u *Upstream) broken(w http.ResponseWriter, r *http.Request, message []byte, status int, err error) {
	if u.Failed != nil {
		u.Failed(err)
	}
	u.Logger.Warn("the upstream failed", "upstream", u.URL.Redacted(), "method", r.Method, "error", err)
	w.Header().Set("Cache-Control", "no-store")
	WriteJSON(w, status, brokenMessage(idOf(message), err))
}

// upstreamBroken is a code of the range that JSON-RPC leaves to servers.
const upstreamBroken = -32001

type rpcError struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Error   struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

func brokenMessage(id json.RawMessage, err error) rpcError {
	e := rpcError{Version: "2.0", ID: id}
	e.Error.Code, e.Error.Message = upstreamBroken, "the MCP server behind this gateway cannot answer: "+err.Error()
	return e
}

// idOf is the id of a message, null where it has none.
func idOf(message []byte) json.RawMessage {
	var m struct {
		ID json.RawMessage `json:"id"`
	}
	if json.Unmarshal(message, &m) != nil || m.ID == nil {
		return json.RawMessage("null")
	}
	return m.ID
}
