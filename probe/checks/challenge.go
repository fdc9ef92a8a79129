package checks

import "github.com/mcpwiz/mcpwiz/probe"

const rfc6750 = "https://www.rfc-editor.org/rfc/rfc6750#section-"

var challenge = []*probe.Check{
	{
		ID: "challenge.host-accepted", Title: "the server's Host and Origin guard lets the client in",
		Doc: "Servers guard against DNS rebinding by refusing requests for names that are not theirs, and behind a tunnel the public name is such a name. " +
			"It shows as 421 or 403 with \"Invalid Host header\", only from outside. " +
			"Allow the public hostname: TransportSecuritySettings(allowed_hosts) in Python, DisableLocalhostProtection in Go, allowed_hosts in mcpwiz; or let the tunnel send originRequest.httpHostHeader: localhost.",
		Stage: probe.StageChallenge, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: mcpBase + "basic/transports#security-warning", Needs: []probe.Evidence{probe.Connection}, Judge: hostAccepted,
	},
	{
		ID: "challenge.endpoint-found", Title: "the URL is that of an MCP endpoint",
		Doc: "The client posts its messages to exactly the URL that was typed, and looks for no other. " +
			"The bare domain, a forgotten /mcp, or a proxy rule that leaves the path out shows as 404 or 405, or as a web page. " +
			"Type the endpoint's own URL, or serve POST at the one that was typed.",
		Stage: probe.StageChallenge, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: mcpBase + "basic/transports#sending-messages-to-the-server", Needs: []probe.Evidence{probe.Unauthenticated}, Judge: endpointFound,
	},
	{
		ID: "challenge.status-401", Title: "a request without a token is answered with 401",
		Doc: "Only the status 401 makes a client look for the authorization server and sign its user in. " +
			"With 200 it takes the server for an open one, 403 is final, a 500 looks broken; a WWW-Authenticate header or an error in the body of another status does nothing. " +
			"Check for the token before anything else, and answer 401 at the level of HTTP.",
		Stage: probe.StageChallenge, Level: probe.Must, Owner: probe.OwnerOrigin, Symptom: true,
		Spec: mcpAuth + "error-handling", Needs: []probe.Evidence{probe.Unauthenticated}, Judge: status401,
	},
	{
		ID: "challenge.bearer", Title: "the 401 says Bearer, or the metadata lie at their well-known place",
		Doc: "A client learns from WWW-Authenticate: Bearer resource_metadata=\"...\" where the resource metadata are, or finds them at /.well-known/oauth-protected-resource (MCP 2025-11-25 takes either). " +
			"With neither, clients fall back to /authorize on the MCP server's own host, where the user meets a 404. " +
			"Send the header; an API gateway may have renamed it to x-amzn-remapped-www-authenticate.",
		Stage: probe.StageChallenge, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: mcpAuth + "protected-resource-metadata-discovery-requirements", Needs: []probe.Evidence{probe.Unauthenticated}, Judge: bearerOffered,
	},
	{
		ID: "challenge.readable", Title: "the challenge is written so that every client can read it",
		Doc: "A challenge is a scheme, a space, and parameters with quoted values separated by commas; clients that read strictly drop anything else, and some read only the first challenge of the header. " +
			"The client then behaves as if there were no header at all. " +
			"Write WWW-Authenticate: Bearer resource_metadata=\"https://...\", scope=\"...\", before the challenges of other schemes.",
		Stage: probe.StageChallenge, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: "https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1", Needs: []probe.Evidence{probe.Unauthenticated}, Judge: readable,
	},
	{
		ID: "challenge.names-metadata", Title: "the challenge leads to the resource metadata",
		Doc: "resource_metadata is the URL of the document that names the authorization server (RFC 9728 section 5.1). " +
			"A relative URL is ignored, and without the parameter the document must lie at its well-known place, else the client guesses. " +
			"Write the absolute https URL into the challenge.",
		Stage: probe.StageChallenge, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec:  rfc9728 + "5.1",
		Needs: []probe.Evidence{probe.Unauthenticated}, After: []string{"challenge.bearer", "challenge.readable"}, Judge: namesMetadata,
	},
	{
		ID: "challenge.metadata-url-public", Title: "resource_metadata is a URL that the client can reach",
		Doc: "A server behind a proxy that ends TLS builds its URLs from what it sees itself: http, an internal name, its own port. " +
			"Clients refuse http, or cannot reach the name, and say that they found no authorization server. " +
			"Tell the server its public URL, or let it trust X-Forwarded-Proto and X-Forwarded-Host.",
		Stage: probe.StageChallenge, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec:  rfc9728 + "5.1",
		Needs: []probe.Evidence{probe.Unauthenticated}, After: []string{"challenge.bearer", "challenge.readable", "challenge.names-metadata"}, Judge: metadataURLPublic,
	},
	{
		ID: "challenge.scope-named", Title: "the scope that the server wants is named",
		Doc: "Clients ask for the scope of the challenge, else for the scopes_supported of the resource metadata; some read only one of the two. " +
			"Where neither names one, some ask for every scope that the authorization server has and are refused with invalid_scope, others for none and get a token without the audience. " +
			"Name the same scope in both.",
		Stage: probe.StageChallenge, Level: probe.Should, Owner: probe.OwnerOrigin,
		Spec: mcpAuth + "scope-selection-strategy", Needs: []probe.Evidence{probe.Unauthenticated}, After: []string{"challenge.bearer", "challenge.readable"}, Judge: scopeNamed,
	},
	{
		ID: "challenge.error-fits", Title: "the challenge to a request without a token blames no token",
		Doc: "An error in the challenge says what was wrong with a token, so a request without one should get none (RFC 6750 section 3.1). " +
			"Clients bear with invalid_token; insufficient_scope makes them ask for more scopes before they have signed in at all. " +
			"Leave error out where no token was sent.",
		Stage: probe.StageChallenge, Level: probe.Should, Owner: probe.OwnerOrigin,
		Spec: rfc6750 + "3.1", Needs: []probe.Evidence{probe.Unauthenticated}, After: []string{"challenge.bearer", "challenge.readable"}, Judge: errorFits,
	},
	{
		ID: "challenge.get-answered", Title: "GET without a token is answered like any other request",
		Doc: "Some clients knock with GET before they post anything, and all may open a stream by it. " +
			"A 500 or a web page there makes them give up, or fall back to a transport of the past. " +
			"Answer 401 without a token, and 405 where there is no stream.",
		Stage: probe.StageChallenge, Level: probe.Should, Owner: probe.OwnerOrigin,
		Spec: mcpBase + "basic/transports#listening-for-messages-from-the-server", Needs: []probe.Evidence{probe.Unauthenticated}, Judge: getAnswered,
	},
	{
		ID: "challenge.preflight", Title: "clients in a browser may call",
		Doc: "A client that runs in a web page asks by OPTIONS first, without a token, and reads only the headers that are exposed to it. " +
			"It shows as a CORS error in the browser's console; hosted Claude and native clients are not concerned. " +
			"Answer preflights before authentication, allow authorization, content-type, mcp-protocol-version, mcp-session-id, mcp-method and mcp-name, and expose WWW-Authenticate and Mcp-Session-Id.",
		Stage: probe.StageChallenge, Level: probe.Should, Owner: probe.OwnerOrigin,
		Spec: "https://fetch.spec.whatwg.org/#http-cors-protocol", Needs: []probe.Evidence{probe.Preflight}, Judge: preflightAllowed,
	},
	{
		ID: "challenge.foreign-origin-refused", Title: "a web page of a foreign origin is refused",
		Doc: "A page that the user happens to visit can call a server on their machine or network, by DNS rebinding even as if it were its own. " +
			"MCP has servers look at the Origin header and answer 403 where it is not one they know. " +
			"Check Origin against a list; requests without one come from no browser and may pass.",
		Stage: probe.StageChallenge, Level: probe.Should, Owner: probe.OwnerOrigin,
		Spec: mcpBase + "basic/transports#security-warning", Needs: []probe.Evidence{probe.OfProbe("foreign-origin")}, Judge: foreignRefused,
	},
}
