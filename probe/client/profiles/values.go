package profiles

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

var idForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// values returns what is wrong with what the knobs are set to.
func values(p *probe.Profile) []error {
	var v problems
	v.when(!idForm.MatchString(p.ID), "id", "%q is not of lower-case letters, digits and single hyphens", p.ID)
	v.when(strings.TrimSpace(p.Title) == "", "title", "is missing")
	v.oneOf("grant", p.Grant, "authorization_code", "client_credentials")
	v.protocol(p.Protocol)
	v.discovery(p.Discovery)
	v.registration(p.Register)
	if p.Grant == "client_credentials" {
		v.machine(p)
	} else {
		v.authorization(p)
	}
	v.oneOf("token.confidential_auth", p.Token.ConfidentialAuth, "client_secret_basic", "client_secret_post")
	for path, n := range map[string]int{
		"token.refresh_margin": p.Token.RefreshMargin, "authorization.state_length": p.Authorize.StateLength,
		"limits.discovery": p.Limits.Discovery, "limits.token": p.Limits.Token, "limits.refresh": p.Limits.Refresh,
		"limits.tool_call": p.Limits.ToolCall,
	} {
		v.when(n < 0, path, "%d is below 0", n)
	}
	for i, s := range p.Recognise {
		v.when(strings.Trim(s.UserAgent+s.Name, "*") == "", fmt.Sprintf("recognise[%d]", i), "would recognise everybody")
	}
	return v
}

// problems are what is wrong, each with the path of its knob.
type problems []error

func (v *problems) when(bad bool, path, format string, args ...any) {
	if bad {
		*v = append(*v, fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...)))
	}
}

func (v *problems) oneOf(path, got string, allowed ...string) {
	v.when(!slices.Contains(allowed, got), path, "%q is none of %s", got, strings.Join(allowed, ", "))
}

// someOf holds a list to allowed words, each at most once, at least one of them.
func (v *problems) someOf(path string, got []string, allowed ...string) {
	v.when(len(got) == 0, path, "is empty: it takes %s", strings.Join(allowed, ", "))
	for i, word := range got {
		v.oneOf(fmt.Sprintf("%s[%d]", path, i), word, allowed...)
		v.when(slices.Contains(got[:i], word), fmt.Sprintf("%s[%d]", path, i), "%q is there twice", word)
	}
}

func (v *problems) protocol(k probe.ProtocolKnobs) {
	v.when(len(k.Open) == 0, "protocol.open", "is empty: a client opens with something")
	for i, o := range k.Open {
		path := fmt.Sprintf("protocol.open[%d]", i)
		v.oneOf(path+".method", o.Method, "server/discover", "initialize")
		v.when(!isDate(o.Version), path+".version", "%q is no protocol revision", o.Version)
		v.when(isDate(o.Version) && (o.Method == "server/discover") != (o.Version >= "2026-07-28"), path,
			"%s does not belong to revision %s", o.Method, o.Version)
	}
	v.when(k.Client.Name == "" || k.Client.Version == "", "protocol.client_info", "name and version are required (MCP Implementation)")
}

// status is one of HTTP, or a class of them.
var status = regexp.MustCompile(`^[1-5](xx|[0-9][0-9])$`)

func (v *problems) discovery(k probe.DiscoveryKnobs) {
	v.someOf("discovery.resource_metadata", k.ResourceMetadata, "header", "path", "root")
	v.oneOf("discovery.resource_rule", k.ResourceRule, "exact", "prefix", "none")
	v.oneOf("discovery.resource_sent", k.ResourceSent, "", "canonical", "typed", "metadata", "metadata-alone")
	v.someOf("discovery.server_metadata", k.ServerMetadata, "oauth", "oidc-inserted", "oidc-appended")
	for i, class := range k.StopsAt {
		v.when(!status.MatchString(class), fmt.Sprintf("discovery.stops_at[%d]", i), "%q is neither a status nor a class like 5xx", class)
	}
	v.oneOf("discovery.issuer_rule", k.IssuerRule, "exact", "slash", "none")
	v.oneOf("discovery.fallback", k.Fallback, "mcp-origin", "none")
	v.when(len(k.Requires) == 0, "discovery.requires", "is empty: no client can do without a token_endpoint")
}

func (v *problems) registration(k probe.RegisterKnobs) {
	v.someOf("registration.order", k.Order, "preregistered", "cimd", "dcr")
	document, err := url.Parse(k.MetadataDocument)
	cimd := err == nil && document.Scheme == "https" && strings.Trim(document.Path, "/") != ""
	v.when(slices.Contains(k.Order, "cimd") && !cimd, "registration.metadata_document", "%q is no https URL with a path", k.MetadataDocument)
	v.when(!slices.Contains(k.Order, "cimd") && k.MetadataDocument != "", "registration.metadata_document", "cimd is not in registration.order")
	v.when(slices.Contains(k.Order, "dcr") != (k.Body != nil), "registration.body", "there must be one exactly if dcr is in registration.order")
	for _, filled := range []string{"redirect_uris", "scope"} {
		_, there := k.Body[filled]
		v.when(there, "registration.body."+filled, "is filled in, leave it out")
	}
}

// machine refuses what only a client with a user has (RFC 6749 section 4.4).
func (v *problems) machine(p *probe.Profile) {
	k := p.Authorize
	v.when(len(k.RedirectURIs)+len(k.Registered) > 0, "authorization.redirect_uris", "client_credentials has no redirect")
	v.when(k.OfflineAccess || k.PromptConsent || k.StateLength > 0 || k.VerifierLength > 0 || k.Resource || k.ChecksIss, "authorization",
		"client_credentials has no authorization request: only scopes apply")
	v.when(!slices.Equal(p.Register.Order, []string{"preregistered"}), "registration.order", "client_credentials is for pre-registered clients")
	v.someOf("authorization.scopes", k.Scopes, "challenge", "resource-metadata", "server-metadata", "none")
}

func (v *problems) authorization(p *probe.Profile) {
	k := p.Authorize
	v.someOf("authorization.scopes", k.Scopes, "challenge", "resource-metadata", "server-metadata", "none")
	v.when(len(k.RedirectURIs) == 0, "authorization.redirect_uris", "is empty: the user has to come back")
	for i, uri := range k.RedirectURIs {
		v.redirect(fmt.Sprintf("authorization.redirect_uris[%d]", i), uri, p.Hosted)
	}
	for i, uri := range k.Registered {
		v.redirect(fmt.Sprintf("authorization.registered[%d]", i), uri, p.Hosted)
	}
	v.when(k.VerifierLength < 43 || k.VerifierLength > 128, "authorization.verifier_length", "%d is not 43 to 128 (RFC 7636 4.1)", k.VerifierLength)
	v.when(k.PromptConsent && !k.OfflineAccess, "authorization.prompt_consent", "goes with offline_access, which is off")
	v.when(p.Token.Scope, "token.scope", "is for client_credentials")
}

// redirect holds a redirect URI to the forms of RFC 8252 section 7: https, loopback with or without a port, a scheme of the
// app's own; of a hosted client https only.
func (v *problems) redirect(path, raw string, hosted bool) {
	u, err := url.Parse(strings.Replace(raw, ":{port}", ":1", 1))
	if err != nil || u.Scheme == "" || u.Host == "" {
		v.when(true, path, "%q is no absolute URI with a host", raw)
		return
	}
	loopback := u.Hostname() == "localhost"
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
		loopback = ip.IsLoopback()
	}
	v.when(u.User != nil || strings.ContainsAny(raw, "#*"), path, "%q has a user, a fragment or a wildcard", raw)
	v.when(u.Scheme == "http" && !loopback, path, "%q: plain http is for loopback only", raw)
	v.when(strings.Contains(raw, "{port}") && !loopback, path, "%q: only a loopback port is free", raw)
	v.when(hosted && u.Scheme != "https", path, "%q: a hosted client comes back on https", raw)
}

func isDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}
