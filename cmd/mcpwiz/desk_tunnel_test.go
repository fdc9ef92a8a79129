package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server/cloudflare/cloudflaretest"
	"github.com/mcpwiz/mcpwiz/server/cloudflared"
)

func TestCarrierInWords(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]cloudflared.State{
		" the tunnel connects":                               {Phase: cloudflared.Starting},
		"pass the tunnel carries, by 1 connection":           {Phase: cloudflared.Connected, Connections: 1},
		"pass the tunnel carries, by 4 connections":          {Phase: cloudflared.Connected, Connections: 4},
		"fail the tunnel does not come up: no way: open it":  {Phase: cloudflared.Starting, Reason: "no way", Mend: "open it"},
		"fail the tunnel carries nothing now":                {Phase: cloudflared.Disconnected},
		"fail the tunnel ended, and begins again in 2s: why": {Phase: cloudflared.Waiting, Retry: 2 * time.Second, Reason: "why"},
		"fail the tunnel is over: why":                       {Phase: cloudflared.Stopped, Reason: "why"},
	} {
		if c := carrierOf(s); string(c.Outcome)+" "+c.String() != want {
			t.Errorf("got %s %s, want %s", c.Outcome, c, want)
		}
	}
}

// deskBehind is a desk whose program reaches a small Cloudflare, and a program in the place of cloudflared where one is named.
func deskBehind(t *testing.T, s *smallEdge, connector string) *desk {
	t.Helper()
	d := atDesk(t, false)
	d.env = func(name string) (string, bool) {
		switch name {
		case envCloudflareAPI:
			return s.URL + "/client/v4", true
		case cloudflared.EnvProgram:
			return connector, connector != ""
		}
		return "", false
	}
	return d
}

// A connector that is not there, or cannot run, is said with what to do; the server listens all the same.
func TestATunnelThatDoesNotComeUp(t *testing.T) {
	t.Parallel()
	s := newSmallEdge(t, cloudflaretest.Options{})
	a := answersFor(s.keycloak, freeAddress(t))
	a.Connection.Expose = plan.Expose{Way: plan.WayCloudflare}
	a.Connection.Servers[0].URL = "https://mcp.example.com/mcp"
	a.EdgeToken = cloudflaretest.DefaultToken
	broken := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(broken, []byte("#!/bin/sh\necho 'Provided Tunnel token is not valid.' >&2\nexit 255\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ connector, want string }{
		"not there": {filepath.Join(t.TempDir(), "none"), "no such file"},
		"broken":    {broken, "the tunnel does not run: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := deskBehind(t, s, c.connector)
			if err := os.MkdirAll(filepath.Dir(runTokenPath(d.path, plan.Expose{})), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(runTokenPath(d.path, a.Connection.Defaults().Expose), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			err := d.serve(t.Context(), a, quietly)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), cloudflaretest.DefaultToken) {
				t.Errorf("%v, want %s", err, c.want)
			}
			if r := d.runs(); r == nil || !r.alive() {
				t.Error("the server does not listen")
			}
			v := d.checkServer(t.Context(), plan.WayCloudflare, a.Connection.Servers[0].Listen, a.Connection.Servers[0].URL)
			if !v.OK || !v.Warn {
				t.Errorf("%+v", v)
			}
		})
	}
}

// Without a token that the tunnel is run with there is nothing to run: its own connector carries it.
func TestATunnelOfItsOwnFileIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := newSmallEdge(t, cloudflaretest.Options{})
	if _, err := s.Do(http.MethodPost, "accounts/"+s.AccountID("Home")+"/cfd_tunnel", map[string]any{"name": "house", "config_src": "local"}); err != nil {
		t.Fatal(err)
	}
	d := deskBehind(t, s, "")
	a := answersFor(s.keycloak, freeAddress(t))
	a.Connection.Expose = plan.Expose{Way: plan.WayExistingTunnel, Tunnel: "house"}
	a.Connection.Servers[0].URL = "https://mcp.example.com/mcp"
	a.EdgeToken = cloudflaretest.DefaultToken
	if err := d.carry(t.Context(), a, quietly); err != nil || d.runsTunnel() != nil {
		t.Errorf("%v, %v", err, d.runsTunnel())
	}
	ctx, cancel := context.WithCancel(t.Context())
	ch := d.carrier(ctx)
	cancel()
	for c := range ch {
		t.Errorf("told of no tunnel: %s", c)
	}
	seen, v := d.checkCloudflare(t.Context(), a.EdgeToken)
	if !v.OK || len(seen.Tunnels) != 1 || !strings.HasSuffix(seen.Tunnels[0].State, "rules in its own file") {
		t.Errorf("%+v %+v", v, seen)
	}
}

// What a way cannot have is told where the url is typed.
func TestCheckServerByAWay(t *testing.T) {
	t.Parallel()
	d := atDesk(t, false)
	listen := freeAddress(t)
	for way, want := range map[string]string{
		plan.WayTailscale: "is no name of a tailnet", plan.WayNgrok: "cannot be had this way: 443",
	} {
		v := d.checkServer(t.Context(), way, listen, "https://mcp.invalid:8443/mcp")
		if !v.OK || !v.Warn || !strings.Contains(v.Note, want) {
			t.Errorf("%s: %+v, want %s", way, v, want)
		}
	}
}

// A quick tunnel goes on while it leads to the same place, and another begins where it does not.
func TestQuickTunnelOfTheDesk(t *testing.T) {
	t.Parallel()
	d := deskBehind(t, newSmallEdge(t, cloudflaretest.Options{}), filepath.Join(t.TempDir(), "none"))
	origin, v := d.quickTunnel(t.Context(), "127.0.0.1:8080")
	if origin != "" || v.OK || !strings.Contains(v.Note, "none") {
		t.Errorf("%q, %+v", origin, v)
	}
}
