package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe/client"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// fileHandshakes returns one handshake for each client of each server of the connection, as far as the flags do not choose.
func (p *program) fileHandshakes(ctx context.Context, o *handshakeOptions) ([]client.Options, error) {
	c, err := p.load(&o.connection)
	if err != nil {
		return nil, err
	}
	c = c.Defaults()
	secrets, err := plan.LoadSecrets(plan.SecretsPath(o.connection.path()))
	if err != nil {
		return nil, err
	}
	if o.issuer == "" {
		o.issuer = c.Keycloak.Issuer
	}
	if _, known := c.Server(o.target); !known {
		return nil, usage("its servers are "+strings.Join(urls(c), ", "), "%s has no server %q", o.connection.file, o.target)
	}
	var all []client.Options
	for _, one := range c.Clients {
		if !o.chooses(one) {
			continue
		}
		h, err := p.fileHandshake(ctx, o, c, secrets, one)
		if err != nil {
			return nil, fmt.Errorf("client %s: %w", one.ID, err)
		}
		all = append(all, h)
	}
	if len(all) == 0 {
		return nil, usage("leave --as and --client-id out for all of them", "%s has no such client", o.connection.file)
	}
	return all, nil
}

func urls(c plan.Connection) []string {
	var all []string
	for _, s := range c.Servers {
		all = append(all, s.URL)
	}
	return all
}

// chooses reports whether a client of the file is meant.
func (o *handshakeOptions) chooses(c plan.Client) bool {
	return c.Profile != plan.Introspection &&
		(o.target == "" || c.Server == o.target) &&
		(o.as == "" || c.Profile == o.as) &&
		(o.clientID == "" || c.ID == o.clientID)
}

func (p *program) fileHandshake(ctx context.Context, o *handshakeOptions, c plan.Connection, secrets *plan.Secrets, one plan.Client) (client.Options, error) {
	h, err := p.handshake(one.Server, one.Profile)
	if err != nil {
		return h, err
	}
	h.ClientID = one.ID
	secret, hasSecret := secrets.Get(plan.ClientSecret(one.ID))
	key, hasKey := secrets.Get(plan.ClientKey(one.ID))
	switch {
	case one.RegistersItself():
		h.Register = true
	case o.keyFile == "" && one.Auth == plan.AuthPrivateKeyJWT && hasKey:
		h.PrivateKey = key.Reveal()
	case o.keyFile == "" && hasSecret:
		h.ClientSecret = secret.Reveal()
	default:
		if err := p.authenticate(ctx, o, &h); err != nil {
			return h, err
		}
	}
	if h.Profile.Grant == "client_credentials" {
		return h, nil
	}
	user, password, kept := testUser(o, c, secrets)
	if kept && !o.browser && !p.givesPassword(o) {
		h.SignIn = p.headless(o, user, password)
		return h, nil
	}
	return h, p.signIn(ctx, o, &h)
}

// givesPassword: who names a user and gives a password means that one, also where another is kept.
func (p *program) givesPassword(o *handshakeOptions) bool {
	_, err := plan.Ask(p.env, envUserPassword, nil)
	return o.login != "" && !errors.Is(err, plan.ErrNoSecret)
}

// testUser returns the user of the file who signs in, where we have the password.
func testUser(o *handshakeOptions, c plan.Connection, secrets *plan.Secrets) (string, plan.Secret, bool) {
	for _, u := range c.Users {
		if o.login != "" && u.Name != o.login {
			continue
		}
		if password, ok := secrets.Get(plan.UserPassword(u.Name)); ok {
			return u.Name, password, true
		}
	}
	return "", "", false
}
