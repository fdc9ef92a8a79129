package keycloak

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// A Standing is how things are before anything is planned: which Keycloak it is, whether the realm is there, and what the
// account may not do that would be needed.
type Standing struct {
	// Version is "" where this account is not told it.
	Version string
	// There: the realm is. Ours: mcpwiz made it.
	There, Ours bool
	// Lacks are the roles that are missing: to make the realm, or to make what belongs into it.
	Lacks []string
	// Lifetimes are those of sessions in the realm; zero where this account may not see them.
	Lifetimes Lifetimes
}

// Lifetimes are how long a user stays signed in: without use, and at most. Offline ones are for clients that ask for
// offline_access; zero is no limit.
type Lifetimes struct{ Idle, Max, OfflineIdle, OfflineMax time.Duration }

// OwnLifetimes are those of a realm that mcpwiz makes.
func OwnLifetimes() Lifetimes {
	k := plan.Connection{Keycloak: plan.Keycloak{CreateRealm: true}}.Defaults().Keycloak
	return lifetimesOf(merged(realmSettings, signInSettings(k.SignIn)))
}

func lifetimesOf(fields map[string]any) Lifetimes {
	seconds := func(name string) time.Duration {
		switch n := fields[name].(type) {
		case int:
			return time.Duration(n) * time.Second
		case float64:
			return time.Duration(n) * time.Second
		}
		return 0
	}
	l := Lifetimes{Idle: seconds("ssoSessionIdleTimeout"), Max: seconds("ssoSessionMaxLifespan"), OfflineIdle: seconds("offlineSessionIdleTimeout")}
	if ends, _ := fields["offlineSessionMaxLifespanEnabled"].(bool); ends {
		l.OfflineMax = seconds("offlineSessionMaxLifespan")
	}
	return l
}

// Reach asks without signing in whether a Keycloak with the administrator's realm answers.
func Reach(ctx context.Context, o Options) error {
	if err := o.fill(); err != nil {
		return fmt.Errorf("reach Keycloak: %w", err)
	}
	call := "reach Keycloak at " + o.AdminURL
	a := newAdmin(o)
	ctx, cancel := a.patient(ctx)
	defer cancel()
	watched, seen := watched(ctx)
	req, err := http.NewRequestWithContext(watched, http.MethodGet, o.AdminURL+"/realms/"+url.PathEscape(o.Realm), nil)
	if err != nil {
		return fmt.Errorf("%s: %w", call, err)
	}
	resp, err := a.wire.Do(req)
	if err != nil {
		return notReached(ctx, call, err, seen)
	}
	defer resp.Body.Close()
	var answer struct {
		Realm string `json:"realm"`
		Key   string `json:"public_key"`
	}
	if json.NewDecoder(resp.Body).Decode(&answer) != nil || answer.Realm == "" || answer.Key == "" {
		return fmt.Errorf("%s: something answers, but not as Keycloak does", call)
	}
	return nil
}

// notReached tells how far the address is from Keycloak's.
func notReached(ctx context.Context, call string, err error, seen *outcome) error {
	e, ok := seen.err.(*Error)
	if !ok {
		return wireError(ctx, call, err, seen)
	}
	told := *e
	told.Call = call
	if told.Status == http.StatusNotFound && strings.HasPrefix(told.Text, "Realm does not exist") {
		told.Remedy = "check keycloak.admin.realm"
	} else if told.Status == http.StatusNotFound {
		told.Remedy = "check the address; an older Keycloak's ends in /auth"
	}
	return &told
}

// Standing looks, and changes nothing: what an account may write it is asked with requests that must be refused for what
// they say, and are refused earlier where the right is missing.
func (a *Admin) Standing(ctx context.Context, realm string, users bool) (Standing, error) {
	if err := a.Learn(ctx); err != nil {
		return Standing{}, err
	}
	s := Standing{Version: a.Version()}
	have, err := a.realm(ctx, realm)
	switch {
	case isStatus(err, http.StatusForbidden): // no right in it at all
		have.there, have.stub = true, true
	case err != nil:
		return s, err
	}
	s.There, s.Ours, s.Lifetimes = have.there, have.owner() == ours, lifetimesOf(have.fields)
	asked := []string{createRealm}
	if s.There {
		asked = []string{"manage-clients"}
		if users {
			asked = append(asked, "manage-users")
		}
	}
	for _, role := range asked {
		lacks, err := a.lacks(ctx, realm, role)
		if err != nil {
			return s, err
		}
		if lacks {
			s.Lacks = append(s.Lacks, role)
		}
	}
	return s, nil
}
