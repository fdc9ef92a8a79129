package checks

import (
	"slices"

	"github.com/mcpwiz/mcpwiz/probe"
)

// readableServer are the checks without which there is no document to hold to anything.
var readableServer = []string{"server-metadata.public", "server-metadata.served", "server-metadata.is-json", "server-metadata.found"}

var serverMetadata = slices.Concat(serverDiscovery, serverMembers, serverEndpoints)

// serverDiscovery judges whether the document is there.
var serverDiscovery = []*probe.Check{
	{
		ID: "server-metadata.public", Title: "the authorization server's metadata are served to anybody",
		Doc: "Every client reads this document before it has a token or a user. " +
			"An Access application, a bot rule or a redirect before the well-known URLs shows as 401, 403 or 302 where the document should be. " +
			"Exempt /.well-known/ and, for Keycloak, /realms/ from whatever stands before the authorization server.",
		Stage: probe.StageServerMetadata, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc8414 + "3.1", Needs: []probe.Evidence{probe.ServerMetadata}, Judge: serverPublic,
	},
	{
		ID: "server-metadata.served", Title: "the authorization server does not fail where its metadata lie",
		Doc: "An error at a well-known URL says nothing of the document: it is there and cannot be had. " +
			"It shows as 429 or 5xx while the authorization server starts, or from a proxy that does not reach it; the Python and TypeScript libraries then ask no other URL. " +
			"Have the authorization server up before clients come, and answer 404 at well-known URLs that are not used.",
		Stage: probe.StageServerMetadata, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc8414 + "3.2", Needs: []probe.Evidence{probe.ServerMetadata}, After: []string{"server-metadata.public"}, Judge: serverServed,
	},
	{
		ID: "server-metadata.is-json", Title: "the authorization server's metadata are JSON that clients can read",
		Doc: "A page of HTML, an error of a proxy or a document with a byte order mark is taken for no document. " +
			"The client goes on as if the server had no metadata, and the browser ends on a page that nobody serves. " +
			"Serve one JSON object in UTF-8 as application/json, and 404 at well-known URLs that are not used.",
		Stage: probe.StageServerMetadata, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc8414 + "3.2", Needs: []probe.Evidence{probe.ServerMetadata}, After: []string{"server-metadata.public", "server-metadata.served"}, Judge: serverIsJSON,
	},
	{
		ID: "server-metadata.found", Title: "the authorization server's metadata are found at a well-known URL",
		Doc: "From the issuer a client makes up to three well-known URLs: two with the path inserted after the host, one with it appended (RFC 8414, OpenID Connect Discovery). " +
			"For an issuer with a path, like Keycloak's, a proxy that forwards /realms/ alone serves only the last, and clients that ask RFC 8414's form alone find 404. " +
			"Forward /.well-known/ to Keycloak too (26.4 or later serves it), and write the issuer in authorization_servers byte for byte.",
		Stage: probe.StageServerMetadata, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec:  mcpAuth + "authorization-server-metadata-discovery",
		Needs: []probe.Evidence{probe.ServerMetadata}, After: []string{"server-metadata.public", "server-metadata.served", "server-metadata.is-json"}, Judge: serverFound,
	},
	{
		ID: "server-metadata.earlier-urls-fall-through", Title: "no well-known URL before the document's stops a client",
		Doc: "Where one well-known URL has no document, a client asks the next one, but only if the answer lets it. " +
			"After 404 all clients go on; after 500 or a redirect the Python and TypeScript libraries stop, and a page of HTML at 200 confuses others. " +
			"Answer 404 at the well-known URLs that are not used.",
		Stage: probe.StageServerMetadata, Level: probe.Should, Owner: probe.OwnerAuthorizationServer,
		Spec:  mcpAuth + "authorization-server-metadata-discovery",
		Needs: []probe.Evidence{probe.ServerMetadata}, After: readableServer, Judge: onServer(earlierFallThrough),
	},
	{
		ID: "server-metadata.mirror-agrees", Title: "the copy on the MCP server's host is that of the authorization server",
		Doc: "Clients of the first MCP revision, and some that lose the way, look for the authorization server's metadata on the MCP server's own host, so a copy there helps. " +
			"A copy that has grown old, or that names other endpoints, sends these clients elsewhere than all others. " +
			"Serve the authorization server's own document unchanged, with its own issuer.",
		Stage: probe.StageServerMetadata, Level: probe.Should, Owner: probe.OwnerOrigin,
		Spec:  "https://modelcontextprotocol.io/specification/2025-03-26/basic/authorization#server-metadata-discovery",
		Needs: []probe.Evidence{probe.ServerMetadata}, After: readableServer, Judge: onServer(mirrorAgrees),
	},
	{
		ID: "server-metadata.copies-agree", Title: "all well-known forms of the metadata name the same endpoints",
		Doc: "From one issuer clients make up to three URLs and take the first that serves a document, each in its own order. " +
			"Where a proxy, a cache or a hand-written copy serves other endpoints at one of them, one client logs in and another does not. " +
			"Serve one and the same document at all of them, or 404 at those that are not used.",
		Stage: probe.StageServerMetadata, Level: probe.Should, Owner: probe.OwnerAuthorizationServer,
		Spec:  mcpAuth + "authorization-server-metadata-discovery",
		Needs: []probe.Evidence{probe.ServerMetadata}, After: readableServer, Judge: onServer(serverCopiesAgree),
	},
	{
		ID: "server-metadata.in-time", Title: "the authorization server's metadata come in time",
		Doc: "Clients wait for a document as long as they see fit: Claude ten seconds for each, and its user waits meanwhile. " +
			"An authorization server that sleeps, or is under load, shows as a login that works at the second try. " +
			"Keep it awake, and let the proxy in front cache the metadata for some minutes.",
		Stage: probe.StageServerMetadata, Level: probe.Should, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc8414 + "3.1", Needs: []probe.Evidence{probe.ServerMetadata}, After: readableServer, Judge: onServer(documentInTime),
	},
}
