package cloudflaretest

import (
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A page is what the edge itself answers.
type page struct {
	status int
	header map[string]string
	media  string
	body   string
}

func (p *page) with(name, value string) *page {
	if p.header == nil {
		p.header = map[string]string{}
	}
	p.header[name] = value
	return p
}

func (p *page) write(w http.ResponseWriter) {
	h := w.Header()
	for name, value := range p.header {
		h.Set(name, value)
	}
	if p.media == "" {
		h["Content-Type"] = nil
	} else {
		h.Set("Content-Type", p.media)
	}
	h.Set("Content-Length", strconv.Itoa(len(p.body)))
	w.WriteHeader(p.status)
	_, _ = w.Write([]byte(p.body)) // a client that went away needs no answer
}

const htmlPage = "text/html; charset=UTF-8"

// challenge is every Challenge Page: its header is the same for all, its type always HTML.
func challenge() *page {
	return (&page{status: http.StatusForbidden, media: htmlPage, body: `<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title>` +
		`<meta http-equiv="refresh" content="360"></head><body><noscript>Enable JavaScript and cookies to continue</noscript>` +
		`<script>(function(){window._cf_chl_opt={cType:'managed'};})();</script></body></html>`}).
		with("Cf-Mitigated", "challenge").with("Cache-Control", "private, max-age=0, no-store, no-cache, must-revalidate")
}

// An edgeError is one of the errors that Cloudflare numbers.
type edgeError struct {
	status, code           int
	name, title, detail    string
	category               string
	retryable, ownerAction bool
}

// numbered are the errors that the small edge can give.
var numbered = map[int]edgeError{
	1000: {status: 403, name: "dns_prohibited_ip", title: "DNS points to prohibited IP", detail: "The DNS record of this host points to an address of Cloudflare.", category: "dns", ownerAction: true},
	1001: {status: 409, name: "dns_resolution_error", title: "DNS resolution error", detail: "The requested host cannot be resolved in Cloudflare's network.", category: "dns", ownerAction: true},
	1002: {status: 403, name: "dns_restricted", title: "DNS points to Prohibited IP", detail: "The DNS record of this host points to a local address.", category: "dns", ownerAction: true},
	1003: {status: 403, name: "direct_ip_access", title: "Direct IP access not allowed", detail: "You've requested an IP address that is part of the Cloudflare network. A valid Host header must be supplied to reach the desired website.", category: "access"},
	1005: {status: 403, name: "asn_banned", title: "Access denied", detail: "The owner of this website has banned the autonomous system number (ASN) your IP address is in from accessing this website.", category: "access", ownerAction: true},
	1006: {status: 403, name: "ip_banned", title: "Access denied", detail: "The owner of this website has banned your IP address.", category: "access", ownerAction: true},
	1009: {status: 403, name: "country_banned", title: "Access denied", detail: "The owner of this website has banned the country or region your IP address is in from accessing this website.", category: "access", ownerAction: true},
	1010: {status: 403, name: "browser_signature_banned", title: "Access denied", detail: "The site owner has blocked access based on your browser's signature.", category: "access", ownerAction: true},
	1014: {status: 403, name: "cname_cross_user", title: "CNAME Cross-User Banned", detail: "The CNAME record of this host points to a name of another account.", category: "dns", ownerAction: true},
	1015: {status: 429, name: "rate_limited", title: "You are being rate limited", detail: "The owner of this website has banned you temporarily from accessing this website.", category: "rate_limit", retryable: true},
	1016: {status: 530, name: "origin_dns_error", title: "Origin DNS error", detail: "Cloudflare is currently unable to resolve your requested domain.", category: "dns", ownerAction: true},
	1020: {status: 403, name: "access_denied", title: "Access denied", detail: "This website is using a security service to protect itself from online attacks. The action you just performed triggered the security solution.", category: "access", ownerAction: true},
	1033: {status: 530, name: "tunnel_error", title: "Cloudflare Tunnel error", detail: "The host is configured as a Cloudflare Tunnel, and Cloudflare is currently unable to resolve it.", category: "tunnel", ownerAction: true, retryable: true},
	502:  {status: 502, name: "bad_gateway", title: "Bad gateway", detail: "The origin web server returned an invalid or incomplete response to Cloudflare.", category: "origin", ownerAction: true, retryable: true},
	520:  {status: 520, name: "unknown_origin_error", title: "Web server is returning an unknown error", detail: "The origin web server returned an empty, unknown or unexpected response to Cloudflare.", category: "origin", ownerAction: true, retryable: true},
	521:  {status: 521, name: "origin_down", title: "Web server is down", detail: "The origin web server refused the connection from Cloudflare.", category: "origin", ownerAction: true, retryable: true},
	522:  {status: 522, name: "connection_timeout", title: "Connection timed out", detail: "Cloudflare could not establish a TCP connection to the origin server.", category: "origin", ownerAction: true, retryable: true},
	523:  {status: 523, name: "origin_unreachable", title: "Origin is unreachable", detail: "Cloudflare could not reach the origin web server.", category: "origin", ownerAction: true, retryable: true},
	524:  {status: 524, name: "origin_timeout", title: "A timeout occurred", detail: "The origin web server timed out responding to this request.", category: "origin", ownerAction: true, retryable: true},
	525:  {status: 525, name: "ssl_handshake_failed", title: "SSL handshake failed", detail: "Cloudflare is unable to establish an SSL connection to the origin server.", category: "origin", ownerAction: true},
	526:  {status: 526, name: "invalid_ssl_certificate", title: "Invalid SSL certificate", detail: "The origin web server does not have a valid SSL certificate.", category: "origin", ownerAction: true},
}

// fault answers with a numbered error in the form that the client accepts: a page, a problem document (RFC 9457), markdown, or a line.
func (v *visit) fault(code int) *page {
	e := numbered[code]
	e.code = code
	accept := v.r.Header.Get("Accept")
	var p *page
	switch {
	case strings.Contains(accept, "text/html"):
		p = &page{status: e.status, media: htmlPage, body: e.html(v)}
	case strings.Contains(accept, "application/problem+json"):
		p = &page{status: e.status, media: "application/problem+json; charset=utf-8", body: e.problem(v)}
	case strings.Contains(accept, "application/json"):
		p = &page{status: e.status, media: "application/json; charset=utf-8", body: e.problem(v)}
	case strings.Contains(accept, "text/markdown"):
		p = &page{status: e.status, media: "text/markdown; charset=utf-8", body: fmt.Sprintf("# Error %d: %s\n\n%s\n\nRay ID: %s\n", code, e.title, e.detail, v.ray)}
	default:
		p = &page{status: e.status, media: "text/plain; charset=UTF-8", body: fmt.Sprintf("error code: %d", code)}
	}
	return p.with("Cache-Control", "private, max-age=0, no-store, no-cache, must-revalidate, post-check=0, pre-check=0").with("Referrer-Policy", "same-origin")
}

func (e edgeError) html(v *visit) string {
	if e.code == 1020 {
		return `<!DOCTYPE html><html lang="en-US"><head><title>Attention Required! | Cloudflare</title></head><body><h1 data-translate="block_headline">` +
			`Sorry, you have been blocked</h1><h2>You are unable to access ` + html.EscapeString(v.host) + `</h2><p>Cloudflare Ray ID: <strong>` + v.ray + `</strong></p></body></html>`
	}
	title := fmt.Sprintf("%s | %s | Cloudflare", e.title, html.EscapeString(v.host))
	if e.code < 1000 {
		title = fmt.Sprintf("%s | %d: %s", html.EscapeString(v.host), e.code, e.title)
	}
	return fmt.Sprintf(`<!DOCTYPE html><html lang="en-US"><head><title>%s</title></head><body><h1><span class="inline-block">Error</span> `+
		`<span>%d</span></h1><h2>%s</h2><p>%s</p><p>Cloudflare Ray ID: <strong>%s</strong></p></body></html>`, title, e.code, e.title, e.detail, v.ray)
}

func (e edgeError) problem(v *visit) string {
	kind := "1xxx"
	if e.code < 1000 {
		kind = "5xx"
	}
	m := map[string]any{
		"type":  fmt.Sprintf("https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-%s-errors/error-%d/", kind, e.code),
		"title": fmt.Sprintf("Error %d: %s", e.code, e.title), "status": e.status, "detail": e.detail, "instance": v.ray, "error_code": e.code,
		"error_name": e.name, "error_category": e.category, "ray_id": v.ray, "timestamp": v.now.Format(time.RFC3339), "zone": v.host,
		"cloudflare_error": true, "retryable": e.retryable, "owner_action_required": e.ownerAction,
		"footer": "This error was generated by Cloudflare on behalf of the website owner.",
	}
	if e.retryable {
		m["retry_after"] = 120
	}
	return string(encode(m))
}

// redirect is the edge's own.
func redirect(status int, to string) *page {
	return (&page{status: status, media: "text/html", body: "<html>\r\n<head><title>" + strconv.Itoa(status) + " " + http.StatusText(status) +
		"</title></head>\r\n<body>\r\n<center><h1>" + strconv.Itoa(status) + " " + http.StatusText(status) + "</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"}).
		with("Location", to).with("Cache-Control", "max-age=3600")
}
