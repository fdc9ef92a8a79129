package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A RegisterProxy is a registration endpoint (RFC 7591) that has the authorization server behind register the client. It sends
// only what Keycloak takes, for that refuses members that it does not know, home pages on hosts that it was not told of, and
// scopes that do not exist; and it limits how many come, since whoever likes can register.
type RegisterProxy struct {
	behind *Issuer
	scopes []string
	client *http.Client
	pace   *rate.Limiter
	left   atomic.Int64
}

// Limits of registration: one each 6 seconds on average, 10 at once, and 1,000 between two starts.
const (
	registerEvery = 6 * time.Second
	registerBurst = 10
	registerMost  = 1_000
)

// NewRegisterProxy returns one for clients that are given the scopes.
func NewRegisterProxy(behind *Issuer, scopes []string, transport http.RoundTripper) *RegisterProxy {
	p := &RegisterProxy{behind: behind, scopes: scopes, client: client(transport), pace: rate.NewLimiter(rate.Every(registerEvery), registerBurst)}
	p.left.Store(registerMost)
	return p
}

// Handler serves it to every page.
func (p *RegisterProxy) Handler() http.Handler {
	return public(Methods(http.HandlerFunc(p.register), http.MethodPost))
}

// passedMembers are those of RFC 7591 section 2 that Keycloak takes and that change what a client can do; names and pages that are
// for people are left out, but the name.
var passedMembers = []string{"redirect_uris", "token_endpoint_auth_method", "grant_types", "response_types", "client_name", "jwks", "jwks_uri"}

func (p *RegisterProxy) register(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	body, problem := p.read(w, r)
	if problem != nil {
		WriteError(w, http.StatusBadRequest, problem.Reason, problem.Description)
		return
	}
	if !p.pace.Allow() || p.left.Add(-1) < 0 {
		w.Header().Set("Retry-After", fmt.Sprint(int(registerEvery/time.Second)))
		WriteError(w, http.StatusTooManyRequests, "temporarily_unavailable", "too many clients register here; try again later")
		return
	}
	m, err := p.behind.metadata(r.Context())
	if err != nil || m.registration == "" {
		WriteError(w, http.StatusServiceUnavailable, "temporarily_unavailable", "the authorization server behind offers no registration now")
		return
	}
	p.pass(w, r, m.registration, body)
}

// read returns what is sent on of what a client asks for.
func (p *RegisterProxy) read(w http.ResponseWriter, r *http.Request) ([]byte, *Refusal) {
	if media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(media), "application/json") {
		return nil, refuse(invalidMetadata, "a registration request is application/json (RFC 7591 section 3.1)")
	}
	raw, err := readAll(http.MaxBytesReader(w, r.Body, registerLimit), registerLimit)
	if err != nil {
		return nil, refuse(invalidMetadata, "the registration request cannot be read or is larger than %d bytes", registerLimit)
	}
	var asked map[string]json.RawMessage
	var redirects []string
	if json.Unmarshal(raw, &asked) != nil || asked == nil || json.Unmarshal(asked["redirect_uris"], &redirects) != nil {
		return nil, refuse(invalidMetadata, "the registration request is no JSON object with a list of redirect_uris")
	}
	if refusal := sound(redirects); refusal != nil {
		return nil, refusal
	}
	passed := map[string]json.RawMessage{}
	for name, value := range asked {
		if slices.Contains(passedMembers, name) {
			passed[name] = value
		}
	}
	passed["scope"], _ = json.Marshal(strings.Join(p.scopes, " "))
	body, err := json.Marshal(passed)
	if err != nil {
		return nil, refuse(invalidMetadata, "the registration request cannot be read")
	}
	return body, nil
}

// sound refuses redirect URIs to which no code may ever be sent: what runs in a page, and plain http to another machine.
func sound(redirects []string) *Refusal {
	if len(redirects) == 0 || len(redirects) > 16 {
		return refuse(invalidRedirect, "redirect_uris has %d members; want 1 to 16", len(redirects))
	}
	for _, raw := range redirects {
		u, err := url.Parse(raw)
		switch {
		case err != nil || u.Scheme == "" || u.Fragment != "" || u.User != nil || strings.Contains(raw, "*"):
			return refuse(invalidRedirect, "%s is no absolute URI without user, fragment and wildcard (RFC 6749 section 3.1.2)", short(raw))
		case u.Scheme == "https" && u.Host != "", u.Scheme == "http" && probe.Loopback(u.Hostname()):
		case u.Scheme == "http" || u.Scheme == "https" || u.Host == "" && u.Opaque != "" || slices.Contains(pageSchemes, strings.ToLower(u.Scheme)):
			return refuse(invalidRedirect, "%s: want https, http on loopback, or a scheme of the client's own (RFC 8252 section 7)", short(raw))
		}
	}
	return nil
}

// pageSchemes run in a page or read what is on the machine.
var pageSchemes = []string{"javascript", "data", "vbscript", "file", "blob", "about", "filesystem", "view-source", "ws", "wss", "ftp", "mailto", "intent"}

// pass sends the request on and brings back the answer, with what is wrong in Keycloak's put right.
func (p *RegisterProxy) pass(w http.ResponseWriter, r *http.Request, to string, body []byte) {
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		WriteError(w, http.StatusBadGateway, "server_error", "the registration endpoint behind is no URL")
		return
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	resp, err := p.client.Do(req)
	if err != nil {
		WriteError(w, http.StatusBadGateway, "temporarily_unavailable", "the authorization server behind cannot be reached")
		return
	}
	defer resp.Body.Close()
	raw, err := readAll(resp.Body, fetchLimit)
	var said map[string]json.RawMessage
	if err != nil || json.Unmarshal(raw, &said) != nil || said == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		WriteError(w, http.StatusBadGateway, "server_error", fmt.Sprintf("the authorization server behind answered the registration with %d and no JSON object", resp.StatusCode))
		return
	}
	if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusCreated {
		said["response_types"], _ = json.Marshal([]string{"code"}) // Keycloak adds none, which is not registered
		WriteJSON(w, http.StatusCreated, said)
		return
	}
	status := resp.StatusCode
	if status == http.StatusUnauthorized || status == http.StatusForbidden { // a policy of Keycloak's; there is no token that would help
		status = http.StatusBadRequest
		said["error"], _ = json.Marshal(invalidMetadata)
	}
	WriteJSON(w, status, said)
}
