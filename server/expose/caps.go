package expose

import (
	"time"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

const mega = 1 << 20

// caps are what is documented and was measured, docs/expose.md says where.
var caps = map[string]Caps{
	plan.WayCloudflare: {
		Title: "Cloudflare Tunnel, made by API token", StreamGET: true, StreamPOST: true, Idle: 125 * time.Second, FirstByte: 100 * time.Second,
		OwnDomain: true, StableName: true, Paths: true, MaxBody: 100 * mega,
	},
	plan.WayExistingTunnel: {
		Title: "a Cloudflare Tunnel that is there", StreamGET: true, StreamPOST: true, Idle: 125 * time.Second, FirstByte: 100 * time.Second,
		OwnDomain: true, StableName: true, Paths: true, MaxBody: 100 * mega,
	},
	plan.WayQuickTunnel: {
		Title: "a quick tunnel (trycloudflare.com)", StreamPOST: true, Idle: 125 * time.Second, FirstByte: 100 * time.Second, MaxBody: 100 * mega,
		Limit: "200 requests at a time, then 429", Trial: true,
	},
	plan.WayNgrok: {
		Title: "ngrok", StreamGET: true, StreamPOST: true, OwnDomain: true, StableName: true,
		Interstitial: "on the free plan a page of warning, which the user meets before Keycloak's login where ngrok carries Keycloak too",
		Limit:        "free plan: 1 GB and 20 000 requests a month, 4 000 a minute",
	},
	plan.WayTailscale: {
		Title: "Tailscale Funnel", StreamGET: true, StreamPOST: true, StableName: true, Paths: true,
		Limit: "ports 443, 8443 and 10000 only",
	},
	plan.WayOwn: {
		Title: "a proxy or tunnel of your own", StreamGET: true, StreamPOST: true, OwnDomain: true, StableName: true, Paths: true,
	},
}

// needs are sentences for people.
var needs = map[string][]string{
	plan.WayCloudflare: {
		"A zone (domain) at Cloudflare, and a name one label below it: Universal SSL has no certificate for deeper ones.",
		"An API token with Account · Cloudflare Tunnel · Edit, Zone · Zone · Read and Zone · DNS · Edit.",
		"cloudflared on this machine, with port 7844 open to the outside (UDP, else TCP).",
	},
	plan.WayExistingTunnel: {
		"A tunnel whose connector runs, and its name or id.",
		"An API token with Account · Cloudflare Tunnel · Edit and Zone · DNS · Edit, where the tunnel is managed at Cloudflare; else its config.yml.",
	},
	plan.WayQuickTunnel: {
		"cloudflared on this machine, and no config.yml in ~/.cloudflared.",
		"Another URL after every start: all that is saved in a client or at the authorization server must then be made anew.",
	},
	plan.WayNgrok: {
		"An ngrok account, with its agent on this machine: ngrok http PORT --url https://NAME.",
	},
	plan.WayTailscale: {
		"Tailscale on this machine, with HTTPS certificates and Funnel allowed for it in the tailnet: tailscale funnel --bg PORT.",
		"The name that the tailnet gives this machine: Funnel has no other.",
	},
	plan.WayOwn: {
		"A public IPv4 address with port 443, and a certificate of a public authority: hosted clients come by IPv4 only.",
		"A proxy that holds nothing back; mcpwiz expose snippet prints what it takes for nginx, caddy, traefik, haproxy and apache.",
	},
}
