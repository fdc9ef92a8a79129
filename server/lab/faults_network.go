package lab

import (
	"crypto/tls"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// name changes what is known of a host.
func name(host string, change func(*Name)) func(*Network) {
	return func(n *Network) { change(n.At(host)) }
}

func shows(host string, what Shown) func(*Network) {
	return name(host, func(n *Name) { n.Shows = what })
}

func wire(host string, how Wire) func(*Network) { return name(host, func(n *Name) { n.Wire = how }) }

// served tells the MCP server another URL.
func served(url string) func(*plan.Connection) {
	return func(c *plan.Connection) { c.Servers[0].URL = url }
}

const serversCalls = "who serves sees no connection of the client's"

var networkFaults = []Fault{
	{
		Name: "no-such-name", Does: "the MCP server's name does not resolve",
		Where: InNetwork, First: []string{"network.resolves"}, Unheard: neverArrives,
		Network: name(Host, func(n *Name) { n.A, n.AAAA = nil, nil }),
	},
	{
		Name: "no-such-server-name", Does: "the authorization server's name does not resolve",
		Where: InNetwork, First: []string{"network.resolves"}, Heard: []string{"network.connected"},
		Network: name(ServerHost, func(n *Name) { n.A, n.AAAA = nil, nil }),
	},
	{
		Name: "private-address", Does: "the MCP server's name has a private address",
		Where: InNetwork, First: []string{"network.address-public"}, Unheard: serversCalls,
		Network: name(Host, func(n *Name) { n.A = []string{"192.168.1.20"} }),
	},
	{
		Name: "one-private-address", Does: "one of the addresses of the MCP server's name is private",
		Where: InNetwork, First: []string{"network.address-public"}, Unheard: serversCalls,
		Network: name(Host, func(n *Name) { n.A = append(n.A, "10.0.0.5") }),
	},
	{
		Name: "private-server-address", Does: "the authorization server has a private address",
		Where: InNetwork, First: []string{"network.address-public"}, Unheard: serversCalls,
		Network: name(ServerHost, func(n *Name) { n.A = []string{"100.64.0.9"} }),
	},
	{
		Name: "ipv6-alone", Does: "the MCP server's name has no A record",
		Where: InNetwork, First: []string{"network.address-public"}, Unheard: serversCalls,
		Network: name(Host, func(n *Name) { n.A = nil }),
	},
	{
		Name: "connection-refused", Does: "nothing listens at the MCP server's port",
		Where: InNetwork, First: []string{"network.connected"}, Unheard: neverArrives,
		Network: wire(Host, Refuses),
	},
	{
		Name: "server-connection-refused", Does: "nothing listens at the authorization server's port",
		Where: InNetwork, First: []string{"network.connected"},
		Network: wire(ServerHost, Refuses),
	},
	{
		Name: "connection-reset", Does: "a firewall resets connections to the MCP server once something is sent",
		Where: InNetwork, First: []string{"network.connected"}, Unheard: neverArrives,
		Network: wire(Host, Resets),
	},
	{
		Name: "server-connection-reset", Does: "a firewall resets connections to the authorization server once something is sent",
		Where: InNetwork, First: []string{"network.connected"},
		Network: wire(ServerHost, Resets),
	},
	{
		Name: "black-hole", Does: "a firewall drops what is sent to the MCP server",
		Where: InNetwork, First: []string{"network.connected"}, Unheard: neverArrives,
		Network: wire(Host, Swallows),
	},
	{
		Name: "certificate-expired", Does: "the MCP server's certificate is over",
		Where: InNetwork, First: []string{"network.certificate-verifies"}, Unheard: neverArrives,
		Network: shows(Host, Expired),
	},
	{
		Name: "certificate-not-yet-valid", Does: "the MCP server's certificate begins tomorrow",
		Where: InNetwork, First: []string{"network.certificate-verifies"}, Unheard: neverArrives,
		Network: shows(Host, NotYetValid),
	},
	{
		Name: "certificate-of-another", Does: "the MCP server's certificate is for another name",
		Where: InNetwork, First: []string{"network.certificate-verifies"}, Unheard: neverArrives,
		Network: shows(Host, OtherName),
	},
	{
		Name: "certificate-self-signed", Does: "the MCP server's certificate is its own",
		Where: InNetwork, First: []string{"network.certificate-verifies"}, Unheard: neverArrives,
		Network: shows(Host, SelfSigned),
	},
	{
		Name: "certificate-incomplete", Does: "the MCP server does not send the certificate between its own and the root",
		Where: InNetwork, First: []string{"network.certificate-verifies"}, Unheard: neverArrives,
		Network: shows(Host, Incomplete),
	},
	{
		Name: "server-certificate-expired", Does: "the authorization server's certificate is over",
		Where: InNetwork, First: []string{"network.certificate-verifies"}, Heard: []string{"network.connected"},
		Network: shows(ServerHost, Expired),
	},
	{
		Name: "certificate-ends-soon", Does: "the MCP server's certificate ends in two days and was not renewed",
		Where: InNetwork, First: []string{"network.certificate-fresh"}, Warns: true, Unheard: serversCalls,
		Network: shows(Host, EndsSoon),
	},
	{
		Name: "old-tls", Does: "the MCP server speaks TLS 1.1 at most",
		Where: InNetwork, First: []string{"network.tls-version"}, Unheard: neverArrives,
		Network: name(Host, func(n *Name) { n.NewestTLS = tls.VersionTLS11 }),
	},
	{
		Name: "no-tls", Does: "port 443 speaks plain HTTP",
		Where: InNetwork, First: []string{"network.connected", "network.certificate-verifies"}, Unheard: neverArrives,
		Network: name(Host, func(n *Name) { n.Plain = true }),
	},
	{
		Name: "other-port", Does: "the MCP server is published on port 8443",
		Where: InNetwork, First: []string{"network.port-443"}, URL: "https://" + Host + ":8443/mcp",
		Network: name(Host, func(n *Name) { n.Port = "8443" }), Served: served("https://" + Host + ":8443/mcp"),
		Server: issued(anyGrant, claim("aud", "https://"+Host+":8443/mcp")),
	},
	{
		Name: "by-http", Does: "the URL that was typed is http",
		Where: AtClient, First: []string{"network.https"}, URL: "http://" + Host + "/mcp", Unheard: neverArrives,
		Network: func(n *Network) { n.At(Host).Plain, n.At(Host).Port = true, "80" }, Edge: []Layer{redirect(301, Target)},
	},
}
