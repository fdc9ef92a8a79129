package checks

import "github.com/mcpwiz/mcpwiz/probe"

var authorization = []*probe.Check{
	{
		ID: "authorization.endpoint-on-authorization-server", Title: "the browser is sent to the authorization endpoint that the metadata name",
		Doc: "A client that finds no authorization server metadata it accepts falls back to the endpoints of the first MCP revision: /authorize, /token and /register on the MCP server's own host. " +
			"The user then sees a 404 of the MCP server instead of a login page. " +
			"Leaving authorization_endpoint out does not choose another grant, it makes the document invalid: mend the metadata, not the 404.",
		Stage: probe.StageAuthorization, Level: probe.Must, Owner: probe.OwnerOrigin, Symptom: true,
		Spec:  "https://modelcontextprotocol.io/specification/2025-03-26/basic/authorization#fallbacks-for-servers-without-metadata-discovery",
		Needs: []probe.Evidence{probe.Authorization}, Judge: endpointNamed,
	},
	{
		ID: "authorization.pkce-sent", Title: "the authorization request bears an S256 code challenge",
		Doc: "PKCE binds the code to the client that asked for it, and MCP requires it with S256 of every client. " +
			"A server that enforces it answers invalid_request; one that does not leaves the code open to theft. " +
			"It is the client that must send code_challenge and code_challenge_method=S256.",
		Stage: probe.StageAuthorization, Level: probe.Must, Owner: probe.OwnerClient,
		Spec: mcpAuth + "authorization-code-protection", Needs: []probe.Evidence{probe.Authorization}, Judge: pkceSent,
	},
	{
		ID: "authorization.client-known", Title: "the authorization server knows the client",
		Doc: "An unknown or disabled client gets an error page, not a redirect, so the client never learns of it. " +
			"The id was mistyped, the client was deleted or pruned, the realm was set up anew, or the id is the URL of a metadata document that the server does not take. " +
			"Make the client again (mcpwiz setup), or remove the connection in the client so that it registers anew.",
		Stage: probe.StageAuthorization, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc6749 + "4.1.2.1", Needs: []probe.Evidence{probe.Authorization}, Judge: clientKnown,
	},
	{
		ID: "authorization.redirect-accepted", Title: "the client's redirect URI is registered",
		Doc: "Redirect URIs are compared byte for byte, and a wrong one gets an error page instead of a redirect. " +
			"Hosted Claude uses https://claude.ai/api/mcp/auth_callback and may use the same path on claude.com; native clients use a free port of localhost and of 127.0.0.1, which are two names. " +
			"Add the URI that was sent to the client's valid redirect URIs.",
		Stage: probe.StageAuthorization, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc6749 + "3.1.2.4", Needs: []probe.Evidence{probe.Authorization}, Judge: redirectAccepted,
	},
	{
		ID: "authorization.all-redirects-accepted", Title: "the client may come back to each of its callbacks",
		Doc: "A client has more than one redirect URI: Claude answers at claude.ai and at claude.com, others on loopback by name and by number, or on the web and on the desk. " +
			"Where only one of them is registered the login works today and ends on an error page after an update, or for another user. " +
			"Register all of them on the client, byte for byte (mcpwiz setup does).",
		Stage: probe.StageAuthorization, Level: probe.Should, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc6749 + "3.1.2.3", Needs: []probe.Evidence{probe.OfProbe("other-redirect")}, Judge: allRedirectsAccepted,
	},
	{
		ID: "authorization.page-shown", Title: "the authorization endpoint shows a page or redirects",
		Doc: "This is where the user's browser arrives: it must get a login page, or a redirect when there is a session already. " +
			"An error page, a 404 or an Access login here is what the user reports as \"Claude opened a broken page\". " +
			"The page's own text tells most; what explains it stands beside this finding.",
		Stage: probe.StageAuthorization, Level: probe.Must, Owner: probe.OwnerAuthorizationServer, Symptom: true,
		Spec: rfc6749 + "3.1", Needs: []probe.Evidence{probe.Authorization},
		After: []string{"authorization.endpoint-on-authorization-server"}, Judge: pageShown,
	},
	{
		ID: "authorization.login-walked", Title: "the login comes to its end",
		Doc: "Between the login page and the redirect back lie the realm's own pages: password, one-time code, consent, and sometimes another identity provider. " +
			"A page that only a person in a browser can pass ends a headless login; a wrong password or a disabled account ends any. " +
			"Use a browser for such a realm, or a test user without these steps.",
		Stage: probe.StageAuthorization, Level: probe.Must, Owner: probe.OwnerClient,
		Spec: rfc6749 + "3.1", Needs: []probe.Evidence{probe.Login}, Judge: loginWalked,
	},
	{
		ID: "authorization.scope-accepted", Title: "the scopes asked for are granted to the client",
		Doc: "One scope that the client may not ask for spoils the whole request: the answer is error=invalid_scope. " +
			"Clients ask what the challenge or the resource metadata name, most add offline_access when the server lists it, and some ask for all scopes_supported when nothing is named. " +
			"Publish the scope of the MCP server, and make it and offline_access optional or default scopes of the client.",
		Stage: probe.StageAuthorization, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: mcpAuth + "scope-selection-strategy", Needs: []probe.Evidence{probe.Callback}, Judge: scopeAccepted,
	},
	{
		ID: "authorization.code-issued", Title: "the authorization response bears a code",
		Doc: "The redirect back to the client bears a code, or an error with its reason (RFC 6749 section 4.1.2). " +
			"Clients tell the user little of the error: Claude says only that authorization failed. " +
			"The error and its description are the authorization server's own words; its event log has more.",
		Stage: probe.StageAuthorization, Level: probe.Must, Owner: probe.OwnerAuthorizationServer, Symptom: true,
		Spec: rfc6749 + "4.1.2", Needs: []probe.Evidence{probe.Callback}, Judge: codeIssued,
	},
	{
		ID: "authorization.response-once", Title: "the parameters of the authorization response come once",
		Doc: "A response that bears code, state or iss twice says two things at once, and what a client takes of it is chance. " +
			"Careful clients drop it, since a second code or iss is how one login is mixed up with another; it shows as an error at the callback after a good login. " +
			"Send each parameter once, and look for a plugin or a proxy that writes the redirect anew.",
		Stage: probe.StageAuthorization, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc6749 + "3.1", Needs: []probe.Evidence{probe.Callback}, Judge: responseOnce,
	},
	{
		ID: "authorization.response-by-get", Title: "the browser brings the response by GET, in the query",
		Doc: "Callbacks of hosted clients answer GET alone. " +
			"A 307 after the consent form repeats the POST at the callback, form_post does the same, and a fragment never reaches a server: the user sees Method Not Allowed, or a page that waits for ever. " +
			"Redirect with 302 or 303 and put the response into the query.",
		Stage: probe.StageAuthorization, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: "https://www.rfc-editor.org/rfc/rfc9700#section-4.12", Needs: []probe.Evidence{probe.Callback}, Judge: byGet,
	},
	{
		ID: "authorization.comes-back", Title: "the login comes back to the client",
		Doc: "A login ends with a redirect to the client that bears a code or an error; until then the client waits. " +
			"It ends nowhere where a page leads to another site, loops, asks for what nobody can give, or leads to a redirect URI that is not the client's. " +
			"What is said here is what the sign-in met; the findings on the pages before it tell more.",
		Stage: probe.StageAuthorization, Level: probe.Must, Owner: probe.OwnerAuthorizationServer, Symptom: true,
		Spec: rfc6749 + "4.1.2", Needs: []probe.Evidence{probe.OfFact("login-end")}, Judge: cameBack,
		After: []string{
			"authorization.endpoint-on-authorization-server", "authorization.client-known", "authorization.redirect-accepted", "authorization.page-shown",
			"authorization.login-walked", "authorization.scope-accepted", "authorization.code-issued", "authorization.response-by-get",
		},
	},
	{
		ID: "authorization.state-kept", Title: "state comes back unchanged",
		Doc: "The client compares the state of the response with the one it sent, and drops a response where they differ. " +
			"A proxy that decodes and encodes the query again is the usual culprit. " +
			"Return state byte for byte.",
		Stage: probe.StageAuthorization, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc6749 + "4.1.2", Needs: []probe.Evidence{probe.Callback, probe.Authorization}, Judge: stateKept,
	},
	{
		ID: "authorization.iss-matches", Title: "iss of the response is the issuer of the metadata",
		Doc: "Clients of MCP 2026-07-28 compare iss with the issuer they found, character by character, and refuse a response without iss where the metadata promise it (RFC 9207). " +
			"It shows as a login that succeeds and a client that gives up with \"issuer mismatch\". " +
			"Give the authorization server one public name: KC_HOSTNAME, and no frontendUrl of another name on the realm.",
		Stage: probe.StageAuthorization, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: "https://www.rfc-editor.org/rfc/rfc9207#section-2.4", Needs: []probe.Evidence{probe.Callback}, Judge: issMatches,
	},
	{
		ID: "authorization.pkce-enforced", Title: "a request without a code challenge is refused",
		Doc: "PKCE protects only where the server insists on it: a client without the setting is served without. " +
			"It shows as a login page for an authorization request that bears no code_challenge. " +
			"Set \"Proof Key for Code Exchange Code Challenge Method\" to S256 on the client (pkce.code.challenge.method), or a client policy for all.",
		Stage: probe.StageAuthorization, Level: probe.Should, Owner: probe.OwnerAuthorizationServer,
		Spec: mcpAuth + "authorization-code-protection", Needs: []probe.Evidence{probe.OfProbe("no-pkce")}, Judge: pkceEnforced,
	},
	{
		ID: "authorization.bad-redirect-refused", Title: "a redirect URI that is not registered is refused",
		Doc: "A server that redirects to whatever it is told hands codes to anybody. " +
			"With an unregistered redirect URI it must show an error page and must not redirect (RFC 6749 section 4.1.2.1). " +
			"Look for a wildcard among the client's valid redirect URIs: Keycloak accepts * silently.",
		Stage: probe.StageAuthorization, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc6749 + "4.1.2.1", Needs: []probe.Evidence{probe.OfProbe("bad-redirect")}, Judge: badRedirectRefused,
	},
}
