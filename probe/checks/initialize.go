package checks

import "github.com/mcpwiz/mcpwiz/probe"

var initialize = []*probe.Check{
	{
		ID: "initialize.token-accepted", Title: "the MCP server accepts the access token",
		Doc: "With the token in hand the client opens the protocol, and a 401 here means that the server and the authorization server disagree about the token: its audience, issuer, keys or time. " +
			"No client names the reason: Claude says that authorization failed, others ask to sign in again. " +
			"The error_description of the challenge and the findings on the token say what it is.",
		Stage: probe.StageInitialize, Level: probe.Must, Owner: probe.OwnerOrigin, Symptom: true,
		Spec: mcpAuth + "token-handling", Needs: []probe.Evidence{probe.Authenticated}, Judge: tokenAccepted,
	},
	{
		ID: "initialize.discover-falls-back", Title: "server/discover is answered, or refused so that a client can fall back",
		Doc: "Newer clients open with server/discover of MCP 2026-07-28, and turn to initialize when a server of the sessions' era refuses it with a 4xx or a JSON-RPC error. " +
			"A 5xx, a 403 or a 200 that is no JSON-RPC leaves them no way back, though initialize would have worked. " +
			"Implement server/discover, or answer unknown methods with 400 or 404.",
		Stage: probe.StageInitialize, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec:  "https://modelcontextprotocol.io/specification/2026-07-28/basic/versioning",
		Needs: []probe.Evidence{probe.Initialize}, After: []string{"challenge.endpoint-found", "initialize.token-accepted"}, Judge: fallsBack,
	},
	{
		ID: "initialize.content-type", Title: "MCP answers are JSON or an event stream, as labelled",
		Doc: "An answer to a request is application/json or text/event-stream (Streamable HTTP). " +
			"Another label, or a body that is not what its label says, makes the client drop a good answer. " +
			"A proxy that rewrites, compresses or wraps answers is the usual culprit.",
		Stage: probe.StageInitialize, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: mcpBase + "basic/transports#sending-messages-to-the-server", Needs: []probe.Evidence{probe.Initialize},
		After: []string{"challenge.endpoint-found", "initialize.token-accepted"}, Judge: contentType,
	},
	{
		ID: "initialize.version-negotiated", Title: "protocol versions are negotiated, not refused",
		Doc: "A client offers the newest version it knows, and the server answers with that or with one of its own. " +
			"A server that answers 400 to a version it does not know locks out every client that is newer than itself. " +
			"Answer initialize with your own version; answer server/discover with all of them.",
		Stage: probe.StageInitialize, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: mcpBase + "basic/lifecycle#version-negotiation", Needs: []probe.Evidence{probe.Initialize},
		After: []string{"initialize.token-accepted"}, Judge: versionNegotiated,
	},
	{
		ID: "initialize.answers", Title: "the protocol opens",
		Doc: "initialize, or server/discover in the stateless era, must be answered with a JSON-RPC result. " +
			"Without one the client shows the server as failed, after a good login. " +
			"The answer's own error says most; the server's log has the rest.",
		Stage: probe.StageInitialize, Level: probe.Must, Owner: probe.OwnerOrigin, Symptom: true,
		Spec: mcpBase + "basic/lifecycle#initialization", Needs: []probe.Evidence{probe.Initialize},
		After: []string{"initialize.token-accepted"}, Judge: opens,
	},
	{
		ID: "initialize.session-id-usable", Title: "the session id comes back with every request",
		Doc: "A server with sessions hands out Mcp-Session-Id with its answer to initialize, and the client sends it with every later request. " +
			"An empty id, or a client or proxy that drops it, shows as 400 or 404 after the first call. " +
			"Send an id of visible ASCII characters, or none at all and be stateless.",
		Stage: probe.StageInitialize, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: mcpBase + "basic/transports#session-management", Needs: []probe.Evidence{probe.Initialize},
		After: []string{"initialize.answers"}, Judge: sessionIDUsable,
	},
	{
		ID: "initialize.garbage-token-refused", Title: "a token of nonsense is refused with 401 invalid_token",
		Doc: "A server that lets a token of nonsense in verifies nothing. " +
			"One that answers 500 or 403 keeps its clients from signing in again, since only a 401 tells them that the token is bad. " +
			"Answer 401 with WWW-Authenticate: Bearer error=\"invalid_token\" and resource_metadata.",
		Stage: probe.StageInitialize, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec:  "https://www.rfc-editor.org/rfc/rfc6750#section-3.1",
		Needs: []probe.Evidence{probe.OfProbe("garbage-token")}, After: []string{"network.not-redirected", "challenge.host-accepted", "challenge.endpoint-found"}, Judge: garbageRefused,
	},
	{
		ID: "initialize.wrong-audience-refused", Title: "a token made for another resource is refused",
		Doc: "A server must take only tokens that were made for it: else any service of the realm can use its users' tokens there. " +
			"It shows when a good token with another audience gets in. " +
			"Compare aud with your own URL, byte for byte, and answer 401 invalid_token.",
		Stage: probe.StageInitialize, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: mcpAuth + "access-token-privilege-restriction", Needs: []probe.Evidence{probe.OfProbe("wrong-audience")}, Judge: audienceRefused,
	},
}
