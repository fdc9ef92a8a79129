package probe

import (
	"slices"
	"strings"
	"time"
)

// A Profile says how one client behaves, as data with the place and the day each thing was seen. It has knobs, never code.
type Profile struct {
	// ID is the name on the command line, "claude-ai"; Title is for people; Date is of the newest fact, yyyy-mm-dd.
	ID    string `json:"id"`
	Title string `json:"title"`
	Date  string `json:"date"`
	// Hosted is true for a client that connects from its vendor's cloud: only public https names on port 443 reach it.
	Hosted bool `json:"hosted"`
	// Grant is authorization_code or client_credentials.
	Grant     string         `json:"grant"`
	Protocol  ProtocolKnobs  `json:"protocol"`
	Headers   HeaderKnobs    `json:"headers"`
	Discovery DiscoveryKnobs `json:"discovery"`
	Register  RegisterKnobs  `json:"registration"`
	Authorize AuthorizeKnobs `json:"authorization"`
	Token     TokenKnobs     `json:"token"`
	Limits    LimitKnobs     `json:"limits"`
	// Recognise tells the client, when it is overheard, by what it says of itself; any one sign will do.
	Recognise []Sign           `json:"recognise,omitempty"`
	Facts     map[string]Known `json:"facts"`
	// Unknown lists knobs, by their path, of which nothing is known; they have the value a careful client would have.
	Unknown []string `json:"unknown,omitempty"`
}

// StaleAfter is how old a profile may be before it is said to be old: clients change within months.
const StaleAfter = 90 * 24 * time.Hour

// Stale reports whether something that was seen on a day, yyyy-mm-dd, is too old at a time to be relied on.
func Stale(seen string, now time.Time) bool { return age(seen, now) > StaleAfter }

// Days is how many days ago a day was, yyyy-mm-dd.
func Days(seen string, now time.Time) int { return int(age(seen, now) / (24 * time.Hour)) }

// age is 0 of what is no date, which no profile has.
func age(seen string, now time.Time) time.Duration {
	day, err := time.Parse(time.DateOnly, seen)
	if err != nil {
		return 0
	}
	return now.Sub(day)
}

// Fact returns what is known of where a knob's value comes from, by the knob's path or that of a group around it.
func (p *Profile) Fact(path string) (Known, bool) {
	for ; path != ""; path = around(path) {
		if known, ok := p.Facts[path]; ok {
			return known, true
		}
	}
	return Known{}, false
}

// Knows reports whether a knob's value rests on something that was seen: of the nearest group around it of which anything is
// said, it is not said that nothing is known.
func (p *Profile) Knows(path string) bool {
	for ; path != ""; path = around(path) {
		if slices.Contains(p.Unknown, path) {
			return false
		}
		if _, ok := p.Facts[path]; ok {
			return true
		}
	}
	return false
}

// around returns the group that a knob or a group is in, "" for none.
func around(path string) string { return path[:max(strings.LastIndexByte(path, '.'), 0)] }

// Known says where and when something about a client was seen.
type Known struct {
	// Grade is observed, documented, stated, code, reported or inferred.
	Grade  string `json:"grade"`
	Source string `json:"source"`
	Seen   string `json:"seen"`
}

// A Sign is what a client says of itself: its User-Agent begins with UserAgent, and its name (clientInfo, or the client_name
// it registers) is like Name, in which * stands for any characters. An empty part is not looked at.
type Sign struct {
	UserAgent string `json:"user_agent,omitempty"`
	Name      string `json:"name,omitempty"`
}

// ProtocolKnobs say how the client opens the MCP protocol.
type ProtocolKnobs struct {
	// Open lists what the client sends first, in order of fallback: {"server/discover","2026-07-28"}, {"initialize","2025-11-25"}.
	Open []ProtocolOpening `json:"open"`
	// Client is its clientInfo; Capabilities are sent as they stand.
	Client       ClientInfo     `json:"client_info"`
	Capabilities map[string]any `json:"capabilities,omitempty"`
	// GetStream, Delete: whether it opens GET on the endpoint, and ends its session with DELETE (2025 era).
	GetStream bool `json:"get_stream,omitempty"`
	Delete    bool `json:"delete,omitempty"`
}

// ProtocolOpening is one way to open the protocol.
type ProtocolOpening struct {
	Method  string `json:"method"`
	Version string `json:"version"`
}

// ClientInfo is MCP's Implementation.
type ClientInfo struct {
	Name    string `json:"name"`
	Title   string `json:"title,omitempty"`
	Version string `json:"version"`
}

// HeaderKnobs are the headers that differ between clients. An absent User-Agent is told by null, not by "".
type HeaderKnobs struct {
	MCPUserAgent   *string `json:"mcp_user_agent"`
	OAuthUserAgent *string `json:"oauth_user_agent"`
	OAuthAccept    *string `json:"oauth_accept"`
	// DiscoveryVersion is MCP-Protocol-Version on metadata requests, "" for none.
	DiscoveryVersion string `json:"discovery_version,omitempty"`
	// PageOrigin is of the web page in which the client runs too, "" for none: a browser asks first whether that page may call
	// (Fetch, CORS-preflight fetch).
	PageOrigin string `json:"page_origin,omitempty"`
}

// DiscoveryKnobs say how the client finds the authorization server and what it demands of the documents.
type DiscoveryKnobs struct {
	// AsksEndpointFirst is false for a client whose login starts at the resource metadata without a request to the endpoint.
	AsksEndpointFirst bool `json:"asks_endpoint_first"`
	// ResourceMetadata is the order of places: header, path, root.
	ResourceMetadata []string `json:"resource_metadata"`
	// ResourceRule is exact (resource equals the URL as typed), prefix (same origin and path prefix) or none.
	ResourceRule string `json:"resource_rule"`
	// ResourceSent is what goes out as resource (RFC 8707): canonical (the URL in lower case of scheme and host, without a
	// default port and a slash at the end), typed (the slash stays), metadata (the resource of the metadata that were taken,
	// byte for byte; without them as typed) or metadata-alone (without them none). "" is canonical.
	ResourceSent string `json:"resource_sent,omitempty"`
	// FirstServerOnly: only authorization_servers[0] is used.
	FirstServerOnly bool `json:"first_server_only"`
	// ServerMetadata is the order of well-known forms: oauth, oidc-inserted, oidc-appended (MCP 2025-11-25).
	ServerMetadata []string `json:"server_metadata"`
	// StopsAt lists statuses or classes of them (500, 5xx) at a server metadata URL after which no further one is asked; after
	// others the client goes on (MCP 2025-11-25 has clients try all).
	StopsAt []string `json:"stops_at,omitempty"`
	// IssuerRule is exact, slash (one trailing slash is forgiven) or none: metadata issuer against the issuer asked (RFC 8414 3.3).
	IssuerRule string `json:"issuer_rule"`
	// Requires lists metadata members without which the document is invalid to the client.
	Requires []string `json:"requires"`
	// RequiresS256: refuses a server that does not list S256 in code_challenge_methods_supported.
	RequiresS256 bool `json:"requires_s256"`
	// Fallback is what follows when no metadata can be used: mcp-origin (/authorize, /token and /register on the MCP
	// server's origin) or none.
	Fallback string `json:"fallback"`
}

// RegisterKnobs say how the client gets its id.
type RegisterKnobs struct {
	// Order of preregistered, cimd, dcr.
	Order []string `json:"order"`
	// MetadataDocument is the client id metadata document's URL; it is taken only if the server lists none among its
	// token endpoint auth methods where DocumentNeedsNone.
	MetadataDocument  string `json:"metadata_document,omitempty"`
	DocumentNeedsNone bool   `json:"document_needs_none,omitempty"`
	// Body is the registration request; redirect_uris and scope are filled in. ScopeInBody: whether scope is sent.
	Body        map[string]any `json:"body,omitempty"`
	ScopeInBody bool           `json:"scope_in_body,omitempty"`
}

// AuthorizeKnobs say what the authorization request looks like.
type AuthorizeKnobs struct {
	// RedirectURIs: those of the vendor's cloud, or loopback ones ({port} is replaced by a free port).
	RedirectURIs []string `json:"redirect_uris"`
	// Registered are further forms to put on a pre-registered client (loopback without port, RFC 8252 7.3).
	Registered []string `json:"registered,omitempty"`
	// Scopes is the ladder: challenge, resource-metadata, server-metadata (the whole scopes_supported), none.
	Scopes []string `json:"scopes"`
	// OfflineAccess: added when the server's scopes_supported lists it; PromptConsent: prompt=consent goes with it.
	OfflineAccess bool `json:"offline_access"`
	PromptConsent bool `json:"prompt_consent,omitempty"`
	// StateLength in characters, 0 for no state; VerifierLength of RFC 7636, 43 to 128.
	StateLength    int `json:"state_length"`
	VerifierLength int `json:"verifier_length"`
	// Resource: sent as RFC 8707 on the authorization request.
	Resource bool `json:"resource"`
	// ChecksIss: compares the iss of the response (RFC 9207).
	ChecksIss bool `json:"checks_iss"`
}

// TokenKnobs say what token requests look like.
type TokenKnobs struct {
	// ConfidentialAuth is client_secret_basic or client_secret_post, for a client with a secret.
	ConfidentialAuth string `json:"confidential_auth"`
	Resource         bool   `json:"resource"`
	RefreshResource  bool   `json:"refresh_resource"`
	// Scope: whether a client_credentials request names scopes.
	Scope bool `json:"scope,omitempty"`
	// RefreshMargin in seconds: a token with no more to live than this is renewed before a request.
	RefreshMargin int `json:"refresh_margin"`
}

// LimitKnobs are in seconds, 0 for unknown.
type LimitKnobs struct {
	Discovery int `json:"discovery"`
	Token     int `json:"token"`
	Refresh   int `json:"refresh"`
	ToolCall  int `json:"tool_call"`
}
