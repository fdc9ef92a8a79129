package checks

import "github.com/mcpwiz/mcpwiz/probe"

// What is asked where the server listens and through its public name in the same words: without a token, and with one.
const (
	askedBehind      = "origin"
	askedBehindToken = "origin-token"
)

// originCompare judges the differences: what the server itself does wrong is the same on both sides, and not told here.
var originCompare = []*probe.Check{
	{
		ID: "edge.leads-to-origin", Title: "the public name leads to the server that listens here",
		Doc: "A name may lead to another server than the one that is looked at: an old container, another port, a second instance. Whatever is changed here then changes nothing outside. " +
			"mcpwiz serve marks its answers by X-Mcpwiz-Instance, another value with every start: behind the edge and through the name it must be the same. " +
			"Let the tunnel's or the proxy's rule lead to the address that this server listens at, and end the other one.",
		Stage: probe.StageEdge, Level: probe.Should, Owner: probe.OwnerEdge, OnRequest: true,
		Spec: "https://www.rfc-editor.org/rfc/rfc9110#section-7.4", Needs: []probe.Evidence{probe.OfProbe(askedBehind)}, Judge: leadsToOrigin,
	},
	{
		ID: "edge.answers-kept", Title: "answers come through the edge as the server gives them",
		Doc: "What stands between client and server may answer by itself, ask by another method, or change what is said. " +
			"The same requests are sent to the address that the server listens at and to its public name: another status or another document through the name is the edge's doing, and no setting of the server's changes it. " +
			"Find the rule, page or route that takes the path, and let it pass to the server as it is.",
		Stage: probe.StageEdge, Level: probe.Must, Owner: probe.OwnerEdge, OnRequest: true,
		Spec: "https://www.rfc-editor.org/rfc/rfc9110#section-7.7", Needs: []probe.Evidence{probe.OfProbe(askedBehind)}, Judge: answersKept,
	},
	{
		ID: "edge.answer-headers-kept", Title: "the headers of answers come through the edge as the server sends them",
		Doc: "Clients find their way by WWW-Authenticate, keep a session by Mcp-Session-Id, and read by Content-Type; browsers obey Access-Control headers, and caches Cache-Control. " +
			"One that the server sends and that does not come through the public name was taken off in between; one that only the name brings was added there, and two CORS headers are as good as none. " +
			"Take the rule that rewrites response headers off the server's paths.",
		Stage: probe.StageEdge, Level: probe.Must, Owner: probe.OwnerEdge, OnRequest: true,
		Spec: "https://www.rfc-editor.org/rfc/rfc9110#section-7.6", Needs: []probe.Evidence{probe.OfProbe(askedBehind)}, Judge: answerHeadersKept,
	},
	{
		ID: "edge.streams-begin", Title: "streams begin through the edge when the server begins them",
		Doc: "A proxy that buffers waits until it has enough of an answer, or all of it, and a stream of events never ends. " +
			"It shows as a stream that begins at once where the server listens, and not, or seconds later, through the public name; calls that tell their progress then look like calls that hang. " +
			"Switch buffering off for the server's paths: mcpwiz expose snippet prints how, for nginx, caddy, traefik, haproxy and apache; a quick tunnel of Cloudflare holds every GET stream back.",
		Stage: probe.StageEdge, Level: probe.Must, Owner: probe.OwnerEdge, OnRequest: true,
		Spec:  "https://html.spec.whatwg.org/multipage/server-sent-events.html#authoring-notes",
		Needs: []probe.Evidence{probe.OfProbe(askedBehind), probe.OfProbe(askedBehindToken)}, Judge: streamsBegin,
	},
}
