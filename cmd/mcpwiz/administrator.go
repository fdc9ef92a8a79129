package main

import (
	"context"
	"errors"
	"strings"

	"github.com/mcpwiz/mcpwiz/keycloak"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server/cloudflare"
)

// login asks for the one-time code where the account may need one and there is somebody to ask: Keycloak refuses a missing
// one as it refuses a wrong password.
func (p *program) login(ctx context.Context, who keycloak.Options) (*keycloak.Admin, error) {
	admin, err := keycloak.Login(ctx, who)
	if !keycloak.MayLackCode(err) || who.User == "" || who.OneTimeCode != "" || !p.asks() {
		return admin, err
	}
	code, asked := p.ask(ctx, "Keycloak refuses it. One-time code of "+who.User+", if the account has a second factor:")
	if asked != nil || code == "" {
		return nil, errors.Join(err, asked)
	}
	who.OneTimeCode = plan.Secret(code)
	return keycloak.Login(ctx, who)
}

// administrator takes who signs in to the Admin API from the connection, and the secret from wherever it is given; that of a
// client which mcpwiz has made is kept.
func (p *program) administrator(ctx context.Context, k plan.Keycloak, secrets *plan.Secrets) (keycloak.Options, error) {
	o := keycloak.Options{AdminURL: k.AdminURL, CAFile: k.CAFile, Realm: k.Admin.Realm, User: k.Admin.User, ClientID: k.Admin.ClientID}
	token, err := plan.Ask(p.env, plan.EnvToken, nil)
	switch {
	case err == nil:
		o.User, o.ClientID, o.Token = "", "", token
		return o, nil
	case !errors.Is(err, plan.ErrNoSecret):
		return o, err
	case o.ClientID != "":
		prompt := p.prompt(ctx, "Secret of the admin client "+o.ClientID)
		if secret, kept := secrets.Get(plan.ClientSecret(o.ClientID)); kept {
			prompt = func() (plan.Secret, error) { return secret, nil }
		}
		o.ClientSecret, err = plan.Ask(p.env, plan.EnvClientSecret, prompt)
	case o.User != "":
		if o.Password, err = plan.Ask(p.env, plan.EnvPassword, p.prompt(ctx, "Keycloak password of "+o.User)); err == nil {
			o.OneTimeCode, err = p.givenCode()
		}
	default:
		return o, usage("--admin-user NAME, or keycloak.admin.user in mcpwiz.yaml; or --admin-client, or a token in "+plan.EnvToken,
			"nobody is named who signs in to Keycloak at %s", k.AdminURL)
	}
	if errors.Is(err, plan.ErrNoSecret) {
		return o, usage("", "the secret of %s%s is %w", o.User, o.ClientID, err)
	}
	return o, err
}

// givenCode is the administrator's one-time code, where one is given.
func (p *program) givenCode() (plan.Secret, error) {
	code, err := plan.Ask(p.env, plan.EnvCode, nil)
	if errors.Is(err, plan.ErrNoSecret) {
		return "", nil
	}
	return code, err
}

// envCloudflareAPI is where Cloudflare's API is, for those who reach it by a proxy of their own.
const envCloudflareAPI = "MCPWIZ_CLOUDFLARE_API"

// cloudflareGiven: a token is in the environment.
func (p *program) cloudflareGiven() bool {
	token, err := plan.Ask(p.env, plan.EnvCloudflareToken, nil)
	return err == nil && token != ""
}

// cloudflare opens the API with the token that is given or asked for.
func (p *program) cloudflare(ctx context.Context) (*cloudflare.API, error) {
	token, err := plan.Ask(p.env, plan.EnvCloudflareToken, p.prompt(ctx, "Cloudflare API token"))
	if errors.Is(err, plan.ErrNoSecret) {
		return nil, usage("make one in Cloudflare's dashboard, My Profile, API Tokens, with the permissions "+strings.Join(cloudflare.Wanted, ", "),
			"Cloudflare's API token is %w: give it in %s", err, plan.EnvCloudflareToken)
	}
	if err != nil {
		return nil, err
	}
	base, _ := p.env(envCloudflareAPI)
	return cloudflare.Open(ctx, cloudflare.Options{BaseURL: base, Token: token})
}
