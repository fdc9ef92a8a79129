package checks

import "github.com/mcpwiz/mcpwiz/probe"

// readableResource are the checks without which there is no document to hold to anything.
var readableResource = []string{"resource-metadata.public", "resource-metadata.served", "resource-metadata.is-json", "resource-metadata.found"}

var resourceMetadata = []*probe.Check{
	{
		ID: "resource-metadata.public", Title: "the resource metadata are served to anybody",
		Doc: "A client reads this document to learn where it can log in, so it has no token yet. " +
			"A middleware, an Access application or a redirect before /.well-known/ shows as 401, 403 or 302, and the client takes it for no document at all. " +
			"Exempt the well-known URLs of RFC 9728 from every login, and answer them without a redirect.",
		Stage: probe.StageResourceMetadata, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: rfc9728 + "3", Needs: []probe.Evidence{probe.ResourceMetadata}, Judge: resourcePublic,
	},
	{
		ID: "resource-metadata.served", Title: "the server does not fail where the resource metadata lie",
		Doc: "An error at a well-known URL says nothing of the document: it is there and cannot be had, or its route breaks. " +
			"It shows as 429 or 5xx, from the server or from a proxy that does not reach it; some clients ask the next URL, others give up. " +
			"Serve the document from what is always up, without a rate limit, and answer 404 where there is none.",
		Stage: probe.StageResourceMetadata, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: rfc9728 + "3.2", Needs: []probe.Evidence{probe.ResourceMetadata}, After: []string{"resource-metadata.public"}, Judge: resourceServed,
	},
	{
		ID: "resource-metadata.is-json", Title: "the resource metadata are JSON that clients can read",
		Doc: "What answers 200 and is no document is worse than a 404: the page of a single-page application, an error in HTML, a file with a byte order mark. " +
			"Clients drop it without a word and go on as if the server had no metadata. " +
			"Serve one JSON object in UTF-8 as application/json.",
		Stage: probe.StageResourceMetadata, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: rfc9728 + "3.2", Needs: []probe.Evidence{probe.ResourceMetadata}, After: []string{"resource-metadata.public", "resource-metadata.served"}, Judge: resourceIsJSON,
	},
	{
		ID: "resource-metadata.found", Title: "the resource metadata are found",
		Doc: "This document names the authorization server; without it a client does not know where its user can log in. " +
			"Clients ask the URL of the challenge, then the well-known URL with the path of the MCP endpoint, then the one at the root, and it shows when all of them answer 404. " +
			"Serve the document at /.well-known/oauth-protected-resource followed by the endpoint's path; https://host/mcp/.well-known/... is the wrong place.",
		Stage: probe.StageResourceMetadata, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: mcpAuth + "protected-resource-metadata-discovery-requirements", Since: "2025-06-18", Needs: []probe.Evidence{probe.ResourceMetadata},
		After: []string{"resource-metadata.public", "resource-metadata.served", "resource-metadata.is-json"}, Judge: resourceFound,
	},
	{
		ID: "resource-metadata.at-well-known-path", Title: "the resource metadata lie at the path form of the well-known URL",
		Doc: "Some clients never look at the challenge: Claude Code logs in by asking the well-known URL that the endpoint's path makes. " +
			"A document at the root alone, or at a place that only the challenge names, costs a request more at best and is missed at worst. " +
			"Serve the same document at /.well-known/oauth-protected-resource followed by the endpoint's path, and keep the copy at the root.",
		Stage: probe.StageResourceMetadata, Level: probe.Should, Owner: probe.OwnerOrigin,
		Spec: rfc9728 + "3.1", Needs: []probe.Evidence{probe.ResourceMetadata}, After: readableResource, Judge: onResource(atWellKnownPath),
	},
	{
		ID: "resource-metadata.names-target", Title: "resource is the MCP server's URL as it was typed",
		Doc: "A client compares resource with the URL its user typed, most of them byte for byte, and drops a document that is about another resource. " +
			"A slash at the end, http for https, a port, a hard-coded localhost or the bare origin are enough; the user reads \"protected resource does not match\" or nothing at all. " +
			"Configure the server's public URL exactly as clients are given it.",
		Stage: probe.StageResourceMetadata, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: rfc9728 + "3.3", Needs: []probe.Evidence{probe.ResourceMetadata}, After: readableResource, Judge: onResource(namesTarget),
	},
	{
		ID: "resource-metadata.names-authorization-server", Title: "authorization_servers names where to log in",
		Doc: "The first entry of authorization_servers is the issuer that clients ask; Claude looks at no other. " +
			"A missing or empty list, an entry that is no URL, or a name that only the server's own network knows ends the login before it begins. " +
			"Put the public issuer first, byte for byte as the authorization server's metadata have it.",
		Stage: probe.StageResourceMetadata, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: mcpAuth + "authorization-server-location", Needs: []probe.Evidence{probe.ResourceMetadata}, After: readableResource,
		Judge: onResource(namesAuthorizationServer),
	},
	{
		ID: "resource-metadata.https", Title: "every URL in the resource metadata is https",
		Doc: "A server behind a proxy that ends TLS sees plain http and writes it into its documents. " +
			"Clients refuse http issuers, and a resource with http is another resource than the one typed. " +
			"Set the server's public URL, or let it trust X-Forwarded-Proto of the proxy.",
		Stage: probe.StageResourceMetadata, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: mcpAuth + "communication-security", Needs: []probe.Evidence{probe.ResourceMetadata}, After: readableResource, Judge: onResource(resourceHTTPS),
	},
	{
		ID: "resource-metadata.well-formed", Title: "the members of the resource metadata have their types",
		Doc: "Clients read the document with strict schemas, and one member of a wrong type spoils it all. " +
			"A string where a list belongs, or null for a member without a value, shows as a document that is there and not used. " +
			"Write lists as lists, and leave out what has no value.",
		Stage: probe.StageResourceMetadata, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: rfc9728 + "2", Needs: []probe.Evidence{probe.ResourceMetadata}, After: readableResource, Judge: onResource(resourceWellFormed),
	},
	{
		ID: "resource-metadata.scopes", Title: "scopes_supported names the scopes that the MCP server wants",
		Doc: "Clients ask the scopes of the challenge or, many of them in every login, those of this list. " +
			"Where it is missing, some ask for every scope that the authorization server has and are refused with invalid_scope, others for none and get a token without the audience; offline_access is the client's own affair and does not belong here. " +
			"List the server's own scopes, and the same in the challenge.",
		Stage: probe.StageResourceMetadata, Level: probe.Should, Owner: probe.OwnerOrigin,
		Spec: mcpAuth + "scope-selection-strategy", Needs: []probe.Evidence{probe.ResourceMetadata}, After: readableResource, Judge: onResource(resourceScopes),
	},
	{
		ID: "resource-metadata.bearer-by-header", Title: "tokens are taken in the Authorization header",
		Doc: "MCP clients send the token in the Authorization header and nowhere else. " +
			"A bearer_methods_supported without header, or an empty one, tells them that it would not be taken. " +
			"Write [\"header\"], or leave the member out.",
		Stage: probe.StageResourceMetadata, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: rfc9728 + "2", Needs: []probe.Evidence{probe.ResourceMetadata}, After: readableResource, Judge: onResource(bearerByHeader),
	},
	{
		ID: "resource-metadata.copies-agree", Title: "all copies of the resource metadata say the same",
		Doc: "Clients read different copies: that of the challenge, that of the path, that at the root. " +
			"Where they differ, one client logs in and another does not, at another authorization server or for another resource. " +
			"Serve one and the same document at all of them.",
		Stage: probe.StageResourceMetadata, Level: probe.Should, Owner: probe.OwnerOrigin,
		Spec: rfc9728 + "3.1", Needs: []probe.Evidence{probe.ResourceMetadata}, After: readableResource, Judge: onResource(resourceCopiesAgree),
	},
	{
		ID: "resource-metadata.in-time", Title: "the resource metadata come in time",
		Doc: "Clients wait for a document as long as they see fit: Claude ten seconds, and its user waits meanwhile. " +
			"A server that sleeps until the first request, or one behind a slow tunnel, shows as a login that works at the second try. " +
			"Keep the server awake and the document in memory; it hardly ever changes.",
		Stage: probe.StageResourceMetadata, Level: probe.Should, Owner: probe.OwnerOrigin,
		Spec: rfc9728 + "3.1", Needs: []probe.Evidence{probe.ResourceMetadata}, After: readableResource, Judge: onResource(documentInTime),
	},
	{
		ID: "resource-metadata.open-without", Title: "a server without login publishes no metadata of one",
		Doc: "Some clients ask the well-known URLs of every server, also of one that answers everybody, and go by what they find. " +
			"On a host that other applications share it may be another one's login, or an empty list of authorization servers, and the user of an open server meets a login error. " +
			"Answer 404 at the well-known URLs of a server without login.",
		Stage: probe.StageResourceMetadata, Level: probe.Should, Owner: probe.OwnerOrigin,
		Spec: rfc9728 + "3", Needs: []probe.Evidence{probe.OfProbe("copy")}, Judge: openWithoutMetadata,
	},
}
