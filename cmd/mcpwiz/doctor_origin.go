package main

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server"
)

// noOrigin has nothing compared; ownMark is the header that mcpwiz serve marks its answers by.
const (
	noOrigin = "none"
	ownMark  = "X-Mcpwiz-Instance"
)

// behindEdge tells handshakes where the server listens behind what stands in front of it: as the flag says, else where the file
// has it listen, when it is ours that answers there.
func (p *program) behindEdge(ctx context.Context, o *doctorOptions, all []client.Options) error {
	file := cmp.Or(o.connection.file, o.keycloak)
	switch {
	case o.origin == noOrigin:
		return nil
	case o.origin != "":
		for i := range all {
			all[i].Origin = strings.TrimSuffix(o.origin, "/")
		}
		return nil
	case file == "":
		return nil
	}
	c, err := p.load(&connectionFlags{file: file, untouched: true})
	if err != nil {
		return err
	}
	found := map[string]string{}
	for i := range all {
		h := &all[i]
		s, known := c.Server(h.Target)
		if !known || !public(h.Target) {
			continue
		}
		if _, asked := found[h.Target]; !asked {
			found[h.Target] = ownListener(ctx, s)
		}
		h.Origin = found[h.Target]
	}
	return nil
}

// ownListener returns where a server of ours listens on this machine, "" where none answers.
func ownListener(ctx context.Context, s plan.Server) string {
	host, port, err := net.SplitHostPort(cmp.Or(s.Listen, server.DefaultListen))
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	target, err := url.Parse(s.URL)
	if err != nil || !probe.Loopback(host) {
		return ""
	}
	at := "http://" + net.JoinHostPort(host, port)
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at+target.EscapedPath(), nil)
	if err != nil {
		return ""
	}
	r.Host = target.Host
	direct := &http.Transport{DisableKeepAlives: true} // loopback: no proxy is asked
	resp, err := direct.RoundTrip(r)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	if resp.Header.Get(ownMark) == "" {
		return ""
	}
	return at
}
