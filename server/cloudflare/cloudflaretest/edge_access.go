package cloudflaretest

import (
	"encoding/base64"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// access is Cloudflare Access: the application with the most specific domain that covers the request decides alone.
func (v *visit) access() *page {
	app := v.application()
	if app == nil {
		return nil
	}
	if p := v.accessDocument(); p != nil {
		return p
	}
	if oauth := inner(app.fields, "oauth_configuration"); truth(oauth, "enabled") {
		if p := v.managedOAuth(oauth); p != nil {
			return p
		}
	}
	policies := v.c.policiesOf(app)
	for _, p := range policies {
		applies := v.covered(p)
		switch decision := text(p, "decision"); {
		case !applies:
		case decision == "bypass":
			return nil
		case decision == "deny":
			return v.stop(v.denied(), "block", "access", app.id, "", app.text("name"))
		case decision == "non_identity":
			v.assertion = v.assert(app)
			return nil
		}
	}
	return v.stop(v.askLogin(app, policies), "block", "access", app.id, "", app.text("name"))
}

// application returns the one whose host is without a wildcard, and among those the one with the longest path.
func (v *visit) application() (best *document) {
	most := -1
	for _, app := range slices.Concat(v.zone.owner.apps, v.zone.apps) {
		if text(app.fields, "type") != "self_hosted" {
			continue
		}
		for _, domain := range appDomains(app.fields) {
			if n, ok := specific(domain, v.host, v.r.URL.Path); ok && n > most {
				best, most = app, n
			}
		}
	}
	return best
}

// specific says how closely an application's domain names host and path. A path covers what lies below it; a wildcard at its end only
// that, and not the path itself.
func specific(domain, host, path string) (int, bool) {
	h, p, _ := strings.Cut(domain, "/")
	const exactHost = 1 << 16
	n := 0
	switch {
	case h == host:
		n = exactHost
	case strings.HasPrefix(h, "*.") && strings.HasSuffix(host, h[1:]):
	default:
		return 0, false
	}
	p = strings.Trim(p, "/")
	path = strings.Trim(path, "/")
	stem, wild := strings.CutSuffix(p, "*")
	switch {
	case p == "" || wild && strings.HasPrefix(path, stem):
	case !wild && (path == p || strings.HasPrefix(path, p+"/")):
		n++
	default:
		return 0, false
	}
	return n + 2*len(stem), true
}

// covered: a policy holds for the visit by what is known of it without a login.
func (v *visit) covered(policy map[string]any) bool {
	any := func(rules []map[string]any) bool { return slices.ContainsFunc(rules, v.isRule) }
	for _, r := range list(policy, "require") {
		if !v.isRule(r) {
			return false
		}
	}
	return any(list(policy, "include")) && !any(list(policy, "exclude"))
}

func (v *visit) isRule(rule map[string]any) bool {
	for kind, of := range rule {
		m, _ := of.(map[string]any)
		switch kind {
		case "everyone":
			return true
		case "ip":
			n, err := netip.ParsePrefix(text(m, "ip"))
			return err == nil && n.Contains(v.from.IP)
		case "geo":
			return strings.EqualFold(text(m, "country_code"), v.from.Country)
		case "any_valid_service_token", "service_token":
			return v.r.Header.Get("Cf-Access-Client-Id") != "" && v.r.Header.Get("Cf-Access-Client-Secret") != ""
		}
	}
	return false
}

// assert makes what the origin is told, a JWT that only Access could sign; nobody here verifies it.
func (v *visit) assert(app *document) string {
	part := func(m map[string]any) string { return base64.RawURLEncoding.EncodeToString(encode(m)) }
	return part(map[string]any{"alg": "RS256", "typ": "JWT"}) + "." + part(map[string]any{
		"aud": []string{app.text("aud")}, "iss": "https://" + v.zone.owner.Team + ".cloudflareaccess.com", "iat": v.now.Unix(), "exp": v.now.Unix() + 60,
	}) + ".c2lnbmF0dXJl"
}

func (v *visit) denied() *page {
	return (&page{status: http.StatusForbidden, media: "text/html", body: `<!DOCTYPE html><html><head><title>Error ・ Cloudflare Access</title></head>` +
		`<body><h1>That account does not have access.</h1></body></html>`}).with("Cf-Access-Error", "access_denied").with("Cf-Access-Domain", v.host)
}

func (v *visit) metadataURL() string {
	return "https://" + v.host + "/.well-known/cloudflare-access-protected-resource" + v.r.URL.Path
}

// askLogin answers who is not let in: with a page to log in at, unless the application has it otherwise.
func (v *visit) askLogin(app *document, policies []map[string]any) *page {
	machines := len(policies) > 0 && !slices.ContainsFunc(policies, func(p map[string]any) bool { return text(p, "decision") == "allow" })
	switch {
	case truth(inner(app.fields, "oauth_configuration"), "enabled"):
		body := encode(map[string]string{"error": "invalid_token", "resource_metadata": v.metadataURL()})
		return (&page{status: http.StatusUnauthorized, media: "application/json", body: string(body)}).
			with("Www-Authenticate", `Bearer realm="OAuth", error="invalid_token", resource_metadata="`+v.metadataURL()+`"`)
	case machines && (app.truth("service_auth_401_redirect") || v.zone.owner.StrictServiceTokens):
		return (&page{status: http.StatusUnauthorized, media: "text/html", body: `<!DOCTYPE html><html><head><title>Error ・ Cloudflare Access</title></head>` +
			`<body><h1>Unauthorized</h1></body></html>`}).with("Cf-Access-Domain", v.host).with("Cf-Access-Aud", app.text("aud"))
	}
	part := func(m map[string]any) string { return base64.RawURLEncoding.EncodeToString(encode(m)) }
	meta := part(map[string]any{"alg": "RS256", "typ": "JWT"}) + "." + part(map[string]any{
		"type": "meta", "aud": app.text("aud"), "hostname": v.host, "redirect_url": v.r.URL.RequestURI(), "service_token_status": false,
		"is_warp": false, "is_gateway": false, "iat": v.now.Unix(),
	}) + ".c2lnbmF0dXJl"
	to := url.URL{Scheme: "https", Host: v.zone.owner.Team + ".cloudflareaccess.com", Path: "/cdn-cgi/access/login/" + v.host,
		RawQuery: url.Values{"kid": {app.text("aud")}, "meta": {meta}, "redirect_url": {v.r.URL.RequestURI()}}.Encode()}
	p := redirect(http.StatusFound, to.String())
	return p.with("Www-Authenticate", `Cloudflare-Access resource_metadata="`+v.metadataURL()+`"`).
		with("Set-Cookie", "CF_AppSession="+v.ray+"; Expires="+v.now.AddDate(0, 0, 1).Format(http.TimeFormat)+"; Path=/; Secure; HttpOnly").
		with("Cache-Control", "private, max-age=0, no-store, no-cache, must-revalidate, post-check=0, pre-check=0").
		with("Access-Control-Allow-Credentials", "true")
}
