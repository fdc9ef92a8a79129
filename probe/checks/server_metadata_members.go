package checks

import "github.com/mcpwiz/mcpwiz/probe"

// serverMembers judges what the document says of the server's abilities.
var serverMembers = []*probe.Check{
	{
		ID: "server-metadata.authorization-endpoint", Title: "the metadata name the authorization endpoint",
		Doc: "A client of the authorization code grant cannot use metadata without authorization_endpoint: Claude's schema requires it, takes a document that lacks it for invalid and goes on as if there were none. " +
			"Taken out to force client_credentials, it does not choose that grant: Claude then sends the browser to /authorize on the MCP server's own host, and the user sees its 404. " +
			"Put authorization_endpoint back. " +
			"For machine-to-machine use a way that needs no discovery: an organization's connector with static_headers, authorization_token of the Messages API, or --header and headersHelper of Claude Code; " +
			"or keep the code grant and switch consent off on the client.",
		Stage: probe.StageServerMetadata, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc8414 + "2", Needs: []probe.Evidence{probe.ServerMetadata}, After: readableServer, Judge: authorizationEndpoint,
	},
	{
		ID: "server-metadata.token-endpoint", Title: "the metadata name the token endpoint",
		Doc: "Every grant that MCP clients use ends at the token endpoint, and clients require the member. " +
			"A document without it is invalid to them as a whole, so that even the login page is looked for at the wrong place. " +
			"Publish token_endpoint as an absolute URL.",
		Stage: probe.StageServerMetadata, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc8414 + "2", Needs: []probe.Evidence{probe.ServerMetadata}, After: readableServer, Judge: onServer(tokenEndpoint),
	},
	{
		ID: "server-metadata.issuer-matches", Title: "issuer is the one that was asked",
		Doc: "A client compares issuer with the one it made the well-known URL from, byte for byte, and must not use the document when they differ. " +
			"A slash at the end, http, an internal name or the case of a realm's name are enough; it shows as metadata that are there and not used, or as \"issuer mismatch\". " +
			"Give Keycloak its one public name with KC_HOSTNAME, and write that issuer into authorization_servers.",
		Stage: probe.StageServerMetadata, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc8414 + "3.3", Needs: []probe.Evidence{probe.ServerMetadata}, After: readableServer, Judge: onServer(issuerAsAsked),
	},
	{
		ID: "server-metadata.well-formed", Title: "the members of the metadata are there and have their types",
		Doc: "Clients read the document with strict schemas, and one member of a wrong type spoils it all. " +
			"Known from life: \"true\" in quotes for a boolean, a string where a list belongs, an empty endpoint, null. " +
			"Write members with their types, and leave out what has no value.",
		Stage: probe.StageServerMetadata, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc8414 + "2", Needs: []probe.Evidence{probe.ServerMetadata}, After: readableServer, Judge: onServer(serverWellFormed),
	},
	{
		ID: "server-metadata.response-type-code", Title: "response_types_supported has code",
		Doc: "MCP's login is the authorization code flow, response_type=code. " +
			"A list without code makes the TypeScript clients refuse the server as incompatible, and a document without the list fails their schema. " +
			"Publish response_types_supported with code in it.",
		Stage: probe.StageServerMetadata, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc8414 + "2", Needs: []probe.Evidence{probe.ServerMetadata}, After: readableServer, Judge: onServer(responseTypeCode),
	},
	{
		ID: "server-metadata.pkce-s256", Title: "code_challenge_methods_supported has S256",
		Doc: "A client must refuse a server that does not say that it can do PKCE, and this list is the only place where it is said. " +
			"Entra ID and some OpenID providers do PKCE and do not list it; it shows as \"does not support PKCE\" before any login page. " +
			"Publish code_challenge_methods_supported with S256, or serve the metadata through a proxy that adds it.",
		Stage: probe.StageServerMetadata, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: mcpAuth + "authorization-code-protection", Needs: []probe.Evidence{probe.ServerMetadata}, After: readableServer, Judge: onServer(pkceListed),
	},
	{
		ID: "server-metadata.grant-types", Title: "the grant types that are listed include those of a login",
		Doc: "A client that reads grant_types_supported expects authorization_code, and refresh_token to keep its user signed in. " +
			"The list does not choose a grant: with client_credentials alone in it Claude still begins a login, for it has no other grant. " +
			"List authorization_code and refresh_token, or leave the list out.",
		Stage: probe.StageServerMetadata, Level: probe.Should, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc8414 + "2", Needs: []probe.Evidence{probe.ServerMetadata}, After: readableServer, Judge: onServer(grantTypes),
	},
	{
		ID: "server-metadata.machine-grant", Title: "client_credentials is among the grant types that are listed",
		Doc: "A machine takes its token by client_credentials, an extension of MCP that both sides must know. " +
			"A server that lists its grant types without it refuses the token request with unsupported_grant_type or unauthorized_client. " +
			"Switch service accounts on for the client, and let the metadata list the grant.",
		Stage: probe.StageServerMetadata, Level: probe.Should, Owner: probe.OwnerAuthorizationServer,
		Spec:  "https://modelcontextprotocol.io/extensions/auth/oauth-client-credentials",
		Needs: []probe.Evidence{probe.ServerMetadata}, After: readableServer, Judge: onServer(machineGrantListed),
	},
	{
		ID: "server-metadata.registration-offered", Title: "the client has a way to get a client id",
		Doc: "A client has an id because its user typed one in, because the server takes client metadata documents, or because it registers (RFC 7591). " +
			"Without any of them it stops with \"incompatible auth server\" or asks its user for an id. " +
			"Make a client beforehand and hand its id out, which is the quietest way, or offer one of the others.",
		Stage: probe.StageServerMetadata, Level: probe.Should, Owner: probe.OwnerAuthorizationServer,
		Spec: mcpAuth + "client-registration-approaches", Needs: []probe.Evidence{probe.ServerMetadata}, After: readableServer, Judge: onServer(registrationOffered),
	},
	{
		ID: "server-metadata.metadata-document-usable", Title: "client metadata documents are offered together with the method none",
		Doc: "A client that is known by its metadata document is a public one: it authenticates with none at the token endpoint. " +
			"Where the metadata offer such documents and do not list none, as Keycloak 26.6 with the feature cimd does, Claude registers instead, a new client for every connection. " +
			"Add none to token_endpoint_auth_methods_supported (Keycloak 26.7 does), or do not offer the documents.",
		Stage: probe.StageServerMetadata, Level: probe.Should, Owner: probe.OwnerAuthorizationServer,
		Spec: mcpAuth + "client-id-metadata-documents", Needs: []probe.Evidence{probe.ServerMetadata}, After: readableServer, Judge: onServer(documentUsable),
	},
	{
		ID: "server-metadata.auth-methods", Title: "the token endpoint takes a way in which the client can authenticate",
		Doc: "At the token endpoint clients send their secret by Basic or in the form, or nothing but their id; few can sign an assertion. " +
			"A server that lists only private_key_jwt or mutual TLS ends every login at its last step with invalid_client. " +
			"List client_secret_basic, client_secret_post or none in token_endpoint_auth_methods_supported.",
		Stage: probe.StageServerMetadata, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc8414 + "2", Needs: []probe.Evidence{probe.ServerMetadata}, After: readableServer, Judge: onServer(authMethods),
	},
	{
		ID: "server-metadata.assertion-algorithm", Title: "the token endpoint takes the algorithm that the client signs with",
		Doc: "A client that proves itself by a signed assertion (private_key_jwt) signs with the algorithm of its key, and the server lists those that it takes. " +
			"One that is not among them is refused with invalid_client, which reads like a wrong key or a wrong secret. " +
			"List the algorithm, or give the client a key of a listed one: RS256 for an RSA key, ES256 for one on P-256, EdDSA for Ed25519.",
		Stage: probe.StageServerMetadata, Level: probe.Must, Owner: probe.OwnerClient,
		Spec: rfc8414 + "2", Needs: []probe.Evidence{probe.ServerMetadata}, After: readableServer, Judge: onServer(assertionAlgorithm),
	},
	{
		ID: "server-metadata.scopes-listed", Title: "the authorization server lists the scopes that the MCP server wants",
		Doc: "The MCP server names its scopes, and the authorization server must know them. " +
			"Keycloak lists every client scope of the realm: one that is missing there does not exist, and a request for it ends with invalid_scope. " +
			"Make the client scope in the realm, or name another one in the resource metadata and the challenge.",
		Stage: probe.StageServerMetadata, Level: probe.Should, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc8414 + "2", Needs: []probe.Evidence{probe.ServerMetadata}, After: readableServer, Judge: onServer(scopesListed),
	},
	{
		ID: "server-metadata.iss-parameter", Title: "the authorization server promises iss in its responses",
		Doc: "iss in the authorization response keeps a client that talks to several authorization servers from sending a code to the wrong one (RFC 9207). " +
			"Clients of MCP 2026-07-28 check it where it is promised; ChatGPT uses a callback of its own per connector where it is not. " +
			"Send iss and publish authorization_response_iss_parameter_supported: true, as Keycloak does.",
		Stage: probe.StageServerMetadata, Level: probe.Should, Owner: probe.OwnerAuthorizationServer, Since: "2026-07-28",
		Spec: "https://www.rfc-editor.org/rfc/rfc9207#section-3", Needs: []probe.Evidence{probe.ServerMetadata}, After: readableServer, Judge: onServer(issPromised),
	},
}
