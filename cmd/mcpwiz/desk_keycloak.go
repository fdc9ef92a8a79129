package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/keycloak"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/tui/wizard"
)

// lookFor is how long a live check may take.
const lookFor = 10 * time.Second

// oldest is the version of Keycloak from which on all of it holds.
const oldest = "26.4"

// checkKeycloak tells which Keycloak answers; with a secret, whether the realm is there and what the login may do.
func (d *desk) checkKeycloak(ctx context.Context, k plan.Keycloak, secret plan.Secret) wizard.Verdict {
	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	full := plan.Connection{Keycloak: k}.Defaults().Keycloak
	if secret == "" {
		o := signsIn(full, "")
		if err := keycloak.Reach(ctx, o); err != nil {
			return refusal(ctx, err)
		}
		return wizard.Verdict{OK: true, Note: "Keycloak answers at " + full.AdminURL}
	}
	admin, err := keycloak.Login(ctx, signsIn(full, secret))
	if err != nil {
		return refusal(ctx, err)
	}
	s, err := admin.Standing(ctx, full.Realm, k.CreateRealm)
	if err != nil {
		return refusal(ctx, err)
	}
	d.mu.Lock()
	if s.Lifetimes != (keycloak.Lifetimes{}) {
		d.standing[k.Issuer] = s.Lifetimes
	}
	d.mu.Unlock()
	return standing(full, s)
}

// standing says in a sentence how things are. What the plan would be stopped by is told here already, and does not keep from
// going on: another realm is named on the next page.
func standing(k plan.Keycloak, s keycloak.Standing) wizard.Verdict {
	who := cmp.Or(k.Admin.User, k.Admin.ClientID, "the token")
	version := strings.TrimSpace("Keycloak " + s.Version)
	warn := func(format string, args ...any) wizard.Verdict {
		return wizard.Verdict{OK: true, Warn: true, Note: version + ": " + fmt.Sprintf(format, args...)}
	}
	good := func(format string, args ...any) wizard.Verdict {
		return wizard.Verdict{OK: true, Note: version + ": " + fmt.Sprintf(format, args...)}
	}
	switch {
	case older(s.Version, oldest):
		return warn("mcpwiz is for %s and newer", oldest)
	case !s.There && !k.CreateRealm:
		return warn("there is no realm %s, or %s may not see it: let mcpwiz make it, or name another", k.Realm, who)
	case s.There && k.CreateRealm && !s.Ours && len(s.Lacks) == 0:
		return warn("the realm %s is there, and not mcpwiz's: use it as it is, or name another", k.Realm)
	case len(s.Lacks) > 0:
		return warn("%s lacks %s", who, strings.Join(s.Lacks, " and "))
	case !s.There:
		return good("%s may make the realm %s", who, k.Realm)
	case s.Ours:
		return good("the realm %s is mcpwiz's, and %s may change it", k.Realm, who)
	}
	return good("%s may make clients in the realm %s", who, k.Realm)
}

// refusal says why in short: the note has two lines.
func refusal(ctx context.Context, err error) wizard.Verdict {
	var e *keycloak.Error
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return wizard.Verdict{Note: fmt.Sprintf("no answer within %s", lookFor)}
	case errors.As(err, &e):
		why := cmp.Or(e.Text, e.Code, fmt.Sprintf("answered with %d", e.Status))
		if e.Remedy != "" {
			why += ": " + e.Remedy
		}
		return wizard.Verdict{Note: why}
	}
	// What was asked stands above the note already.
	if inner := errors.Unwrap(err); inner != nil && strings.Contains(err.Error(), "Keycloak at ") {
		err = inner
	}
	return wizard.Verdict{Note: err.Error()}
}

// older compares the first two numbers of versions; of what has none nothing is said.
func older(version, than string) bool {
	parts, least := strings.Split(version, "."), strings.Split(than, ".")
	for i := range min(len(parts), len(least), 2) {
		have, err := strconv.Atoi(parts[i])
		want, wrong := strconv.Atoi(least[i])
		if err != nil || wrong != nil || have != want {
			return err == nil && wrong == nil && have < want
		}
	}
	return false
}
