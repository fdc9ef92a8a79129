package checks

import (
	"slices"

	"github.com/mcpwiz/mcpwiz/probe"
)

// audit are the checks of what an administrator can see of Keycloak: only an audit brings their evidence.
var audit = slices.Concat(auditOfServer, auditOfClients, auditOfTokens, auditOfEvents)

var auditOfServer = []*probe.Check{
	{
		ID: "server-metadata.keycloak-current", Title: "no hole that matters here is known of this version of Keycloak",
		Doc: "Releases of Keycloak mend holes that a realm for MCP stands open to: clients that register themselves into administrators, client policies that can be passed by. " +
			"The version is asked of the Admin API and compared with what this mcpwiz knows, which ages as it says. " +
			"Update Keycloak to the release that is named, or the newest.",
		Stage: probe.StageServerMetadata, Level: probe.Should, Owner: probe.OwnerAuthorizationServer, OnRequest: true,
		Spec: "https://github.com/keycloak/keycloak/security/advisories", Needs: []probe.Evidence{probe.OfFact(auditServer)}, Judge: keycloakCurrent,
	},
	{
		ID: "server-metadata.realm-name-kept", Title: "the realm lets Keycloak's one public name stand",
		Doc: "A realm's Frontend URL overrides issuer and every endpoint of the realm, whatever KC_HOSTNAME says. " +
			"Where it is not the name in the connection, the metadata name another issuer than the clients and the MCP server know, and tokens are refused. " +
			"Clear it in Realm settings, General, and name Keycloak with KC_HOSTNAME alone.",
		Stage: probe.StageServerMetadata, Level: probe.Must, Owner: probe.OwnerAuthorizationServer, OnRequest: true,
		Spec: "https://www.keycloak.org/server/hostname", Needs: []probe.Evidence{probe.OfFact(auditRealm)}, Judge: realmNameKept,
	},
	{
		ID: "server-metadata.realm-enabled", Title: "the realm is there and enabled",
		Doc: "In a disabled realm nobody signs in, and no token is issued. " +
			"Clients see it as an authorization server that refuses them. " +
			"Enable it in Realm settings, or make it with mcpwiz setup.",
		Stage: probe.StageServerMetadata, Level: probe.Must, Owner: probe.OwnerAuthorizationServer, OnRequest: true,
		Spec: keycloakDocs + "configuring-realms", Needs: []probe.Evidence{probe.OfFact(auditRealm)}, Judge: realmEnabled,
	},
	{
		ID: "server-metadata.realm-guarded", Title: "the realm demands TLS, slows down guessing and lets no stranger make an account",
		Doc: "Who can sign in can use every tool of the MCP server, so the realm's own doors count. " +
			"Require SSL none lets passwords and codes pass in the clear; without brute force detection passwords can be guessed; with user registration on anybody on the internet can make an account. " +
			"Set them in Realm settings: Require SSL external, Brute force detection on, User registration off.",
		Stage: probe.StageServerMetadata, Level: probe.Should, Owner: probe.OwnerAuthorizationServer, OnRequest: true,
		Spec: keycloakDocs + "_threat_model_mitigation", Needs: []probe.Evidence{probe.OfFact(auditRealm)}, Judge: realmGuarded,
	},
	{
		ID: "server-metadata.events-kept", Title: "Keycloak keeps the events that say why a sign-in failed",
		Doc: "A refused sign-in shows the user a page and the client nothing; only Keycloak's own events say why. " +
			"Without them the doctor can tell that it failed and where, but not what Keycloak thought of it. " +
			"Switch Save events on in Realm settings, Events, User events settings.",
		Stage: probe.StageServerMetadata, Level: probe.Should, Owner: probe.OwnerAuthorizationServer, OnRequest: true,
		Spec: keycloakDocs + "auditing-user-events", Needs: []probe.Evidence{probe.OfFact(auditRealm)}, Judge: eventsKept,
	},
	{
		ID: "server-metadata.as-planned", Title: "Keycloak is as the connection asks",
		Doc: "What mcpwiz setup made can be changed by hand or by another tool afterwards, and nobody is told. " +
			"Each thing that the connection asks for is compared field by field with what is there, as mcpwiz plan does; other settings count for nothing. " +
			"mcpwiz fix puts back what differs, mcpwiz plan shows it; or write into mcpwiz.yaml what is meant.",
		Stage: probe.StageServerMetadata, Level: probe.Should, Owner: probe.OwnerAuthorizationServer, OnRequest: true,
		Spec: "https://github.com/mcpwiz/mcpwiz/blob/main/docs/mcpwiz.yaml.md", Needs: []probe.Evidence{probe.OfFact(auditResource)}, Judge: asPlanned,
	},
	{
		ID: "registration.guarded", Title: "not everybody on the internet may register a client",
		Doc: "Anonymous registration is held to policies, of which Trusted Hosts decides who may register and where codes may be sent. " +
			"Without it anybody registers a client with a callback of their own; on some versions who registers can become administrator of the realm. " +
			"Put the policy back in Clients, Client registration, Anonymous access policies, trust hosts by their whole names, and update Keycloak.",
		Stage: probe.StageRegistration, Level: probe.Must, Owner: probe.OwnerAuthorizationServer, OnRequest: true,
		Spec:  "https://www.keycloak.org/securing-apps/client-registration#_client_registration_policies",
		Needs: []probe.Evidence{probe.OfFact(auditRegistration)}, Judge: registrationGuarded,
	},
	{
		ID: "registration.documents-let-in", Title: "where metadata documents are offered, a policy lets some in",
		Doc: "With its feature cimd on, Keycloak advertises client id metadata documents, and Claude prefers them to registering. " +
			"Without a client policy that lets its document in, the document's URL is an unknown client: the login page says Client not found. " +
			"Give the client registration: metadata-document in mcpwiz.yaml, or start Keycloak without the feature.",
		Stage: probe.StageRegistration, Level: probe.Should, Owner: probe.OwnerAuthorizationServer, OnRequest: true,
		Spec:  "https://www.keycloak.org/securing-apps/mcp-authz-server",
		Needs: []probe.Evidence{probe.OfFact(auditRegistration)}, Judge: documentsLetIn,
	},
}

var auditOfClients = []*probe.Check{
	{
		ID: "authorization.client-usable", Title: "each client of the connection is there, enabled, and may use its grant",
		Doc: "A client that is gone or disabled is unknown to its users: the login page says Client not found or disabled. " +
			"One whose standard flow or service account is switched off signs nobody in. " +
			"mcpwiz fix makes it as the connection asks.",
		Stage: probe.StageAuthorization, Level: probe.Must, Owner: probe.OwnerAuthorizationServer, OnRequest: true,
		Spec: rfc6749 + "2", Needs: []probe.Evidence{probe.OfFact(auditClient)}, Judge: clientUsable,
	},
	{
		ID: "authorization.redirects-exact", Title: "every redirect URI is a whole one, and by https or on loopback",
		Doc: "A wildcard at the end of a redirect URI lets codes be sent to any page there is on that host, and * to any page in the world: who finds an open redirect takes over sign-ins. " +
			"Plain http sends them where anybody on the way can read them. " +
			"Register the callbacks of the client byte for byte; what other clients have is told too, as a warning.",
		Stage: probe.StageAuthorization, Level: probe.Must, Owner: probe.OwnerAuthorizationServer, OnRequest: true,
		Spec: "https://www.rfc-editor.org/rfc/rfc9700#section-4.1.3", Needs: []probe.Evidence{probe.OfFact(auditClient)}, Judge: redirectsExact,
	},
	{
		ID: "authorization.grants-needed", Title: "no client has the password grant or the implicit flow",
		Doc: "With direct access grants whoever has the client's id can try passwords without a login page, and second factors are passed by. " +
			"The implicit flow puts access tokens into addresses, histories and logs; OAuth 2.1 has neither. " +
			"Switch Direct access grants and Implicit flow off on the client.",
		Stage: probe.StageAuthorization, Level: probe.Should, Owner: probe.OwnerAuthorizationServer, OnRequest: true,
		Spec: "https://www.rfc-editor.org/rfc/rfc9700#section-2.4", Needs: []probe.Evidence{probe.OfFact(auditClient)}, Judge: grantsNeeded,
	},
	{
		ID: "authorization.pkce-required", Title: "clients through which users sign in must use PKCE with S256",
		Doc: "PKCE binds a code to the client that asked for it. " +
			"Where the client is not held to it, a stolen code can be redeemed without, and MCP demands it of every client. " +
			"Set Proof Key for Code Exchange Code Challenge Method to S256 in the client's advanced settings.",
		Stage: probe.StageAuthorization, Level: probe.Should, Owner: probe.OwnerAuthorizationServer, OnRequest: true,
		Spec: mcpAuth + "authorization-code-protection", Needs: []probe.Evidence{probe.OfFact(auditClient)}, Judge: pkceRequired,
	},
}

var auditOfTokens = []*probe.Check{
	{
		ID: "token.audience-mapped", Title: "each server is put into the audience of its clients' tokens",
		Doc: "Keycloak names the MCP server in aud only through an audience mapper, on a client scope that the client has by default. " +
			"A mapper without Add to access token does nothing; one of another URL makes tokens for that; a scope that is only optional, or not assigned, is missing where the client asks for none. " +
			"Without it users sign in and every request is answered with 401.",
		Stage: probe.StageToken, Level: probe.Must, Owner: probe.OwnerAuthorizationServer, OnRequest: true,
		Spec: mcpAuth + "token-audience-binding-and-validation", Needs: []probe.Evidence{probe.OfFact(auditScope), probe.OfFact(auditClient)}, Judge: audienceMapped,
	},
	{
		ID: "token.audience-only", Title: "tokens for the server are for nobody else",
		Doc: "A token that names account or another program in aud is good there too: what gets hold of it, such as the MCP server itself, can manage the user's account or call that program. " +
			"Full scope allowed brings the audiences of all the user's roles; a second audience mapper brings what it says. " +
			"Switch Full scope allowed off, and take such mappers away.",
		Stage: probe.StageToken, Level: probe.Should, Owner: probe.OwnerAuthorizationServer, OnRequest: true,
		Spec: "https://www.rfc-editor.org/rfc/rfc9700#section-2.3", Needs: []probe.Evidence{probe.OfFact(auditScope), probe.OfFact(auditClient)}, Judge: audienceOnly,
	},
	{
		ID: "token.sub-mapped", Title: "tokens say who the user is",
		Doc: "Since Keycloak 25 it is the client scope basic that puts sub into access tokens. " +
			"A client without it gets tokens that name no user, and MCP servers that tell users apart refuse them or mix users up. " +
			"Make basic a default scope of the client.",
		Stage: probe.StageToken, Level: probe.Must, Owner: probe.OwnerAuthorizationServer, OnRequest: true,
		Spec: "https://www.rfc-editor.org/rfc/rfc9068#section-2.2", Needs: []probe.Evidence{probe.OfFact(auditClient)}, Judge: subMapped,
	},
	{
		ID: "token.whole", Title: "access tokens are whole ones, not lightweight",
		Doc: "A lightweight access token bears neither aud nor sub: only introspection can tell what it is for. " +
			"An MCP server that verifies tokens by itself refuses every one. " +
			"Switch Always use lightweight access token off in the client's advanced settings.",
		Stage: probe.StageToken, Level: probe.Must, Owner: probe.OwnerAuthorizationServer, OnRequest: true,
		Spec: keycloakDocs + "_using_lightweight_access_token", Needs: []probe.Evidence{probe.OfFact(auditClient)}, Judge: tokenWhole,
	},
	{
		ID: "token.lifespan-set", Title: "access tokens live for minutes",
		Doc: "A token that was stolen is good until it ends: an hour is the most that is usual. " +
			"One that lives for less than a minute is over before the tool that it is borne by has answered, and clients renew it all the time. " +
			"Set Access token lifespan to 5 to 60 minutes, on the realm and on the client.",
		Stage: probe.StageToken, Level: probe.Should, Owner: probe.OwnerAuthorizationServer, OnRequest: true,
		Spec: "https://www.rfc-editor.org/rfc/rfc9700#section-2.2.1", Needs: []probe.Evidence{probe.OfFact(auditRealm)}, Judge: lifespanSet,
	},
	{
		ID: "session.sign-in-kept", Title: "the realm keeps users signed in for a working day, and forgives a renewal that got lost",
		Doc: "Claude renews its token with a refresh token that ends with the user's session: SSO Session Idle without use, SSO Session Max at last, Offline Session Idle for clients with offline_access. " +
			"Where these are short the user is asked to connect again and again. " +
			"Refresh tokens that may be used once, with no reuse allowed, sign out whoever repeats a renewal whose answer was lost: allow a reuse, or switch Revoke Refresh Token off.",
		Stage: probe.StageSession, Level: probe.Should, Owner: probe.OwnerAuthorizationServer, OnRequest: true,
		Spec: keycloakDocs + "_timeouts", Needs: []probe.Evidence{probe.OfFact(auditRealm)}, Judge: signInKept,
	},
}

var auditOfEvents = []*probe.Check{
	{
		ID: "registration.none-refused", Title: "Keycloak logged no refusal of this registration",
		Doc: "When a registration is refused, Keycloak's event names the policy that refused it, which the answer often does not. " +
			"The events of the time of the handshake are joined to its requests by time and client. " +
			"Change the policy that is named, in Clients, Client registration.",
		Stage: probe.StageRegistration, Level: probe.Must, Owner: probe.OwnerAuthorizationServer, OnRequest: true,
		Spec:  keycloakDocs + "auditing-user-events",
		Needs: []probe.Evidence{probe.OfFact(auditEvents), probe.Registration}, Judge: noRegistrationRefused,
	},
	{
		ID: "authorization.no-error-logged", Title: "Keycloak logged no error of this sign-in",
		Doc: "A refused sign-in shows a page to the user; Keycloak's event says what was wrong with it, such as the redirect URI that was sent or the scope that the client may not have. " +
			"The events of the time of the handshake are joined to its requests by time and client. " +
			"The error's name says what to change.",
		Stage: probe.StageAuthorization, Level: probe.Must, Owner: probe.OwnerAuthorizationServer, OnRequest: true,
		Spec:  keycloakDocs + "auditing-user-events",
		Needs: []probe.Evidence{probe.OfFact(auditEvents), probe.Authorization}, Judge: noSignInError,
	},
	{
		ID: "token.no-error-logged", Title: "Keycloak logged no error of this client's token requests",
		Doc: "The token endpoint says invalid_grant of many different things; Keycloak's event says which: a code used twice, a verifier that does not fit, a session that is over. " +
			"The events of the time of the handshake are joined to its requests by time and client. " +
			"The error's name says what to change.",
		Stage: probe.StageToken, Level: probe.Must, Owner: probe.OwnerAuthorizationServer, OnRequest: true,
		Spec:  keycloakDocs + "auditing-user-events",
		Needs: []probe.Evidence{probe.OfFact(auditEvents), probe.TokenRequest}, Judge: noTokenError,
	},
}
