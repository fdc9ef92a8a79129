package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server/cloudflared"
	"github.com/mcpwiz/mcpwiz/tui/wizard"
)

// tunnelUp is how long a tunnel may take until it carries.
const tunnelUp = 30 * time.Second

// quickTunnel runs one to where the server will listen. That of before goes on, as long as it leads there: its name is in all that
// was planned.
func (d *desk) quickTunnel(ctx context.Context, listen string) (string, wizard.Verdict) {
	d.serving.Lock()
	defer d.serving.Unlock()
	c := plan.Connection{Servers: []plan.Server{{Listen: listen}}, Expose: plan.Expose{Way: plan.WayQuickTunnel}}
	t, err := d.tunnelFor(c)
	if err != nil {
		return "", wizard.Verdict{Note: err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, tunnelUp)
	defer cancel()
	s := t.until(ctx, func(s cloudflared.State) bool { return s.URL != "" }, func(cloudflared.State) {})
	if s.URL == "" {
		return "", wizard.Verdict{Note: "the quick tunnel does not come up: " + reasonOf(s)}
	}
	return s.URL, wizard.Verdict{OK: true, Warn: true, Note: strings.TrimPrefix(s.URL, "https://") + " is yours while the wizard runs; " + quickLimits}
}

func reasonOf(s cloudflared.State) string {
	switch {
	case s.Reason == "":
		return "cloudflared says nothing of it"
	case s.Mend == "":
		return s.Reason
	}
	return s.Reason + ": " + s.Mend
}

// tunnelFor is the tunnel of a connection, begun where it does not run. One that runs for another is stopped.
func (d *desk) tunnelFor(c plan.Connection) (*tunnelling, error) {
	log, err := d.openLog()
	if err != nil {
		return nil, err
	}
	talks := *d.program
	talks.err = log
	o, err := talks.tunnel(c, d.path, talks.logger("text"))
	if err != nil {
		return nil, errors.Join(whole(err), log.Close())
	}
	if had := d.runsTunnel(); had != nil {
		if had.alive() && had.file == o.TokenFile && had.quick == o.QuickURL {
			return had, log.Close()
		}
		if err := d.stopTunnel(); err != nil {
			return nil, errors.Join(err, log.Close())
		}
	}
	t := runTunnel(*o, log.Close)
	d.mu.Lock()
	d.tunnels = t
	d.mu.Unlock()
	return t, nil
}

// whole has the hint in the sentence: a page has no other place for it.
func whole(err error) error {
	if f := new(failure); errors.As(err, &f) && f.err != nil && f.hint != "" {
		hint, _, _ := strings.Cut(f.hint, "\n")
		return fmt.Errorf("%w: %s", f.err, hint)
	}
	return err
}

func (d *desk) runsTunnel() *tunnelling {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tunnels
}

func (d *desk) stopTunnel() error {
	d.mu.Lock()
	t := d.tunnels
	d.tunnels = nil
	d.mu.Unlock()
	if t == nil {
		return nil
	}
	return t.close()
}

// restFor is how long Cloudflare may take to hear that a tunnel has ended.
const restFor = 30 * time.Second

// rest stops the tunnel, and waits until Cloudflare has heard of it: one that runs is not deleted.
func (d *desk) rest(ctx context.Context, s *provisioning) error {
	ran := d.runsTunnel() != nil
	if err := d.stopTunnel(); err != nil || !ran || s.site == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, restFor)
	defer cancel()
	for {
		t, err := s.site.Tunnel(ctx)
		if err != nil || t == nil || t.Status != "healthy" && t.Status != "degraded" {
			return err
		}
		select {
		case <-ctx.Done():
			return nil // that it runs still is said by who is to delete it
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// carry brings clients to the server as the answers say: a tunnel whose rules are in a file of its own has its connector already.
func (d *desk) carry(ctx context.Context, a wizard.Answers, told func(string)) error {
	c := a.Connection.Defaults()
	switch {
	case c.Expose.ByAPI():
		if held, err := d.holdRunToken(ctx, a); err != nil || !held {
			return errors.Join(err, d.stopTunnel())
		}
	case c.Expose.Way != plan.WayQuickTunnel:
		return d.stopTunnel()
	}
	t, err := d.tunnelFor(c)
	if errors.Is(err, cloudflared.ErrNone) && c.Expose.ByAPI() { // it may run elsewhere: whether it does the handshake tells
		told(err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	upTo, cancel := context.WithTimeout(ctx, tunnelUp)
	defer cancel()
	last := ""
	s := t.until(upTo, func(s cloudflared.State) bool { return s.Phase == cloudflared.Connected }, func(s cloudflared.State) {
		if text := carrierOf(s).String(); text != last {
			last = text
			told(text)
		}
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case s.Phase == cloudflared.Stopped || !t.alive():
		return fmt.Errorf("the tunnel does not run: %s", reasonOf(s))
	case c.Expose.Way == plan.WayQuickTunnel && s.URL != "" && originOf(c.Servers[0].URL) != s.URL:
		return fmt.Errorf("the quick tunnel has another name now, %s: go back to the address", s.URL)
	}
	for _, one := range c.Servers {
		told("waiting until " + one.URL + " leads here")
		d.await(ctx, one.URL, told)
	}
	return ctx.Err()
}

func originOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// await waits until a url is answered by this server, or says that it is not: why not the handshake tells better.
func (d *desk) await(ctx context.Context, target string, told func(string)) {
	talks := *d.program
	talks.err = toldTo(told)
	(&upRun{program: &talks}).await(ctx, target)
}

// holdRunToken keeps the token that the tunnel runs with, where it is not kept yet; held is false for a tunnel that has none.
func (d *desk) holdRunToken(ctx context.Context, a wizard.Answers) (held bool, err error) {
	file := runTokenPath(d.path, a.Connection.Defaults().Expose)
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return err == nil, err
	}
	s := d.provisioningOf(a)
	s.only = cloudflarePrefix
	if err := s.begin(ctx); err != nil {
		return false, err
	}
	kept, err := s.keepRunToken(ctx)
	return kept != "", err
}

// openLog is where what runs in the background has its say.
func (d *desk) openLog() (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(d.logPath()), 0o700); err != nil {
		return nil, fmt.Errorf("keep the server's log: %w", err)
	}
	log, err := os.OpenFile(d.logPath(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("keep the server's log: %w", err)
	}
	return log, nil
}
