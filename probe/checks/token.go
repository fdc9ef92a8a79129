package checks

import "github.com/mcpwiz/mcpwiz/probe"

var token = []*probe.Check{
	{
		ID: "token.endpoint-speaks-oauth", Title: "the token endpoint takes a form and answers in JSON",
		Doc: "Clients send application/x-www-form-urlencoded and expect a JSON object, a success as 200 and an error as 400 or 401 (RFC 6749 sections 4.1.3 and 5). " +
			"415, a redirect, an HTML page of something in front, or a 200 that bears an error all end the login after the user has already signed in. " +
			"Take what stands in front of the token endpoint away, or mend the endpoint.",
		Stage: probe.StageToken, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc6749 + "5.2", Needs: []probe.Evidence{probe.TokenRequest}, Judge: speaksOAuth,
	},
	{
		ID: "token.client-authenticated", Title: "the client's credentials are accepted",
		Doc: "At the token endpoint a confidential client proves itself with its secret, and a public one must not need to. " +
			"It shows as 401 after a good login: Keycloak says unauthorized_client for a wrong or missing secret, invalid_client for a client it does not know. " +
			"Type the secret in again (mcpwiz credentials), or make the client's type match: public clients have no secret.",
		Stage: probe.StageToken, Level: probe.Must, Owner: probe.OwnerClient,
		Spec: rfc6749 + "5.2", Needs: []probe.Evidence{probe.TokenRequest}, Judge: clientAuthenticated,
	},
	{
		ID: "token.m2m-grant-enabled", Title: "the client may use client_credentials",
		Doc: "A machine's client gets its token by client_credentials, which Keycloak allows to confidential clients with service accounts switched on. " +
			"It shows as 401 unauthorized_client with a text on service accounts. " +
			"Switch service accounts on for the client; hosted Claude never uses this grant, whatever the client may do.",
		Stage: probe.StageToken, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec:  "https://modelcontextprotocol.io/extensions/auth/oauth-client-credentials",
		Needs: []probe.Evidence{probe.TokenRequest}, Judge: machineGrant,
	},
	{
		ID: "token.code-accepted", Title: "the code is redeemed: PKCE verifier and redirect URI fit",
		Doc: "The token request must repeat the redirect URI of the authorization request and bear the verifier of its challenge, within the minute that a code lives. " +
			"It shows as 400 invalid_grant, and the description says which of them it was. " +
			"A code is good once: a retry answers \"Code not valid\" whatever was wrong first.",
		Stage: probe.StageToken, Level: probe.Must, Owner: probe.OwnerClient,
		Spec: rfc6749 + "4.1.3", Needs: []probe.Evidence{probe.TokenRequest}, Judge: codeAccepted,
	},
	{
		ID: "token.resource-accepted", Title: "the resource parameter is accepted",
		Doc: "MCP clients send resource on every token request (RFC 8707). " +
			"Keycloak ignores it by default; with the feature resource-indicators it answers invalid_target until a client of the realm has the attribute resource_url with the MCP server's URL and an audience mapper names that client. " +
			"The authorization endpoint accepts any resource, so the failure comes after the login.",
		Stage: probe.StageToken, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: "https://www.rfc-editor.org/rfc/rfc8707#section-2", Needs: []probe.Evidence{probe.TokenRequest}, Judge: resourceAccepted,
	},
	{
		ID: "token.scope-accepted", Title: "the scopes of the token request are granted",
		Doc: "A machine names its scopes in the token request, and one that is not the client's spoils them all. " +
			"It shows as 400 invalid_scope with the whole list; an empty scope is refused too. " +
			"Make the scopes optional or default scopes of the client.",
		Stage: probe.StageToken, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc6749 + "3.3", Needs: []probe.Evidence{probe.TokenRequest}, Judge: scopeAtToken,
	},
	{
		ID: "token.issued", Title: "an access token is issued",
		Doc: "The token request turns the code, or the machine's own credentials, into an access token. " +
			"When it fails the user has signed in for nothing: Claude says only that authorization failed. " +
			"The error of the token endpoint says why; the findings beside this one tell it in words.",
		Stage: probe.StageToken, Level: probe.Must, Owner: probe.OwnerAuthorizationServer, Symptom: true,
		Spec: rfc6749 + "5.1", Needs: []probe.Evidence{probe.TokenRequest}, Judge: tokenIssued,
	},
	{
		ID: "token.answer-valid", Title: "the token answer is complete and well formed",
		Doc: "Clients read the answer with strict schemas: token_type must be Bearer and expires_in a number (RFC 6749 section 5.1). " +
			"A missing token_type or a number in quotes makes them drop a good token. " +
			"The answer must not be kept by a cache either: Cache-Control: no-store.",
		Stage: probe.StageToken, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc6749 + "5.1", Needs: []probe.Evidence{probe.TokenRequest}, After: []string{"token.issued"}, Judge: answerValid,
	},
	{
		ID: "token.audience-names-target", Title: "the token's audience is the MCP server's URL",
		Doc: "An MCP server must take only tokens made for it, and tells them by aud, compared byte for byte. " +
			"Keycloak ignores the resource parameter, so aud is there only where an audience mapper writes it: the login succeeds and the first call answers 401. " +
			"Put an audience mapper (Included Custom Audience, add to access token) with the exact URL into a client scope, and make that scope a default scope of the client.",
		Stage: probe.StageToken, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: mcpAuth + "token-handling", Needs: []probe.Evidence{probe.AccessToken}, Judge: audienceNamesTarget,
	},
	{
		ID: "token.issuer-matches", Title: "the token's issuer is the one that the metadata name",
		Doc: "The MCP server verifies iss byte for byte against the issuer it was told. " +
			"A Keycloak without a fixed hostname writes the name it was called by, so a token fetched over an internal name or over http bears another issuer. " +
			"Set KC_HOSTNAME to the full public URL, and use that URL everywhere.",
		Stage: probe.StageToken, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: "https://www.rfc-editor.org/rfc/rfc9068#section-4", Needs: []probe.Evidence{probe.AccessToken}, Judge: issuerMatches,
	},
	{
		ID: "token.signature-verifies", Title: "the token's signature verifies with a published key",
		Doc: "The MCP server checks each token with the keys at jwks_uri, chosen by kid. " +
			"A stale key cache, a proxy that serves another realm's keys, or a symmetric algorithm make good tokens fail with 401. " +
			"Publish the key that signs, and fetch the keys again when an unknown kid comes.",
		Stage: probe.StageToken, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: "https://www.rfc-editor.org/rfc/rfc9068#section-4", Needs: []probe.Evidence{probe.OfFact("token-signature")}, Judge: signatureVerifies,
	},
	{
		ID: "token.scope-granted", Title: "the token bears the MCP server's scope",
		Doc: "The server names the scopes it wants, and looks for them in the token's scope claim. " +
			"In Keycloak a scope may be missing because it is neither default nor asked for, because its role is not the user's, or because include.in.token.scope is off: the audience is then right and the answer 403 all the same. " +
			"Make the scope a default scope of the client and leave include.in.token.scope on.",
		Stage: probe.StageToken, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc6749 + "3.3", Needs: []probe.Evidence{probe.AccessToken}, Judge: scopeGranted,
	},
	{
		ID: "token.clock", Title: "the token is valid now by the MCP server's clock",
		Doc: "iat and nbf in the future, or an exp that is already over, make a fresh token invalid: some verifiers allow no leeway at all. " +
			"It shows as a 401 right after a good login, gone a minute later. " +
			"Synchronise the clocks of both hosts (NTP) and allow 30 seconds; behind an edge the Date header is the edge's.",
		Stage: probe.StageToken, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: "https://www.rfc-editor.org/rfc/rfc7519#section-4.1.5", Needs: []probe.Evidence{probe.AccessToken}, Judge: tokenClock,
	},
	{
		ID: "token.sub-present", Title: "the token names its subject",
		Doc: "Servers tell users apart by sub, and some libraries refuse a token without it. " +
			"Since Keycloak 25 sub comes from the client scope basic, and a lightweight access token has none. " +
			"Give the client the default scope basic back and switch lightweight access tokens off.",
		Stage: probe.StageToken, Level: probe.Should, Owner: probe.OwnerAuthorizationServer,
		Spec: "https://www.rfc-editor.org/rfc/rfc9068#section-2.2", Needs: []probe.Evidence{probe.AccessToken}, Judge: subPresent,
	},
	{
		ID: "token.size", Title: "the token fits into a header line",
		Doc: "Servers and proxies take header lines of about 8 kB, and the token travels in one. " +
			"Roles, groups and organizations of a user swell it; it shows as 431 or 400 for some users only. " +
			"Switch Full Scope Allowed off for the client and take the mappers that the MCP server does not need away.",
		Stage: probe.StageToken, Level: probe.Should, Owner: probe.OwnerAuthorizationServer,
		Spec: "https://www.rfc-editor.org/rfc/rfc6585#section-5", Needs: []probe.Evidence{probe.AccessToken}, Judge: tokenSize,
	},
	{
		ID: "token.lifetime", Title: "the token lives longer than the client's renewal margin",
		Doc: "Claude Code renews a token that has 300 seconds or less to live before every request, and hosted Claude renews up to five minutes early. " +
			"Keycloak's default lifetime is 300 seconds, so every MCP call then costs a token request first. " +
			"Set the client's access.token.lifespan to 900.",
		Stage: probe.StageToken, Level: probe.Should, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc6749 + "5.1", Needs: []probe.Evidence{probe.TokenRequest}, After: []string{"token.issued"}, Judge: tokenLifetime,
	},
	{
		ID: "token.lifetime-usable", Title: "the token lives long enough to be used, and as long as the answer says",
		Doc: "A token that is over within seconds is refused before the client has opened the protocol, and one that ends before expires_in has passed is held for good by the client. " +
			"Both show as 401 on a connection that has just been made, and as logins in a loop. " +
			"Let access tokens live 15 minutes, and expires_in be what is left of the token's own exp.",
		Stage: probe.StageToken, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc6749 + "5.1", Needs: []probe.Evidence{probe.TokenRequest}, After: []string{"token.issued"}, Judge: lifetimeUsable,
	},
	{
		ID: "token.clocks-agree", Title: "the clocks of MCP server and authorization server agree",
		Doc: "A token bears times by the authorization server's clock, and the MCP server reads them by its own. " +
			"Apart by more than the leeway of the verifier, tokens are refused with 401 for a while after each login, or long before their end. " +
			"Run NTP on both hosts; behind an edge the Date header is the edge's own, so that a difference may hide.",
		Stage: probe.StageToken, Level: probe.Should, Owner: probe.OwnerOrigin,
		Spec:  "https://www.rfc-editor.org/rfc/rfc7519#section-4.1.5",
		Needs: []probe.Evidence{probe.Unauthenticated, probe.ServerMetadata}, Judge: clocksAgree,
	},
	{
		ID: "token.fast", Title: "the token endpoint answers in half the time that the client has",
		Doc: "Claude gives a token request ten seconds, and its user waits at the last step of the login. " +
			"A cold start, or an authorization server short of power, shows as a login that fails now and then and works at the second try. " +
			"Keep the authorization server warm.",
		Stage: probe.StageToken, Level: probe.Should, Owner: probe.OwnerAuthorizationServer,
		Spec: "https://claude.com/docs/connectors/building/troubleshooting", Needs: []probe.Evidence{probe.TokenRequest}, Judge: tokenFast,
	},
	{
		ID: "token.refresh-issued", Title: "a refresh token is issued",
		Doc: "Without a refresh token the user signs in again whenever the access token ends, after an hour or less. " +
			"Clients ask for offline_access where the authorization server's scopes_supported lists it. " +
			"Make offline_access an optional scope of the client.",
		Stage: probe.StageToken, Level: probe.Should, Owner: probe.OwnerAuthorizationServer,
		Spec:  "https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization#refresh-tokens",
		Needs: []probe.Evidence{probe.TokenRequest}, After: []string{"token.issued"}, Judge: refreshIssued,
	},
	{
		ID: "token.refresh-works", Title: "the refresh token is good for a new access token",
		Doc: "The client renews its token by refresh_token, with the same credentials and the same resource. " +
			"When that fails the user is asked to sign in again though nothing changed. " +
			"With Keycloak's \"revoke refresh token\" a client that uses one twice loses the whole session: leave rotation off, or allow one reuse.",
		Stage: probe.StageToken, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc6749 + "6", Needs: []probe.Evidence{probe.Refresh}, Judge: refreshWorks,
	},
	{
		ID: "token.dead-refresh-invalid-grant", Title: "a dead refresh token is refused with invalid_grant",
		Doc: "A client learns only from invalid_grant that it must ask its user to sign in again. " +
			"invalid_request, 500 or a 200 make it try for ever, or show an error that no login cures. " +
			"Answer 400 with {\"error\":\"invalid_grant\"} (RFC 6749 section 5.2).",
		Stage: probe.StageToken, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc6749 + "5.2", Needs: []probe.Evidence{probe.OfProbe("dead-refresh")}, After: []string{"token.endpoint-speaks-oauth"}, Judge: deadRefresh,
	},
	{
		ID: "token.unknown-client-invalid-client", Title: "an unknown client is refused with invalid_client",
		Doc: "Clients that registered dynamically register anew when the token endpoint answers 401 invalid_client. " +
			"With another answer they keep an id that the server has long forgotten, and no retry helps the user. " +
			"Answer 401 with {\"error\":\"invalid_client\"} (RFC 6749 section 5.2).",
		Stage: probe.StageToken, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc6749 + "5.2", Needs: []probe.Evidence{probe.OfProbe("unknown-client")}, After: []string{"token.endpoint-speaks-oauth"}, Judge: unknownClient,
	},
}
