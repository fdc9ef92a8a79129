package cloudflaretest

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// teamDomain is where a Zero Trust organisation has its login page.
const teamDomain = ".cloudflareaccess.com"

// teamOf returns the account whose team a host is of. Teams do not change.
func (c *Cloudflare) teamOf(host string) *account {
	for _, a := range c.accounts {
		if host == a.Team+teamDomain {
			return a
		}
	}
	return nil
}

const accessMetadata = "/.well-known/cloudflare-access-protected-resource"

// accessDocument is what the challenges of Access name.
func (v *visit) accessDocument() *page {
	rest, ok := strings.CutPrefix(v.r.URL.Path, accessMetadata)
	if !ok {
		return nil
	}
	return jsonPage(http.StatusOK, map[string]any{
		"resource": "https://" + v.host + rest, "authorization_servers": []string{"https://" + v.host}, "bearer_methods_supported": []string{"header"},
	})
}

func jsonPage(status int, v any) *page {
	return &page{status: status, media: "application/json", body: string(encode(v))}
}

func oauthError(status int, code, description string) *page {
	return jsonPage(status, map[string]string{"error": code, "error_description": description})
}

// managedOAuth is what the edge itself serves where Managed OAuth is on: Access is the authorization server then, and shadows one
// that the origin has.
func (v *visit) managedOAuth(oauth map[string]any) *page {
	const own = "/cdn-cgi/access/oauth/"
	switch path := v.r.URL.Path; {
	case strings.HasPrefix(path, "/.well-known/oauth-authorization-server"):
		team := "https://" + v.zone.owner.Team + teamDomain
		return jsonPage(http.StatusOK, map[string]any{
			"issuer": "https://" + v.host, "authorization_endpoint": team + own + "authorization", "token_endpoint": "https://" + v.host + own + "token",
			"registration_endpoint": "https://" + v.host + own + "registration", "response_types_supported": []string{"code"},
			"grant_types_supported": []string{"authorization_code", "refresh_token"}, "code_challenge_methods_supported": []string{"S256"},
			"token_endpoint_auth_methods_supported": []string{"none", "client_secret_basic", "client_secret_post"},
		})
	case path == own+"token":
		return v.token()
	case path == own+"registration":
		return v.register(inner(oauth, "dynamic_client_registration"))
	}
	return nil
}

// token knows the clients that registered, and no code of anybody's: nobody logs in here.
func (v *visit) token() *page {
	form, err := url.ParseQuery(string(v.body))
	id := form.Get("client_id")
	if user, _, ok := v.r.BasicAuth(); ok {
		id = user
	}
	if err != nil || !v.c.clients[id] {
		return oauthError(http.StatusUnauthorized, "invalid_client", "The client is not known")
	}
	return oauthError(http.StatusBadRequest, "invalid_grant", "The authorization code is invalid or expired")
}

// register takes clients whose redirect URIs the application allows.
func (v *visit) register(allowed map[string]any) *page {
	var b struct {
		RedirectURIs []string `json:"redirect_uris"`
	}
	if err := json.Unmarshal(v.body, &b); err != nil || len(b.RedirectURIs) == 0 {
		return oauthError(http.StatusBadRequest, "invalid_client_metadata", "redirect_uris are required")
	}
	if on, given := allowed["enabled"].(bool); given && !on {
		return oauthError(http.StatusForbidden, "access_denied", "Dynamic client registration is not enabled")
	}
	for _, uri := range b.RedirectURIs {
		if !slices.Contains(texts(allowed["allowed_uris"]), uri) && !allowedHere(uri, allowed) {
			return oauthError(http.StatusBadRequest, "invalid_redirect_uri", "The redirect URI is not allowed")
		}
	}
	v.c.clients[v.ray] = true
	return jsonPage(http.StatusCreated, map[string]any{"client_id": v.ray, "redirect_uris": b.RedirectURIs, "token_endpoint_auth_method": "none"})
}

// allowedHere: the URI is one of the client's own host, and those are allowed.
func allowedHere(uri string, allowed map[string]any) bool {
	u, err := url.Parse(uri)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" && truth(allowed, "allow_any_on_localhost") || err == nil && ip.IsLoopback() && truth(allowed, "allow_any_on_loopback")
}

// teamDomain is the login page of a team, and its keys.
func (v *visit) teamDomain() *page {
	if v.r.URL.Path == "/cdn-cgi/access/certs" {
		return jsonPage(http.StatusOK, map[string]any{"keys": []any{}, "public_certs": []any{}})
	}
	return &page{status: http.StatusOK, media: "text/html", body: `<!DOCTYPE html><html><head><title>Sign in ・ Cloudflare Access</title></head><body>` +
		`<h1>Log in to ` + v.host + `</h1><form method="post" action="/cdn-cgi/access/callback"><input name="email" type="email"></form></body></html>`}
}
