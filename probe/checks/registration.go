package checks

import "github.com/mcpwiz/mcpwiz/probe"

var registration = []*probe.Check{
	{
		ID: "registration.policy-admits", Title: "the client registration policies let the client in",
		Doc: "Keycloak judges every anonymous registration by policies, and as shipped they let nobody in. " +
			"It shows as 403 insufficient_scope with the policy's name, and the user reads \"registration failed\". " +
			"The quiet way out is a client made beforehand, whose id and secret the user types into the client; else relax the policy that is named.",
		Stage: probe.StageRegistration, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec:  "https://www.keycloak.org/securing-apps/client-registration#_client_registration_policies",
		Needs: []probe.Evidence{probe.Registration}, Judge: policyAdmits,
	},
	{
		ID: "registration.redirects-allowed", Title: "the redirect URIs asked for may be registered",
		Doc: "A client can only register where the authorization server takes its redirect URIs. " +
			"It shows as 400 invalid_redirect_uri, often for loopback or private schemes on a server that takes every client for a web application. " +
			"Allow the redirect URIs of the clients you want, or make the client beforehand.",
		Stage: probe.StageRegistration, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc7591 + "3.2.2", Needs: []probe.Evidence{probe.Registration}, Judge: redirectsAllowed,
	},
	{
		ID: "registration.auth-method-accepted", Title: "the token endpoint authentication method asked for is accepted",
		Doc: "Claude's hosted client asks for client_secret_post even where the metadata offer none of it, and a server for public clients only answers 400. " +
			"It shows as \"registration failed\" before any login page. " +
			"Accept the method, answer with one that you support (RFC 7591 section 3.2.1 allows it), or make the client beforehand.",
		Stage: probe.StageRegistration, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc7591 + "3.2.2", Needs: []probe.Evidence{probe.Registration}, Judge: methodAccepted,
	},
	{
		ID: "registration.scopes-accepted", Title: "the scopes of the registration are accepted",
		Doc: "Many clients register the scopes that they will ask for: those of the challenge or the resource metadata, and offline_access where the authorization server lists it. " +
			"A server that does not let strangers have one of them refuses the whole registration, or drops it and refuses the login later. " +
			"Let clients register what the MCP server publishes, and list offline_access only where clients may have it.",
		Stage: probe.StageRegistration, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc7591 + "2", Needs: []probe.Evidence{probe.Registration}, Judge: scopesRegistered,
	},
	{
		ID: "registration.members-accepted", Title: "the other members of the registration are accepted",
		Doc: "A server must ignore client metadata that it does not understand, and needs none but redirect_uris. " +
			"One with a strict schema refuses software_id, application_type or client_uri, or asks for a name or a contact that the client does not send; it shows as 400 or 422 before any login page. " +
			"Loosen the schema, or make the client beforehand.",
		Stage: probe.StageRegistration, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc7591 + "2", Needs: []probe.Evidence{probe.Registration}, Judge: membersAccepted,
	},
	{
		ID: "registration.accepted", Title: "the client can register",
		Doc: "A client that was given no id registers by itself (RFC 7591) before it opens the browser. " +
			"When that fails the login never starts: Claude says \"registration failed\", others \"incompatible auth server\". " +
			"Give the client an id made beforehand, or make the registration endpoint that the metadata name answer.",
		Stage: probe.StageRegistration, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc7591 + "3", Needs: []probe.Evidence{probe.Registration}, Symptom: true, Judge: registered,
	},
	{
		ID: "registration.answer-valid", Title: "the registration answer is complete and well formed",
		Doc: "Clients read the answer with strict schemas: client_id must be a string, a method that uses a secret must come with one, and client_secret_expires_at must be a whole number. " +
			"A wrong type makes them throw the answer away, and the user reads of a failed registration though the server logged a success. " +
			"Answer 201 with the members of RFC 7591 section 3.2.1.",
		Stage: probe.StageRegistration, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc7591 + "3.2.1", Needs: []probe.Evidence{probe.Registration}, After: []string{"registration.accepted"}, Judge: registrationValid,
	},
	{
		ID: "registration.keeps-redirect-uris", Title: "every redirect URI asked for was registered",
		Doc: "The server may change what it registers, and tells so in its answer. " +
			"A redirect URI that was dropped shows only later, as an error page at the authorization endpoint. " +
			"Register all redirect URIs that are asked for, byte for byte.",
		Stage: probe.StageRegistration, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc7591 + "3.2.1", Needs: []probe.Evidence{probe.Registration}, After: []string{"registration.accepted", "registration.answer-valid"}, Judge: keepsRedirects,
	},
	{
		ID: "registration.auth-method-followed", Title: "the authentication method registered is the one asked for",
		Doc: "A server may answer with another token_endpoint_auth_method than was asked: Keycloak before 26.6 answers client_secret_basic to everybody who wants a secret. " +
			"All clients observed follow the answer; one that keeps to its wish gets 401 at the token endpoint. " +
			"Upgrade Keycloak, or make the client beforehand.",
		Stage: probe.StageRegistration, Level: probe.Should, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc7591 + "2", Needs: []probe.Evidence{probe.Registration}, After: []string{"registration.accepted", "registration.answer-valid"}, Judge: methodFollowed,
	},
	{
		ID: "registration.grants-kept", Title: "the client is registered for a login",
		Doc: "The answer says which grants and response types the client may use. " +
			"Where authorization_code or code is not among them the login ends with unauthorized_client after a good registration; without refresh_token its user signs in again and again. " +
			"Register what the client asks for.",
		Stage: probe.StageRegistration, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc7591 + "3.2.1", Needs: []probe.Evidence{probe.Registration}, After: []string{"registration.accepted", "registration.answer-valid"}, Judge: grantsKept,
	},
}
