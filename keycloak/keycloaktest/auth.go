package keycloaktest

import (
	"encoding/base64"
	"encoding/json"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// An authRequest is what a client asks at the authorization endpoint, as far as it may.
type authRequest struct {
	client   *client
	redirect string // where to, and as it was sent
	sent     string
	state    string
	mode     string
	kind     string // response_type
	scopes   []*scope
	openID   bool
	nonce    string
	prompt   string

	challenge, method string
}

var responseTypes = []string{"code", "none", "id_token", "token", "id_token token", "code id_token", "code token", "code id_token token"}

// authorize answers the authorization endpoint (RFC 6749 4.1.1), asked by GET or by a form. Where the client or its
// redirect URI is in doubt there is a page; every other mistake is told to the client.
func authorize(c *call) answer {
	q := c.r.URL.Query()
	if c.r.Method == http.MethodPost {
		q = c.form
	}
	of, page, ok := c.askingClient(q)
	if !ok {
		return page
	}
	redirect, ok := of.redirectURI(q.Get("redirect_uri"))
	if hasOpenID(q.Get("scope")) && q.Get("redirect_uri") == "" {
		ok = false // OpenID Connect Core 1.0 3.1.2.1
	}
	if !ok || !of.rep.StandardFlow && !of.rep.ImplicitFlow && len(of.rep.RedirectURIs) == 0 {
		return c.badRequest("Invalid parameter: redirect_uri")
	}
	req := &authRequest{client: of, redirect: redirect, sent: q.Get("redirect_uri"), state: q.Get("state"), mode: q.Get("response_mode"),
		kind: q.Get("response_type"), nonce: q.Get("nonce"), prompt: q.Get("prompt"),
		challenge: q.Get("code_challenge"), method: q.Get("code_challenge_method")}
	if err, description := c.checkAuthRequest(req, q); err != "" {
		return c.respond(req, authResponse{err: err, description: description})
	}
	return c.beginLogin(req)
}

func (c *call) askingClient(q url.Values) (of *client, page answer, ok bool) {
	of = c.realm.client(q.Get("client_id"))
	_, badAge := strconv.Atoi(q.Get("max_age"))
	switch {
	case c.insecure():
		return nil, c.badRequest("HTTPS required"), false
	case !c.realm.flag("enabled"):
		return nil, c.badRequest("Realm not enabled"), false
	case len(q["client_id"]) != 1, q.Get("request") != "", q.Get("request_uri") != "", q.Get("max_age") != "" && badAge != nil:
		return nil, c.badRequest("Invalid Request"), false
	case of == nil:
		made, why := c.byDocument(q.Get("client_id"), q.Get("redirect_uri"))
		return made, c.badRequest(why), why == ""
	case !of.rep.Enabled:
		return nil, c.badRequest("Client disabled."), false
	case of.rep.BearerOnly:
		return nil, c.errorPage(http.StatusForbidden, "Bearer-only applications are not allowed to initiate browser login"), false
	}
	return of, answer{}, true
}

// checkAuthRequest returns the error and its description; it reads the scope on the way.
func (c *call) checkAuthRequest(req *authRequest, q url.Values) (err, description string) {
	flow := "Client is not allowed to initiate browser login with given response_type. "
	implicit := req.kind != "code" && req.kind != "none"
	mode := req.mode
	if implicit && slices.Contains(responseTypes, req.kind) && mode == "" {
		req.mode = "fragment"
	}
	switch {
	case slices.ContainsFunc(slices.Collect(maps.Values(q)), func(v []string) bool { return len(v) > 1 }):
		return "invalid_request", "duplicated parameter"
	case req.kind == "":
		return "invalid_request", "Missing parameter: response_type"
	case !slices.Contains(responseTypes, req.kind):
		return "unsupported_response_type", ""
	case mode != "" && !slices.Contains([]string{"query", "fragment", "form_post"}, mode):
		req.mode = ""
		return "invalid_request", "Invalid parameter: response_mode"
	case implicit && !req.client.rep.ImplicitFlow:
		return "unauthorized_client", flow + "Implicit flow is disabled for the client."
	case implicit:
		return "unsupported_response_type", "the small Keycloak has no implicit flow"
	case !req.client.rep.StandardFlow:
		return "unauthorized_client", flow + "Standard flow is disabled for the client."
	}
	req.scopes = forClients(req.client.defaults)
	if q.Has("scope") {
		scopes, ok := req.client.scopesFor(q.Get("scope"))
		if !ok {
			return "invalid_scope", "Invalid scopes: " + q.Get("scope")
		}
		req.scopes, req.openID = scopes, hasOpenID(q.Get("scope"))
	}
	if why := req.checkPKCE(); why != "" {
		return "invalid_request", why
	}
	return "", ""
}

var challengeShape = regexp.MustCompile(`^[0-9a-zA-Z\-._~]{43,128}$`)

// checkPKCE holds the challenge to RFC 7636, and to the method that the client must use.
func (req *authRequest) checkPKCE() string {
	forced := req.client.rep.Attributes["pkce.code.challenge.method"]
	switch {
	case forced != "" && req.method == "":
		return "Missing parameter: code_challenge_method"
	case forced != "" && req.method != forced:
		return "Invalid parameter: code challenge method is not matching the configured one"
	case req.challenge == "" && req.method != "":
		return "Missing parameter: code_challenge"
	case req.challenge == "":
		return ""
	case req.method != "" && req.method != "plain" && req.method != "S256":
		return "Invalid parameter: code_challenge_method"
	case !challengeShape.MatchString(req.challenge):
		return "Invalid parameter: code_challenge"
	}
	return ""
}

// An authResponse is what a client is told: an error, or a session and a code.
type authResponse struct{ err, description, session, code string }

// respond sends the user back to the client, with state and iss (RFC 9207) in the places that they have in Keycloak's.
func (c *call) respond(req *authRequest, r authResponse) answer {
	var fields []field
	add := func(name, value string) {
		if value != "" {
			fields = append(fields, field{Name: name, Value: value})
		}
	}
	add("error", r.err)
	add("error_description", r.description)
	add("state", req.state)
	add("session_state", r.session)
	if !req.client.attribute("exclude.issuer.from.auth.response") {
		add("iss", c.issuer())
	}
	add("code", r.code)
	return c.send(req, fields).with("Cache-Control", uncachedPage)
}

func (c *call) send(req *authRequest, fields []field) answer {
	if req.mode == "form_post" {
		body := render("form-post", page{Action: template.URL(req.redirect), Fields: fields})
		return answer{status: http.StatusOK, body: []byte(body)}.with("Content-Type", "text/html")
	}
	var pairs []string
	for _, f := range fields {
		pairs = append(pairs, f.Name+"="+url.QueryEscape(f.Value))
	}
	separator := "?"
	switch {
	case req.mode == "fragment":
		separator = "#"
	case strings.Contains(req.redirect, "?"):
		separator = "&"
	}
	return redirect(req.redirect + separator + strings.Join(pairs, "&"))
}

// clientData is what the pages carry along to know where to send a user whose sign-in is over.
type clientData struct {
	Redirect string `json:"ru"`
	Kind     string `json:"rt"`
	Mode     string `json:"rm,omitempty"`
	State    string `json:"st,omitempty"`
}

func (req *authRequest) data() string {
	return rawURL(encode(clientData{req.redirect, req.kind, req.mode, req.state}))
}

// fromData reads it back; the redirect URI is checked again.
func (c *call) fromData(clientID, data string) *authRequest {
	of := c.realm.client(clientID)
	raw, err := base64.RawURLEncoding.DecodeString(data)
	var d clientData
	if of == nil || err != nil || json.Unmarshal(raw, &d) != nil {
		return nil
	}
	if _, ok := of.redirectURI(d.Redirect); !ok || d.Redirect == "" {
		return nil
	}
	return &authRequest{client: of, redirect: d.Redirect, kind: d.Kind, mode: d.Mode, state: d.State}
}
