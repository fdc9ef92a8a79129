package checks

import "github.com/mcpwiz/mcpwiz/probe"

// serverEndpoints judges the places that the document names.
var serverEndpoints = []*probe.Check{
	{
		ID: "server-metadata.endpoints-https", Title: "every endpoint is https",
		Doc: "Clients send codes and secrets to https alone, and several refuse metadata with a single http endpoint. " +
			"An authorization server behind a proxy that ends TLS writes what it sees; in Keycloak, hostname-backchannel-dynamic makes the token endpoint http or internal while the issuer looks right. " +
			"Start Keycloak with KC_HOSTNAME=https://<public name> and KC_PROXY_HEADERS=xforwarded.",
		Stage: probe.StageServerMetadata, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: mcpAuth + "communication-security", Needs: []probe.Evidence{probe.ServerMetadata}, After: readableServer, Judge: onServer(endpointsHTTPS),
	},
	{
		ID: "server-metadata.endpoints-public", Title: "every endpoint has a public name and port",
		Doc: "The browser opens the authorization endpoint, and the client itself, for hosted ones from their vendor's cloud, the token and registration endpoints. " +
			"A container's name, a private address or a port other than 443 shows as a login that never ends or a token request that never arrives. " +
			"Start Keycloak with KC_HOSTNAME=https://<public name> and without hostname-backchannel-dynamic, and publish it on 443.",
		Stage: probe.StageServerMetadata, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc8414 + "2", Needs: []probe.Evidence{probe.ServerMetadata}, After: readableServer, Judge: onServer(endpointsPublic),
	},
	{
		ID: "server-metadata.endpoints-answer", Title: "something answers at the endpoints that are named",
		Doc: "The metadata may be in order and their endpoints not: a route that the proxy does not forward, a server that is down, a name that does not exist. " +
			"It shows as a browser that opens on 404 or on an error of a proxy, or as a login that breaks off at its last step. " +
			"Ask each endpoint from outside; forward all of the authorization server's paths, not /.well-known/ alone.",
		Stage: probe.StageServerMetadata, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: rfc6749 + "3", Needs: []probe.Evidence{probe.ServerMetadata}, After: readableServer, Judge: onServer(endpointsAnswer),
	},
	{
		ID: "server-metadata.keys-usable", Title: "the keys at jwks_uri can verify a signature",
		Doc: "The MCP server verifies tokens with the keys that the authorization server publishes. " +
			"A jwks_uri that answers with an error or a page, an empty set, or one without a signing key makes every good token fail with 401 or 500. " +
			"Publish the public signing keys (RS, PS, ES or EdDSA) of this very realm, each with a kid.",
		Stage: probe.StageServerMetadata, Level: probe.Must, Owner: probe.OwnerAuthorizationServer,
		Spec: "https://www.rfc-editor.org/rfc/rfc7517#section-5", Needs: []probe.Evidence{probe.JWKS}, Judge: keysUsable,
	},
}
