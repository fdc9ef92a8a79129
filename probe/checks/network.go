package checks

import "github.com/mcpwiz/mcpwiz/probe"

const (
	claudeReach = "https://claude.com/docs/connectors/building/troubleshooting"
	httpsServer = "https://www.rfc-editor.org/rfc/rfc9110#section-4.3.4"
)

// network begins with whether anybody answers: what was never reached is explained by that before anything else.
var network = []*probe.Check{
	{
		ID: "network.connected", Title: "every host answers",
		Doc: "A client must reach two parties: the MCP server, and the authorization server that it names. " +
			"It shows as \"couldn't reach the MCP server\" with no line in any log, and the kind of failure tells where it broke: name, port, certificate, firewall. " +
			"Start what should listen, publish it on a public name at port 443, and let the client's network through (hosted Claude comes from 160.79.104.0/21).",
		Stage: probe.StageNetwork, Level: probe.Must, Owner: probe.OwnerNetwork,
		Spec: claudeReach, Needs: []probe.Evidence{probe.Connection}, Judge: connected,
	},
	{
		ID: "network.resolves", Title: "the host names resolve",
		Doc: "Everything begins with an address for the name of the MCP server, and later for that of the authorization server. " +
			"A record that was deleted, mistyped, or made in a zone that is not delegated shows as a server that cannot be reached. " +
			"Make the record; for a tunnel by cloudflared tunnel route dns <tunnel> <hostname>.",
		Stage: probe.StageNetwork, Level: probe.Must, Owner: probe.OwnerNetwork,
		Spec: claudeReach, Needs: []probe.Evidence{probe.OfFact("dns")}, Judge: resolves,
	},
	{
		ID: "network.names-agree", Title: "public name servers say the same as this machine's",
		Doc: "The doctor asks whom this machine's name service names, a client whom the public name servers do. " +
			"A record that only your own name server has, or /etc/hosts, or two name servers that disagree, show as a server that works from here and not from elsewhere. " +
			"Compare dig +short A <host> @1.1.1.1 with dig +short A <host>, and make the public record.",
		Stage: probe.StageNetwork, Level: probe.Must, Owner: probe.OwnerNetwork,
		Spec: claudeReach, Needs: []probe.Evidence{probe.OfFact("dns")}, After: []string{"network.resolves"}, Judge: namesAgree,
	},
	{
		ID: "network.address-public", Title: "every address is public, and one is IPv4",
		Doc: "A client in its vendor's cloud sees only the public internet: hosted Claude asks for an A record and refuses a name of which any address is private. " +
			"It works from home and not from Claude, without a single request in the log. " +
			"Publish an A record with a public address, and keep private answers to a name server that only your own network asks.",
		Stage: probe.StageNetwork, Level: probe.Must, Owner: probe.OwnerNetwork,
		Spec: claudeReach, Needs: []probe.Evidence{probe.OfFact("dns")}, After: []string{"network.resolves"}, Judge: addressPublic,
	},
	{
		ID: "network.certificate-verifies", Title: "the certificates verify against public roots",
		Doc: "Clients verify the server's certificate with the public authorities' roots and fetch no missing link of a chain. " +
			"Browsers forgive a missing intermediate certificate, so it works on the desk and fails from the cloud. " +
			"Serve the whole chain (fullchain.pem) of a public authority, for exactly this name; Cloudflare's own certificate covers one level of sub-domains.",
		Stage: probe.StageNetwork, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: httpsServer, Needs: []probe.Evidence{probe.OfFact("certificate")}, Judge: certificateVerifies,
	},
	{
		ID: "network.certificate-fresh", Title: "the certificates do not end soon",
		Doc: "A certificate that was not renewed takes the server down at a moment nobody watches. " +
			"Renewal is due when a third of the life is left; with less than a tenth it has failed for some time. " +
			"Look at the renewal's log (certbot renew --dry-run), and see that the server loads the new file.",
		Stage: probe.StageNetwork, Level: probe.Should, Owner: probe.OwnerOrigin,
		Spec: httpsServer, Needs: []probe.Evidence{probe.OfFact("certificate")}, After: []string{"network.certificate-verifies"}, Judge: certificateFresh,
	},
	{
		ID: "network.answers-whole", Title: "every answer arrives whole",
		Doc: "An answer that breaks off, that trickles, or that does not end is none to a client: it waits until its limit and says that the server did not answer. " +
			"It shows as a status and headers that are right, and a body whose end is missing. " +
			"Look for a crash while the answer is written, a proxy with a limit on sizes or times, a Content-Length that is too long, or a catch-all route that streams.",
		Stage: probe.StageNetwork, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: "https://www.rfc-editor.org/rfc/rfc9112#section-8", Needs: []probe.Evidence{probe.Connection}, Judge: answersWhole,
	},
	{
		ID: "network.tls-version", Title: "TLS 1.2 or newer is spoken",
		Doc: "Clients refuse TLS 1.0 and 1.1, which are broken and forbidden. " +
			"It shows as a handshake that fails with \"protocol version\" though a certificate is there. " +
			"Raise the lowest version of the server or the edge (nginx: ssl_protocols TLSv1.2 TLSv1.3).",
		Stage: probe.StageNetwork, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: "https://www.rfc-editor.org/rfc/rfc9325#section-3.1.1", Needs: []probe.Evidence{probe.Connection}, Judge: tlsVersion,
	},
	{
		ID: "network.not-redirected", Title: "the endpoint answers at the URL that was typed",
		Doc: "A redirect in front of the endpoint costs more than a round trip: 301 and 302 turn POST into GET, and one to another host takes the token off. " +
			"Typical are /mcp to /mcp/, http to https, and the bare domain to www. " +
			"Type the final URL into the client and use it as the resource; or serve both forms without a redirect.",
		Stage: probe.StageNetwork, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: "https://www.rfc-editor.org/rfc/rfc9110#section-15.4", Needs: []probe.Evidence{probe.Connection}, Judge: notRedirected,
	},
	{
		ID: "network.https", Title: "the MCP server is named by https",
		Doc: "Tokens travel here with every call, so a public server is called by https, and hosted clients take nothing else. " +
			"An http URL is refused when it is typed, or redirected, which costs the POST its body. " +
			"Publish the server through TLS (a tunnel or a proxy does it), and tell it its public https URL.",
		Stage: probe.StageNetwork, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: mcpAuth + "communication-security", Needs: []probe.Evidence{probe.Connection}, Judge: byHTTPS,
	},
	{
		ID: "network.plain-http", Title: "without TLS the endpoint is not served",
		Doc: "A URL typed without its s leads a client to port 80, and there its token would travel in clear text. " +
			"Everything seems to work, so nobody notices. " +
			"Answer there with a redirect to https, or not at all.",
		Stage: probe.StageNetwork, Level: probe.Should, Owner: probe.OwnerOrigin,
		Spec: mcpAuth + "communication-security", Needs: []probe.Evidence{probe.OfProbe("plain-http")}, Judge: plainHTTP,
	},
	{
		ID: "network.port-443", Title: "a hosted client finds everything at port 443",
		Doc: "Hosted Claude contacts port 443 alone, of the MCP server and of the authorization server. " +
			"Another port shows as a server that cannot be reached, without a request in its log, though it works from anywhere else. " +
			"Publish on 443: a tunnel or a reverse proxy maps it to any port behind, and one hostname can serve several paths.",
		Stage: probe.StageNetwork, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: "https://github.com/anthropics/claude-ai-mcp/issues/85", Needs: []probe.Evidence{probe.Connection}, Judge: port443,
	},
	{
		ID: "network.url-canonical", Title: "the URL is a canonical resource identifier",
		Doc: "The URL that the user types is also the name of the resource: in the metadata, in the resource parameter and in the token's audience, compared as text. " +
			"A fragment is never sent, a password or key in it ends in logs and is no way to sign in, and a port or capitals that clients leave out make two names of one. " +
			"Type scheme and host in lower case, no port and no fragment, and publish the resource exactly so.",
		Stage: probe.StageNetwork, Level: probe.Must, Owner: probe.OwnerClient,
		Spec: mcpAuth + "canonical-server-uri", Needs: []probe.Evidence{probe.Connection}, Judge: urlCanonical,
	},
}
