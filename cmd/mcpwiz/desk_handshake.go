package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client"
	"github.com/mcpwiz/mcpwiz/probe/client/browser"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/tui"
	"github.com/mcpwiz/mcpwiz/tui/wizard"
)

// handshakeAs makes one as the doctor does. The test user's consent is ours to give.
func (d *desk) handshakeAs(ctx context.Context, a wizard.Answers, as tui.ProbeRun, sink probe.Sink) (probe.Summary, error) {
	c := a.Connection.Defaults()
	secrets, err := plan.LoadSecrets(plan.SecretsPath(d.path))
	if err != nil {
		return probe.Summary{}, err
	}
	o := handshakeOptions{as: as.Client, issuer: c.Keycloak.Issuer, browser: as.SignIn == wizard.SignInBrowser, consent: true}
	for _, one := range c.Clients {
		if !o.chooses(one) {
			continue
		}
		h, err := d.fileHandshake(ctx, &o, c, secrets, one)
		if err != nil {
			return probe.Summary{}, err
		}
		h.Resolvers = client.PublicResolvers()
		if err := d.besideFile(ctx, a, &h); err != nil {
			return probe.Summary{}, err
		}
		sum, err := d.shake(ctx, h, as, sink)
		d.mu.Lock()
		d.last = &sum
		d.mu.Unlock()
		return sum, err
	}
	return probe.Summary{}, fmt.Errorf("no client of the profile %s is in the answers", as.Client)
}

// besideFile has the handshake be told what the edge in front of the server says of itself, as the doctor's is.
func (d *desk) besideFile(ctx context.Context, a wizard.Answers, h *client.Options) error {
	file := d.path
	if _, err := os.Stat(file); err != nil {
		file = ""
	}
	all := []client.Options{*h}
	if err := d.as(a).lookAtEdge(ctx, file, all); err != nil {
		return err
	}
	*h = all[0]
	return nil
}

// shake makes a handshake as the doctor does, with its talk and the user's part on the page.
func (p *program) shake(ctx context.Context, o client.Options, as tui.ProbeRun, sink probe.Sink) (probe.Summary, error) {
	o.Probes = true
	o.Log = func(format string, args ...any) { as.Told(fmt.Sprintf(format, args...)) }
	o.SignIn = p.onPage(o.SignIn, as)
	e, err := client.New(o)
	if err != nil {
		return probe.Summary{}, err
	}
	sum, err := e.Run(ctx, sink)
	for _, left := range e.Left() {
		as.Told("left behind: " + left)
	}
	return sum, err
}

// onPage is a way to sign in anew, asking on the page what it would ask on the terminal. Consent cannot be asked for there:
// what was not allowed beforehand ends the login.
func (p *program) onPage(s browser.SignIn, as tui.ProbeRun) browser.SignIn {
	switch s := s.(type) {
	case *browser.Own:
		return &browser.Own{Open: s.Open, Paste: as.Paste, Told: toldTo(as.Told)}
	case *browser.Headless:
		return &browser.Headless{User: s.User, Password: s.Password, Consent: s.Consent, Issuer: s.Issuer, UserAgent: s.UserAgent,
			OTP: func(ctx context.Context) (string, error) {
				code, err := plan.Ask(p.env, envOTP, func() (plan.Secret, error) {
					as.Told("Copy the one-time code of " + s.User + ", and paste it here.")
					code, err := as.Paste(ctx)
					return plan.Secret(strings.TrimSpace(code)), err
				})
				return code.Reveal(), err
			}}
	}
	return s
}

// toldTo takes what is written, a line at a time.
type toldTo func(line string)

func (t toldTo) Write(b []byte) (int, error) {
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" {
			t(line)
		}
	}
	return len(b), nil
}
