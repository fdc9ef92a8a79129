package main

import (
	"context"
	"strings"

	"github.com/mcpwiz/mcpwiz/keycloak"
	"github.com/mcpwiz/mcpwiz/keycloak/distribution"
	"github.com/mcpwiz/mcpwiz/keycloak/keycloaktest"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// startKeycloak makes ready the Keycloak that is asked for, and says who administers it.
func (d *demo) startKeycloak(ctx context.Context) (keycloak.Options, error) {
	switch {
	case d.o.keycloakURL != "":
		return d.runningKeycloak(ctx)
	case d.o.keycloak || d.o.version != "":
		return d.realKeycloak(ctx)
	}
	return d.smallKeycloak()
}

func (d *demo) smallKeycloak() (keycloak.Options, error) {
	password := plan.NewSecret()
	k, err := keycloaktest.Start(keycloaktest.Options{AdminPassword: password.Reveal()})
	if err != nil {
		return keycloak.Options{}, err
	}
	d.later(func(context.Context) error { return k.Close() })
	d.title("Keycloak: a small one in memory")
	d.say("  %s", k.URL)
	return keycloak.Options{AdminURL: k.URL, User: "admin", Password: password}, nil
}

func (d *demo) realKeycloak(ctx context.Context) (keycloak.Options, error) {
	d.title("Keycloak: a real one")
	k, err := distribution.Start(ctx, distribution.Options{Version: d.o.version, Told: func(text string) { d.say("  %s", text) }})
	if err != nil {
		return keycloak.Options{}, failed(err, "set KEYCLOAK_HOME to an unpacked Keycloak, or put java and mvn on PATH\nmcpwiz demo does without a real one")
	}
	d.later(func(context.Context) error { return k.Stop() })
	d.say("  %s (version %s)", k.URL, k.Version)
	return keycloak.Options{AdminURL: k.URL, User: k.AdminUser, Password: plan.Secret(k.AdminPassword)}, nil
}

func (d *demo) runningKeycloak(ctx context.Context) (keycloak.Options, error) {
	base := strings.TrimRight(d.o.keycloakURL, "/")
	d.title("Keycloak: the one that runs")
	d.say("  %s", base)
	none, err := plan.LoadSecrets("")
	if err != nil {
		return keycloak.Options{}, err
	}
	return d.administrator(ctx, plan.Keycloak{AdminURL: base, Admin: plan.Admin{User: d.o.adminUser}}, none)
}
