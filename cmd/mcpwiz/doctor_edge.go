package main

import (
	"context"
	"net/url"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server/cloudflare"
)

// lookAtEdge has handshakes be told how Cloudflare is set where the server is, and what its firewall did, where somebody gives a
// token for it: with -f as the connection has it, else for the url alone.
func (p *program) lookAtEdge(ctx context.Context, file string, all []client.Options) error {
	if !p.cloudflareGiven() || !anyPublic(all) {
		return nil
	}
	api, err := p.cloudflare(ctx)
	if err != nil {
		return err
	}
	c := plan.Connection{}
	if file != "" {
		if c, err = p.load(&connectionFlags{file: file, untouched: true}); err != nil {
			return err
		}
	}
	informOfEdge(api, c, all)
	return nil
}

// informOfEdge has the first handshake with a server be told how its zone is set, and each what the firewall did meanwhile.
func informOfEdge(api *cloudflare.API, c plan.Connection, all []client.Options) {
	told := map[string]bool{}
	for i := range all {
		o := &all[i]
		if !public(o.Target) {
			continue
		}
		of := c
		if _, known := of.Server(o.Target); !known {
			of.Servers = []plan.Server{{URL: o.Target}}
		}
		if !told[o.Target] {
			told[o.Target] = true
			o.Informants = append(o.Informants, api.Settings(of, o.Target))
		}
		o.Informants = append(o.Informants, api.Events(of, o.Target))
	}
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
