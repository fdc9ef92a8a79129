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
		ID: "initialize.answer-matches", Title: "each answer is a JSON-RPC message with its request's id",
		Doc: "A client tells answers by their id, which must come back as it was sent: a number stays a number. " +
			"Another id, an array, or an object without jsonrpc is dropped, and the client waits until its time is over though the server has long answered. " +
			"Let an MCP SDK write the answers, and no proxy rewrite them.",
		Stage: probe.StageInitialize, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: mcpBase + "basic#responses", Needs: []probe.Evidence{probe.Initialize},
		After: []string{"challenge.endpoint-found", "initialize.token-accepted", "initialize.content-type"}, Judge: answerMatches,
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
		ID: "initialize.result-complete", Title: "the answer says who the server is and what it can do",
		Doc: "The result of initialize has capabilities and serverInfo, and the SDKs' schemas refuse it without them. " +
			"A server that has tools and does not say so in its capabilities is taken at its word by some clients: connected, and no tools. " +
			"Name tools among the capabilities, and serverInfo with name and version.",
		Stage: probe.StageInitialize, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: mcpBase + "basic/lifecycle#initialization", Needs: []probe.Evidence{probe.Initialize},
		After: []string{"initialize.token-accepted", "initialize.answers"}, Judge: resultComplete,
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
		ID: "initialize.notification-taken", Title: "notifications/initialized is taken",
		Doc: "Right after initialize the client says that it is ready, a notification that the server answers with 202 and nothing else. " +
			"SDK clients take any error there for a failed connection, although the server was open already. " +
			"Answer notifications with 202 and no body.",
		Stage: probe.StageInitialize, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: mcpBase + "basic/transports#sending-messages-to-the-server", Needs: []probe.Evidence{probe.Initialize},
		After: []string{"initialize.token-accepted", "initialize.answers"}, Judge: notificationTaken,
	},
	{
		ID: "initialize.newer-version", Title: "a client newer than the server is offered a version",
		Doc: "A server answers initialize at a version it does not know with one of its own, and the client decides. " +
			"One that refuses works until its clients are updated, and fails for all of them on one day. " +
			"Answer with your newest version whatever was asked for.",
		Stage: probe.StageInitialize, Level: probe.Should, Owner: probe.OwnerOrigin,
		Spec: mcpBase + "basic/lifecycle#version-negotiation", Needs: []probe.Evidence{probe.OfProbe("unknown-version")},
		After: []string{"initialize.answers"}, Judge: newerVersion,
	},
	{
		ID: "initialize.variants-taken", Title: "requests that other clients write in another way are taken too",
		Doc: "Clients differ in what the protocol leaves open: Content-Type with a charset, the order in Accept, no MCP-Protocol-Version, headers and _meta of their own. " +
			"A server or gateway that insists on one spelling answers 400, 406, 415 or 422 to some clients and works with others. " +
			"Parse media types instead of comparing them, and ignore what you do not know.",
		Stage: probe.StageInitialize, Level: probe.Should, Owner: probe.OwnerOrigin,
		Spec: mcpBase + "basic/transports#protocol-version-header", Needs: []probe.Evidence{probe.OfProbe("wire-variant")},
		After: []string{"initialize.answers"}, Judge: variantsTaken,
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
		ID: "initialize.forged-token-refused", Title: "a token that the authorization server did not sign is refused",
		Doc: "A server that reads a token's claims without verifying its signature refuses nonsense and still lets in whoever can write JSON. " +
			"Asked with the right issuer, audience and scopes, once with alg none and once with a random signature under a published key id, it must answer 401. " +
			"Verify signatures with the published keys, and take only algorithms from a list of your own.",
		Stage: probe.StageInitialize, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec:  "https://www.rfc-editor.org/rfc/rfc8725#section-3.1",
		Needs: []probe.Evidence{probe.OfProbe("forged-token")},
		After: []string{"network.not-redirected", "challenge.host-accepted", "challenge.endpoint-found", "initialize.garbage-token-refused"}, Judge: forgedRefused,
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
