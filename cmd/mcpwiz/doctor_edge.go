package main

import (
	"context"
	"net/url"
	"os"
	"slices"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server/cloudflare"
	"github.com/mcpwiz/mcpwiz/server/cloudflared"
)

// lookAtEdge has handshakes be told what a connector of Cloudflare's on this host says of itself; and where somebody gives a token
// for it, how Cloudflare is set where the server is, and what its firewall did: with -f as the connection has it, else for the
// url alone.
func (p *program) lookAtEdge(ctx context.Context, file string, all []client.Options) (err error) {
	if !anyPublic(all) {
		return nil
	}
	c := plan.Connection{}
	if file != "" {
		if c, err = p.load(&connectionFlags{file: file, untouched: true}); err != nil {
			return err
		}
	}
	informOfTunnel(c.Defaults(), file, all)
	if !p.cloudflareGiven() {
		return nil
	}
	api, err := p.cloudflare(ctx)
	if err != nil {
		return err
	}
	informOfEdge(api, c, all)
	return nil
}

// informOfTunnel has each handshake be told of the connectors on this host; file is the connection's.
func informOfTunnel(c plan.Connection, file string, all []client.Options) {
	for i := range all {
		o := &all[i]
		if !public(o.Target) {
			continue
		}
		of := cloudflared.Subject{Target: o.Target, Issuer: c.Keycloak.Issuer, Metrics: c.Expose.MetricsURL}
		if _, known := c.Server(o.Target); known && c.Expose.ByAPI() {
			of.Resource, of.Tunnel = cloudflarePrefix+"ingress/"+c.Expose.Tunnel, tunnelID(file, c.Expose)
		}
		o.Informants = append(o.Informants, cloudflared.Facts(of))
	}
}

// tunnelID is what the token that the connection's tunnel runs with says, "" where it is not kept here.
func tunnelID(file string, e plan.Expose) string {
	token, err := os.ReadFile(runTokenPath(file, e))
	if err != nil {
		return ""
	}
	of, _ := cloudflared.DecodeRunToken(string(token)) // what cannot be read names none
	return of.Tunnel
}

// informOfEdge has each handshake be told how the zone of its server is set, which is read once for all, and what the firewall did.
func informOfEdge(api *cloudflare.API, c plan.Connection, all []client.Options) {
	settings := map[string]probe.Informant{}
	for i := range all {
		o := &all[i]
		if !public(o.Target) {
			continue
		}
		of := c
		if len(of.Clients) == 0 {
			of.Clients = clientsOf(all)
		}
		if _, known := of.Server(o.Target); !known {
			of.Servers = []plan.Server{{URL: o.Target}}
		}
		if settings[o.Target] == nil {
			settings[o.Target] = api.Settings(of, o.Target)
		}
		o.Informants = append(o.Informants, settings[o.Target], api.Events(of, o.Target))
	}
}

// clientsOf are those that the handshakes behave as: whom an edge lets in is asked for them.
func clientsOf(all []client.Options) []plan.Client {
	var clients []plan.Client
	for _, o := range all {
		if !slices.ContainsFunc(clients, func(c plan.Client) bool { return c.Profile == o.Profile.ID }) {
			clients = append(clients, plan.Client{Profile: o.Profile.ID})
		}
	}
	return clients
}

func anyPublic(all []client.Options) bool {
	for _, o := range all {
		if public(o.Target) {
			return true
		}
	}
	return false
}

// public: the host is not this machine.
func public(target string) bool {
	u, err := url.Parse(target)
	return err == nil && u.Hostname() != "" && !probe.Loopback(u.Hostname())
}
