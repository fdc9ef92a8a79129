package checks

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// tunnelFact is what a connector of Cloudflare's on this host tells of itself.
const tunnelFact = "tunnel"

const tunnelDocs = cloudflareDocs + "cloudflare-one/networks/connectors/cloudflare-tunnel/"

// tunnels are judged by those who run where the connector runs.
var tunnels = []*probe.Check{
	{
		ID: "edge.tunnel-connected", Title: "the tunnel's connector is connected to the edge",
		Doc: "cloudflared holds connections to Cloudflare's edge, and requests come in over them. Without one every request is answered with 530, error 1033. " +
			"It tells of itself on this host, at its metrics address. " +
			"Its log says why it does not come up; TCP and UDP port 7844 have to be open to the outside.",
		Stage: probe.StageEdge, Level: probe.Must, Owner: probe.OwnerEdge, OnRequest: true,
		Spec: tunnelDocs + "configure-tunnels/tunnel-with-firewall/", Needs: []probe.Evidence{probe.OfFact(tunnelFact)}, Judge: tunnelConnected,
	},
	{
		ID: "edge.tunnel-carries", Title: "the tunnel's rules carry every path that a client needs",
		Doc: "The first ingress rule whose hostname and path match answers a request, and one without a path takes all of its host. " +
			"So a server on one port and Keycloak on another need rules by path: with a single rule for the host one of the two is never reached, and the login or the metadata are answered 404 by the wrong program. " +
			"mcpwiz expose puts the rules in; in a config.yml they stand before the rule for the whole host.",
		Stage: probe.StageEdge, Level: probe.Must, Owner: probe.OwnerEdge, OnRequest: true,
		Spec: tunnelDocs + "do-more-with-tunnels/local-management/configuration-file/", Needs: []probe.Evidence{probe.OfFact(tunnelFact)},
		After: []string{"edge.tunnel-connected"}, Judge: tunnelCarries, // rules made at Cloudflare come over the first connection
	},
	{
		ID: "edge.tunnel-leads-somewhere", Title: "something listens where the tunnel leads",
		Doc: "A rule names the address that cloudflared passes requests on to. Nothing listening there is a 502 to every client, though the tunnel itself is healthy. " +
			"The address is seen from where cloudflared runs: localhost in a container is the container. " +
			"Start the server, or correct the service of the rule.",
		Stage: probe.StageEdge, Level: probe.Must, Owner: probe.OwnerOrigin, OnRequest: true,
		Spec: tunnelDocs + "do-more-with-tunnels/local-management/configuration-file/", Needs: []probe.Evidence{probe.OfFact(tunnelFact)},
		After: []string{"edge.tunnel-connected", "edge.tunnel-carries"}, Judge: tunnelLeads,
	},
}

func tunnelConnected(t *probe.Trace) probe.Verdict {
	f := tunnelAtHand(t)
	if n, _ := count(f.Data["connections"]); n > 0 {
		return probe.Pass("%d connections (cloudflared %s)", n, quoted(text(f.Data["version"]))).OnFact(f)
	}
	return probe.Fail("cloudflared runs here and has no connection to the edge").OnFact(t.FactsOf(tunnelFact)...).
		So("every request is answered with 530, error 1033").
		Mend("look into the log of cloudflared; let TCP and UDP port 7844 out to region1.v2.argotunnel.com and region2.v2.argotunnel.com")
}

// A led path is what a tunnel does with one that a client needs.
type led struct{ of, host, path, matches, service string }

// tunnelAtHand is what is told of a connector that has a connection; requests come in over such ones alone.
func tunnelAtHand(t *probe.Trace) probe.Fact {
	facts := t.FactsOf(tunnelFact)
	for _, f := range facts {
		if n, _ := count(f.Data["connections"]); n > 0 {
			return f
		}
	}
	return facts[0]
}

func ledBy(f probe.Fact) []led {
	list, _ := f.Data["paths"].([]any)
	var all []led
	for _, one := range list {
		if m, ok := one.(map[string]any); ok {
			all = append(all, led{text(m["of"]), cmp.Or(text(m["host"]), text(f.Data["host"])), text(m["path"]), text(m["matches"]), text(m["service"])})
		}
	}
	return all
}

// tunnelCarries fails for a path that a rule answers by itself, and where all of a host goes to one program of two: it shows in
// what the other's paths are answered.
func tunnelCarries(t *probe.Trace) probe.Verdict {
	f := tunnelAtHand(t)
	for _, l := range ledBy(f) {
		if strings.HasPrefix(l.service, "http_status:") {
			return mendedBy(probe.Fail("%s%s is answered %s by the tunnel's own rule %s", l.host, l.path, strings.TrimPrefix(l.service, "http_status:"), quoted(l.matches)).OnFact(f).
				So(clientName(t)+" never reaches what has to answer there").
				Mend("add an ingress rule for %s before it: mcpwiz expose apply does, or by hand hostname: %s with the service of the %s", l.host, l.host, l.program()), text(f.Data["resource"]))
		}
	}
	if l, x := notThere(t, ledBy(f)); x != nil {
		return mendedBy(probe.Fail("the MCP server and the authorization server of %s are both led to %s, and %s is answered %d there", l.host, l.service, l.path, x.Status()).OnFact(f).On(x).
			So("the "+l.program()+" listens on another port, which the tunnel does not carry").
			Mend("give the tunnel a rule by path before it: hostname: %s, path: %s, service: the address of the %s; with expose.keycloak in mcpwiz.yaml mcpwiz expose apply does, "+
				"or carry both on one port with server.carry_keycloak", l.host, l.rule(), l.program()), text(f.Data["resource"]))
	}
	return probe.Pass("%d paths", len(ledBy(f))).OnFact(f)
}

// notThere is a path that is led to the same address as the other program's, where nothing of its own program was found.
func notThere(t *probe.Trace, all []led) (led, *probe.Exchange) {
	type of struct{ service, program string }
	leads, found := map[of]bool{}, map[of]bool{}
	for _, l := range all {
		at := of{l.service, l.of}
		leads[at] = true
		found[at] = found[at] || l.answered(t, func(status int) bool { return status < 500 && status != 404 }) != nil
	}
	for _, l := range all {
		if !leads[of{l.service, "server"}] || !leads[of{l.service, "issuer"}] || found[of{l.service, l.of}] {
			continue
		}
		if x := l.answered(t, func(status int) bool { return status == 404 }); x != nil {
			return l, x
		}
	}
	return led{}, nil
}

// mendedBy names the resource, where the tunnel is one of the connection's.
func mendedBy(v probe.Verdict, resource string) probe.Verdict {
	if resource == "" {
		return v
	}
	return v.By(resource)
}

func (l led) program() string {
	if l.of == "issuer" {
		return "authorization server"
	}
	return "MCP server"
}

// rule is the path of an ingress rule for its program: of Keycloak the realms, never its administration.
func (l led) rule() string {
	if l.of == "issuer" {
		return `^/(realms|resources|\.well-known/oauth-authorization-server)(/|$)`
	}
	const metadata = "/.well-known/oauth-protected-resource"
	return "^(" + regexp.QuoteMeta(metadata) + ")?" + regexp.QuoteMeta(strings.TrimPrefix(l.path, metadata)) + "(/|$)"
}

// answered is an exchange in which a path was answered with such a status.
func (l led) answered(t *probe.Trace, such func(status int) bool) *probe.Exchange {
	for _, x := range t.Exchanges {
		if u := x.URL(); u != nil && u.Hostname() == l.host && u.EscapedPath() == l.path && x.Status() > 0 && such(x.Status()) {
			return x
		}
	}
	return nil
}

func tunnelLeads(t *probe.Trace) probe.Verdict {
	f := tunnelAtHand(t)
	listens, _ := f.Data["listens"].(map[string]any)
	said := map[string]bool{}
	for _, l := range ledBy(f) {
		if text(listens[l.service]) != "no" || said[l.service] {
			continue
		}
		said[l.service] = true
		return probe.Fail("nothing listens at %s, to which the tunnel leads %s%s", l.service, l.host, l.path).OnFact(f).
			So("it is answered with 502").Mend("%s", fmt.Sprintf("start the %s there, or correct the service of the rule %s", l.program(), quoted(l.matches)))
	}
	return probe.Pass("%d services", len(listens)).OnFact(f)
}
