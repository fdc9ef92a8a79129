package record

import (
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A handshake is one that goes on: its session, and what tells it apart.
type handshake struct {
	id      string
	session *probe.Session
	started time.Time
	// stirred is when evidence came last, settled whether its failures have been told to the log since then.
	stirred time.Time
	settled bool
	gate    gate

	grants  []string
	tokens  []string
	place   string
	subject string
	client  Client
	// agents are the User-Agents that were heard, habitMost of them.
	agents  []string
	profile *probe.Profile
	habits  habits
	// attempts are the last of its tokens that were refused with 401, refused how often that was; admitted says that a token of its own
	// was let in, or refused for another reason than the token.
	attempts []attempt
	refused  int
	admitted bool
	// spoken is true once the client itself was heard, told from its neighbours by its token.
	spoken bool
	// reached is the furthest stage the client asked for; tools whether its tools were listed.
	reached             probe.Stage
	tools               bool
	seen, held, dropped int
	size                int64
}

// Client is what an overheard client says of itself.
type Client struct {
	// UserAgent is of its last request; Name and Version are its clientInfo, or the client_name it registered.
	UserAgent, Name, Version string
	// Machine is true where its token is its own: no user signed in (RFC 6749 section 4.4).
	Machine bool
}

// String names the client for people.
func (c Client) String() string {
	switch {
	case c.Name != "" && c.Version != "":
		return c.Name + " " + c.Version
	case c.Name != "":
		return c.Name
	case c.UserAgent != "":
		return c.UserAgent
	}
	return "a client that does not say its name"
}

func newID() string { return strings.ToLower(rand.Text()[:10]) }

// learn takes from an exchange what the client says of itself, and reports whether that is news.
func (c *Client) learn(x probe.Exchange) bool {
	before := *c
	if agent := x.Request.Header.Get("User-Agent"); agent != "" {
		c.UserAgent = agent
	}
	body := x.Request.Body.Object()
	params, _ := body["params"].(map[string]any)
	meta, _ := params["_meta"].(map[string]any)
	for _, v := range []any{params["clientInfo"], meta["io.modelcontextprotocol/clientInfo"]} {
		info, _ := v.(map[string]any)
		if name, ok := info["name"].(string); ok && name != "" {
			c.Name = name
			c.Version, _ = info["version"].(string)
		}
	}
	if name, ok := body["client_name"].(string); ok && c.Name == "" {
		c.Name = name
	}
	if token, ok := x.Token("request.authorization"); ok {
		c.Machine = ofMachine(token)
	}
	return *c != before
}

// ofMachine reports whether a token was granted to a client for itself. Keycloak then writes client_id beside azp, and there is
// no session of a user; other servers' tokens are not known by their claims.
func ofMachine(t probe.Token) bool {
	id := t.Claim("client_id")
	return id != "" && id == t.Claim("azp") && t.Claims["sid"] == nil && t.Claims["auth_time"] == nil
}

// stageOf tells what a request on our paths was made for.
func stageOf(x probe.Exchange) probe.Stage {
	path := x.URL().Path
	switch {
	case strings.Contains(path, "/.well-known/oauth-protected-resource"):
		return probe.StageResourceMetadata
	case strings.Contains(path, "/.well-known/"):
		return probe.StageServerMetadata
	case path == "/register":
		return probe.StageRegistration
	case path == "/authorize":
		return probe.StageAuthorization
	case path == "/token":
		return probe.StageToken
	case !x.Bearer():
		return probe.StageChallenge
	case refused(x):
		return probe.StageToken
	}
	switch x.Request.Body.Method() {
	case "initialize", "server/discover", "notifications/initialized":
		return probe.StageInitialize
	case "tools/list", "tools/call":
		return probe.StageTools
	}
	return probe.StageSession
}

// refused reports whether the request did not get past the guard.
func refused(x probe.Exchange) bool {
	switch x.Status() {
	case 0, 400, 401, 403, 503:
		return true
	}
	return false
}

// heard is when anything of the handshake was heard last.
func (h *handshake) heard() time.Time {
	if last := time.Unix(0, h.gate.last.Load()); last.After(h.stirred) {
		return last
	}
	return h.stirred
}

// stir says that evidence has come.
func (h *handshake) stir(now time.Time) { h.stirred, h.settled = now, false }

// take keeps what an exchange on our paths says about the handshake, and returns the fingerprint of its token if that need
// no longer be listened to.
func (h *handshake) take(x probe.Exchange) string {
	h.seen++
	note(&h.agents, x.Request.Header.Get("User-Agent"))
	if stage := stageOf(x); slices.Index(probe.Stages, stage) > slices.Index(probe.Stages, h.reached) {
		h.reached = stage
	}
	token, ok := x.Token("request.authorization")
	if !ok || refused(x) {
		return ""
	}
	// Only a token that the guard let in says whose handshake this is.
	h.subject = fingerprint(token.Claim("sub"))
	if x.Request.Body.Method() == "tools/list" && x.Status() == 200 {
		h.tools = true
	}
	if !h.tools || x.Open || slices.Contains(h.tokens, token.Fingerprint) {
		return ""
	}
	return token.Fingerprint
}

// fingerprint returns that of a redacted value, or the value when it is one already.
func fingerprint(s string) string {
	if secret, ok := probe.Redacted(s); ok {
		return secret.Fingerprint
	}
	return s
}

// bulk estimates what an exchange holds in memory.
func bulk(x probe.Exchange) int64 {
	const frame = 2 << 10
	n := int64(frame) + min(x.Request.Body.Size, bodyMost)
	if x.Response != nil {
		n += min(x.Response.Body.Size, bodyMost)
	}
	return n
}

// bodyMost is what a tap keeps of an overheard body.
const bodyMost = 64 << 10
