package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"runtime"

	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server"
	"github.com/mcpwiz/mcpwiz/server/cloudflared"
)

// tunnel is what cloudflared has to run for a connection, whose token is kept beside the file.
func (p *program) tunnel(c plan.Connection, path string, log *slog.Logger) (*cloudflared.Options, error) {
	program, err := cloudflared.Find(p.env)
	if err != nil {
		return nil, failed(err, cloudflared.Here(runtime.GOOS)+"\nor name it in "+cloudflared.EnvProgram)
	}
	t := &cloudflared.Options{Program: program, Logger: log.With("part", "tunnel")}
	t.Told = func(s cloudflared.State) { tellTunnel(t.Logger, s) }
	e := c.Defaults().Expose
	switch e.Way {
	case plan.WayCloudflare, plan.WayExistingTunnel:
		t.TokenFile = runTokenPath(path, e)
		if _, err := os.Stat(t.TokenFile); errors.Is(err, fs.ErrNotExist) {
			return nil, failed(fmt.Errorf("the token that the tunnel runs with is not at %s", t.TokenFile), "mcpwiz expose apply fetches it; mcpwiz up does all of it")
		}
	case plan.WayQuickTunnel:
		if len(c.Servers) != 1 {
			return nil, usage("expose.way: cloudflare, or one server", "a quick tunnel leads to one server, and the connection has %d", len(c.Servers))
		}
		t.QuickURL = "http://" + listenAddress(c.Servers[0])
	default:
		return nil, usage("expose.way: cloudflare, existing-tunnel or quick-tunnel", "there is no tunnel to run: expose.way is %q", e.Way)
	}
	return t, nil
}

// listenAddress is where serve listens for a server.
func listenAddress(s plan.Server) string {
	if s.Listen != "" {
		return s.Listen
	}
	return server.DefaultListen
}

func tellTunnel(log *slog.Logger, s cloudflared.State) {
	switch s.Phase {
	case cloudflared.Connected:
		log.Info("the tunnel carries", "connections", s.Connections, "connector", s.Connector)
	case cloudflared.Disconnected:
		log.Warn("the tunnel carries nothing now", "reason", s.Reason, "mend", s.Mend)
	case cloudflared.Starting:
		if s.Reason != "" {
			log.Warn("the tunnel does not come up", "reason", s.Reason, "mend", s.Mend)
		}
	case cloudflared.Stopped:
		if s.Reason != "" {
			log.Error("the tunnel is given up", "reason", s.Reason, "mend", s.Mend)
		}
	}
}

// quickURL is a quick tunnel's, once it is known; told before goes on being told.
func quickURL(t *cloudflared.Options) <-chan string {
	known := make(chan string, 1)
	before := t.Told
	t.Told = func(s cloudflared.State) {
		before(s)
		if s.URL != "" {
			select {
			case known <- s.URL:
			default:
			}
		}
	}
	return known
}

// tunnelBeside runs a tunnel while serve serves, and stops it first: no request comes any more when serve ends. Without a tunnel it is
// serve alone.
func tunnelBeside(ctx context.Context, t *cloudflared.Options, serve func(context.Context) error) error {
	if t == nil {
		return serve(ctx)
	}
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServing()
	tunnelling, stopTunnel := context.WithCancel(ctx)
	defer stopTunnel()
	served := make(chan error, 1)
	go func() {
		err := serve(serving)
		stopTunnel()
		served <- err
	}()
	err := cloudflared.Run(tunnelling, *t)
	stopServing()
	return errors.Join(<-served, err)
}

// at has the first server of a connection reached by another origin: a quick tunnel's, which is new after each start.
func (f *connectionFlags) at(origin string, c plan.Connection) error {
	own, err := url.Parse(c.Servers[0].URL)
	if err != nil {
		return err
	}
	f.over = append(f.over, overlaid{"url", origin + own.EscapedPath(), keys["url"].set})
	return nil
}

// quickLimits are what a quick tunnel cannot do.
const quickLimits = "a quick tunnel is for a trial: its name is new after each start, 200 requests at a time, and no SSE on GET"
