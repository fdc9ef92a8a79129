package probe

// Evidence is what a check asks for, finer than a stage. What an exchange is evidence of follows from it and the trace,
// never from the step that made it. Facts are evidence "fact:<kind>", marked exchanges "probe:<name>".
type Evidence string

const (
	// Connection is any request sent anywhere, answered or not.
	Connection Evidence = "connection"
	// Unauthenticated is a request to the MCP endpoint without a token, and its answer: the challenge, when there is one.
	Unauthenticated Evidence = "challenge"
	// Preflight is a CORS preflight (OPTIONS with Access-Control-Request-Method) of any path.
	Preflight Evidence = "preflight"
	// ResourceMetadata is the answer at a protected resource metadata URL (RFC 9728), whatever it says.
	ResourceMetadata Evidence = "resource-metadata"
	// ServerMetadata is the answer at an authorization server metadata URL (RFC 8414, OIDC Discovery), whatever it says.
	ServerMetadata Evidence = "server-metadata"
	// JWKS is the answer at the jwks_uri (RFC 7517).
	JWKS Evidence = "jwks"
	// Registration is a dynamic client registration request (RFC 7591), answered.
	Registration Evidence = "registration"
	// Authorization is the authorization request (RFC 6749 section 4.1.1), answered or handed to a browser.
	Authorization Evidence = "authorization"
	// Login is what a user's browser does at the authorization server between Authorization and Callback.
	Login Evidence = "login"
	// Callback is the authorization response (RFC 6749 section 4.1.2): a redirect that bears code or error, or its arrival.
	Callback Evidence = "callback"
	// TokenRequest is a token request for a code or by client credentials, answered.
	TokenRequest Evidence = "token"
	// AccessToken is an exchange in which an access token is borne or issued.
	AccessToken Evidence = "access-token"
	// Refresh is a token request with grant_type refresh_token, answered.
	Refresh Evidence = "refresh"
	// Introspection and Revocation are requests of RFC 7662 and RFC 7009.
	Introspection Evidence = "introspection"
	Revocation    Evidence = "revocation"
	// Initialize is initialize or server/discover with a token (or on an open server), answered.
	Initialize Evidence = "initialize"
	// ToolsList and ToolCall are tools/list and tools/call, answered.
	ToolsList Evidence = "tools"
	ToolCall  Evidence = "tool-call"
	// Stream is GET on the MCP endpoint with a token, or on an open server once the protocol is open.
	Stream Evidence = "stream"
	// SessionEnd is DELETE on the MCP endpoint.
	SessionEnd Evidence = "session-end"
	// Authenticated is any request to the MCP endpoint that bears a token, answered.
	Authenticated Evidence = "authenticated"
)

// OfFact names a kind of fact as evidence.
func OfFact(kind string) Evidence { return Evidence("fact:" + kind) }

// OfProbe names the exchanges of a probe as evidence.
func OfProbe(name string) Evidence { return Evidence("probe:" + name) }

// upstream is the one table of what must have come before: the nearest failure along it explains what was not reached.
var upstream = map[Evidence][]Evidence{
	Unauthenticated:  {Connection},
	Preflight:        {Connection},
	ResourceMetadata: {Unauthenticated, Connection},
	ServerMetadata:   {ResourceMetadata, Unauthenticated},
	JWKS:             {ServerMetadata},
	Registration:     {ServerMetadata},
	Authorization:    {Registration, ServerMetadata},
	Login:            {Authorization},
	Callback:         {Login, Authorization},
	TokenRequest:     {Callback, Registration, ServerMetadata},
	AccessToken:      {TokenRequest},
	Refresh:          {AccessToken, TokenRequest},
	Introspection:    {AccessToken},
	Revocation:       {AccessToken},
	Authenticated:    {AccessToken, TokenRequest},
	Initialize:       {AccessToken, TokenRequest},
	ToolsList:        {Initialize},
	ToolCall:         {ToolsList, Initialize},
	Stream:           {Initialize},
	SessionEnd:       {Initialize},

	"fact:login-end":           {Login, Authorization},
	"fact:token-signature":     {AccessToken, JWKS},
	"probe:wrong-audience":     {AccessToken},
	"probe:garbage-token":      {Unauthenticated},
	"probe:forged-token":       {JWKS, Unauthenticated},
	"probe:unknown-version":    {Initialize},
	"probe:wire-variant":       {Initialize},
	"probe:fresh-connection":   {Initialize},
	"probe:unknown-tool":       {ToolsList, Initialize},
	"probe:refresh-retry":      {Refresh},
	"probe:unknown-client":     {ServerMetadata},
	"probe:bad-redirect":       {Registration, ServerMetadata},
	"probe:no-pkce":            {Authorization, ServerMetadata},
	"probe:dead-refresh":       {Registration, ServerMetadata},
	"probe:foreign-origin":     {Connection},
	"probe:user-agent":         {Connection},
	"probe:user-agent-token":   {AccessToken},
	"probe:plain-http":         {Connection},
	"probe:origin":             {Unauthenticated, Connection},
	"probe:origin-token":       {AccessToken},
	"probe:other-path":         {Unauthenticated, Connection},
	"probe:copy":               {ServerMetadata, ResourceMetadata},
	"probe:other-redirect":     {Registration, ServerMetadata},
	"probe:authorization-page": {ServerMetadata},
	"probe:callback-redirect":  {ServerMetadata},
}

// Upstream returns what evidence e rests on, nearest first.
func Upstream(e Evidence) []Evidence { return upstream[e] }
