package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe/client/browser"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// headless signs a user in without a browser.
func (p *program) headless(o *handshakeOptions, user string, password plan.Secret) browser.SignIn {
	return &browser.Headless{
		User: user, Issuer: o.issuer,
		Password: func() (string, error) { return password.Reveal(), nil },
		OTP:      p.oneTimeCode(user),
		Consent:  p.consent(o, user),
	}
}

// oneTimeCode asks when the page does: a code does not live long. Nil where there is nobody to ask.
func (p *program) oneTimeCode(user string) func(context.Context) (string, error) {
	_, given := p.env(envOTP)
	_, inFile := p.env(envOTP + "_FILE")
	if !given && !inFile && !p.asks() {
		return nil
	}
	return func(ctx context.Context) (string, error) {
		code, err := plan.Ask(p.env, envOTP, p.prompt(ctx, "One-time code of "+user))
		return code.Reveal(), err
	}
}

// consent is given in the user's name when that is allowed beforehand, or there is somebody to ask.
func (p *program) consent(o *handshakeOptions, user string) func(context.Context, browser.ConsentPage) (bool, error) {
	switch {
	case o.consent:
		return func(context.Context, browser.ConsentPage) (bool, error) { return true, nil }
	case !p.asks():
		return nil
	}
	return func(ctx context.Context, page browser.ConsentPage) (bool, error) {
		return p.confirm(ctx, fmt.Sprintf("%s asks %s to let %s use: %s. Consent in the name of %s?",
			page.Host, user, page.Client, strings.Join(page.Scopes, ", "), user))
	}
}

// ownBrowser leaves the login to the user: the answer comes to this machine, or the user pastes the address.
func (p *program) ownBrowser() browser.SignIn {
	own := &browser.Own{Open: browser.OpenSystem, Told: p.err}
	if p.asks() {
		own.Paste = func(ctx context.Context) (string, error) { return p.ask(ctx, "Address:") }
	}
	return own
}
