package keycloak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// A session is an access token of the administrator and what renews it. Master gives tokens of 60 s.
type session struct {
	token   string
	refresh string
	until   time.Time
}

// fresh leaves room for the call that bears the token.
const fresh = 15 * time.Second

// bearer returns a token that lives long enough for one call.
func (a *Admin) bearer(ctx context.Context) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.session.token != "" && (a.session.until.IsZero() || a.o.Now().Add(fresh).Before(a.session.until)) {
		return a.session.token, nil
	}
	if err := a.renew(ctx); err != nil {
		return "", err
	}
	return a.session.token, nil
}

// forget makes the next call sign in anew: the token is refused, or too old to know a realm that was made after it.
func (a *Admin) forget(token string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.session.token == token {
		a.session.token = ""
	}
}

// errTokenOver: a token that was given to us cannot be renewed.
var errTokenOver = fmt.Errorf("the token given is refused or over: get a new one and set %s", plan.EnvToken)

func (a *Admin) renew(ctx context.Context) error {
	if a.o.Token != "" {
		if a.given {
			return errTokenOver
		}
		a.given, a.session.token = true, a.o.Token.Reveal()
		return nil
	}
	// A one-time code cannot be used twice, so the refresh token comes first.
	if a.session.refresh != "" {
		form := a.credentials()
		form.Set("grant_type", "refresh_token")
		form.Set("refresh_token", a.session.refresh)
		err := a.grant(ctx, form)
		var refused *Error
		if err == nil || !errors.As(err, &refused) {
			return err
		}
	}
	form := a.credentials()
	if a.o.User == "" {
		form.Set("grant_type", "client_credentials")
		return a.grant(ctx, form)
	}
	form.Set("grant_type", "password")
	form.Set("username", a.o.User)
	form.Set("password", a.o.Password.Reveal())
	if a.o.OneTimeCode != "" {
		form.Set("totp", a.o.OneTimeCode.Reveal())
	}
	return a.grant(ctx, form)
}

// credentials go into the form: gocloak would not URL-encode them in Basic (RFC 6749 2.3.1).
func (a *Admin) credentials() url.Values {
	form := url.Values{"client_id": {a.o.ClientID}}
	if a.o.ClientSecret != "" {
		form.Set("client_secret", a.o.ClientSecret.Reveal())
	}
	return form
}

func (a *Admin) grant(ctx context.Context, form url.Values) error {
	call := fmt.Sprintf("sign in to Keycloak at %s, realm %s, as %s", a.o.AdminURL, a.o.Realm, a.who())
	to := a.o.AdminURL + "/realms/" + url.PathEscape(a.o.Realm) + "/protocol/openid-connect/token"
	ctx, cancel := a.patient(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("%s: %w", call, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	watched, seen := watched(ctx)
	before := a.o.Now()
	resp, err := a.wire.Do(req.WithContext(watched))
	if err != nil {
		return signInError(ctx, call, err, seen)
	}
	defer resp.Body.Close()
	var answer struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		ExpiresIn    int    `json:"expires_in"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.AccessToken == "" {
		return fmt.Errorf("%s: the answer holds no access token: is admin_url Keycloak's?", call)
	}
	a.session = session{answer.AccessToken, answer.RefreshToken, before.Add(time.Duration(answer.ExpiresIn) * time.Second)}
	return nil
}

func (a *Admin) who() string {
	switch {
	case a.o.Token != "":
		return "the bearer of the token given"
	case a.o.User != "":
		return "user " + a.o.User
	}
	return "client " + a.o.ClientID
}

// LivesBy reports whether the account that signs in is, or has its rights by, a thing that mcpwiz made: without it nothing else
// could be undone.
func (a *Admin) LivesBy(realm, resource string) bool {
	if a.o.Token != "" || a.o.User != "" || a.o.Realm != realm {
		return false
	}
	return resource == "keycloak/client/"+a.o.ClientID || resource == "keycloak/admin-roles/"+a.o.ClientID
}

// MayLackCode reports whether a sign-in was refused as one is that lacks its one-time code, or whose password is wrong:
// Keycloak does not tell which.
func MayLackCode(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == "invalid_grant" && !strings.Contains(e.Text, "not fully set up")
}

// signInError says what to do. Which status and text come differs between versions, so the code decides.
func signInError(ctx context.Context, call string, err error, seen *outcome) error {
	var e *Error
	if !errors.As(seen.err, &e) {
		return wireError(ctx, call, err, seen)
	}
	told := *e
	told.Call = call
	switch {
	case told.Remedy != "":
	case told.Code == "invalid_grant" && strings.Contains(told.Text, "not fully set up"):
		told.Remedy = "sign in once in a browser and do what Keycloak asks (change the temporary password, set up a second factor)"
	case told.Code == "invalid_grant":
		told.Remedy = "check user and password (" + plan.EnvPassword + "); an account with a second factor needs its one-time code too (" + plan.EnvCode + ")"
	case told.Code == "invalid_client" || told.Code == "unauthorized_client":
		told.Remedy = "check keycloak.admin.client_id, its secret (" + plan.EnvClientSecret + "), and that service accounts are on"
	case told.Status == http.StatusNotFound:
		told.Remedy = "check admin_url and keycloak.admin.realm"
	}
	return &told
}
