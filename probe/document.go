package probe

import (
	"net/url"
	"slices"
	"strings"
)

// A Document is a metadata document as it was served.
type Document struct {
	Exchange *Exchange
	Members  map[string]any
}

// String returns a member that is a string, "" when it is absent or something else.
func (d *Document) String(name string) string { s, _ := d.member(name).(string); return s }

// Strings returns a member that is an array of strings (or one string); nil when it is absent or something else.
func (d *Document) Strings(name string) []string { return stringsOf(d.member(name)) }

// True reports whether a member is the JSON value true.
func (d *Document) True(name string) bool { b, _ := d.member(name).(bool); return b }

// Has reports whether a member is there, whatever its value.
func (d *Document) Has(name string) bool { return d != nil && d.Members[name] != nil }

func (d *Document) member(name string) any {
	if d == nil {
		return nil
	}
	return d.Members[name]
}

// Metadata returns the document in an answer: 200 with a JSON object; nil for anything else.
func (x *Exchange) Metadata() *Document {
	if x == nil || x.Status() != 200 {
		return nil
	}
	if o := x.Answer().Object(); o != nil {
		return &Document{x, o}
	}
	return nil
}

// ResourceMetadata returns the protected resource metadata that a client would use: the first answer that is a document
// with a resource and an authorization server; nil when there is none.
func (t *Trace) ResourceMetadata() *Document { return t.indexed().resource }

// ServerMetadata returns the authorization server metadata that the client at hand would use: the first answer that is
// a document with all members the profile requires; nil when there is none.
func (t *Trace) ServerMetadata() *Document { return t.indexed().server }

// Documents returns every answer that is a JSON object among the exchanges that are evidence e, usable or not.
func (t *Trace) Documents(e Evidence) []*Document {
	var all []*Document
	for _, x := range t.Of(e) {
		if d := x.Metadata(); d != nil {
			all = append(all, d)
		}
	}
	return all
}

func usable(t *Trace, xs []*Exchange, required ...string) *Document {
	for _, x := range xs {
		d := x.Metadata()
		if d != nil && !slices.ContainsFunc(required, func(name string) bool { return !d.Says(name) }) {
			return d
		}
	}
	return nil
}

// Says reports whether a member is a string, or an array of strings that begins with one, that is not empty.
func (d *Document) Says(name string) bool {
	all := d.Strings(name)
	return len(all) > 0 && all[0] != ""
}

// RequiredMembers returns the members without which server metadata is invalid to the client at hand: the profile's, else
// those a client of the authorization code grant needs (RFC 8414 section 2).
func (t *Trace) RequiredMembers() []string {
	if t.Profile != nil && len(t.Profile.Discovery.Requires) > 0 {
		return t.Profile.Discovery.Requires
	}
	return []string{"issuer", "authorization_endpoint", "token_endpoint"}
}

// ServerMetadataURLs returns the well-known URLs of an issuer by form: oauth (RFC 8414 section 3.1), oidc-inserted and
// oidc-appended (MCP 2025-11-25, authorization server metadata discovery). For an issuer without a path the last two are one.
func ServerMetadataURLs(issuer string) map[string]string {
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return nil
	}
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	root := u.Scheme + "://" + u.Host
	return map[string]string{
		"oauth":         root + "/.well-known/oauth-authorization-server" + path,
		"oidc-inserted": root + "/.well-known/openid-configuration" + path,
		"oidc-appended": root + path + "/.well-known/openid-configuration",
	}
}

// ResourceMetadataURLs returns the well-known URLs of a resource by place: path (RFC 9728 section 3.1) and root.
func ResourceMetadataURLs(resource string) map[string]string {
	u, err := url.Parse(resource)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return nil
	}
	root := u.Scheme + "://" + u.Host
	return map[string]string{
		"path": root + resourcePrefix + strings.TrimSuffix(u.EscapedPath(), "/"),
		"root": root + resourcePrefix,
	}
}
