package keycloak

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// signInSettings are the members of a realm that decide how long users stay signed in.
func signInSettings(s plan.SignIn) map[string]any {
	all := map[string]any{
		"ssoSessionIdleTimeout": s.Idle, "ssoSessionMaxLifespan": s.Max,
		"offlineSessionIdleTimeout": s.OfflineIdle, "offlineSessionMaxLifespan": s.OfflineMax,
		"revokeRefreshToken": s.RotateRefreshTokens,
	}
	if s.RotateRefreshTokens { // of no effect without
		all["refreshTokenMaxReuse"] = s.RefreshTokenReuse
	}
	return all
}

// effect says what they mean for whom.
func effect(s plan.SignIn) string {
	text := fmt.Sprintf("who does not use a client for %s signs in again, and after %s in any case; with offline_access, which most clients ask for, after %s and %s",
		spell(s.Idle), spell(s.Max), spell(s.OfflineIdle), spell(s.OfflineMax))
	switch {
	case s.RotateRefreshTokens && s.RefreshTokenReuse == 0:
		text += "; a refresh token is good once: a client that renews twice at the same time, or does not get the answer, has to sign in again"
	case s.RotateRefreshTokens:
		text += fmt.Sprintf("; a refresh token is good for %d more uses after its first", s.RefreshTokenReuse)
	}
	return text
}

// decides: one of the fields is about staying signed in.
func decides(f fields) bool {
	settings := signInSettings(plan.SignIn{RotateRefreshTokens: true})
	return slices.ContainsFunc(f, func(x plan.Field) bool { _, is := settings[x.Path]; return is })
}

// spell tells seconds as people do.
func spell(seconds int) string {
	d := time.Duration(seconds) * time.Second
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if d >= unit.of && d%unit.of == 0 {
			if n := int(d / unit.of); n != 1 {
				return fmt.Sprintf("%d %ss", n, unit.name)
			}
			return "1 " + unit.name
		}
	}
	return d.String()
}

// sentences joins what there is to say.
func sentences(all ...string) string {
	return strings.Join(slices.DeleteFunc(all, func(s string) bool { return s == "" }), ". ")
}
