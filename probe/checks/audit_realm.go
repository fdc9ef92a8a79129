package checks

import (
	"fmt"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// stale is how long what is known of versions is taken for the newest.
const stale = 90 * 24 * time.Hour

func keycloakCurrent(t *probe.Trace) probe.Verdict {
	f := t.FactsOf(auditServer)[0]
	version := text(f.Data["version"])
	if version == "" {
		return probe.Unknown("this account is not told the version: one of the realm master is")
	}
	said := "Keycloak " + version
	if day := text(f.Data["released"]); day != "" {
		said += ", a line of " + day
	}
	advice := fmt.Sprintf("the newest that mcpwiz knows is %s, as of %s", text(f.Data["newest"]), text(f.Data["known"]))
	if known, err := time.Parse(time.DateOnly, text(f.Data["known"])); err == nil && t.Now.Sub(known) > stale {
		advice += ", which is long ago: look for a newer one"
	}
	var holes, mended []string
	for _, hole := range objects(f.Data["holes"]) {
		holes = append(holes, fmt.Sprintf("%s (%s)", text(hole["effect"]), strings.Join(texts(hole["ids"]), ", ")))
		if fixed := text(hole["fixed"]); fixed != "" {
			mended = append(mended, fixed)
		}
	}
	if len(holes) == 0 {
		return probe.Pass("%s; %s", said, advice).OnFact(f)
	}
	mend := "update Keycloak; " + advice
	if len(mended) > 0 {
		mend = fmt.Sprintf("update Keycloak to %s or newer; %s", mended[len(mended)-1], advice)
	}
	return probe.Fail("%s: %s", said, strings.Join(few(holes, 4), "; ")).OnFact(f).
		So("what protects the MCP server can be passed by").Mend("%s", mend)
}

func realmNameKept(t *probe.Trace) probe.Verdict {
	return audited(t, auditRealm, "the metadata name another issuer than the connection, and tokens are refused for their iss", func(f probe.Fact) []fault {
		front, issuer := strings.TrimSuffix(text(f.Data["frontend_url"]), "/"), text(f.Data["issuer"])
		if front == "" || strings.HasPrefix(issuer, front+"/realms/") {
			return nil
		}
		base, _, _ := strings.Cut(issuer, "/realms/")
		return []fault{{fmt.Sprintf("realm %s has the Frontend URL %s, and the connection's issuer is %s", text(f.Data["realm"]), quoted(front), issuer),
			"clear Frontend URL in Realm settings, and start Keycloak with KC_HOSTNAME=" + base, ""}}
	})
}

func realmEnabled(t *probe.Trace) probe.Verdict {
	return audited(t, auditRealm, "nobody can sign in", func(f probe.Fact) []fault {
		name, resource := text(f.Data["realm"]), text(f.Data["resource"])
		switch {
		case on(f.Data["missing"]):
			return []fault{{"there is no realm " + name, "make it: mcpwiz setup", resource}}
		case settings(f)["enabled"] == false:
			return []fault{{"realm " + name + " is disabled", "enable it in Realm settings", resource}}
		}
		return nil
	})
}

// realmFault is one of a setting, where the account may see it.
func realmFault(f probe.Fact, setting string, is any, what, mend string) []fault {
	if have, told := settings(f)[setting]; !told || have != is {
		return nil
	}
	return []fault{{what, mend, text(f.Data["resource"])}}
}

func realmGuarded(t *probe.Trace) probe.Verdict {
	return audited(t, auditRealm, "who can sign in uses every tool of the MCP server", func(f probe.Fact) []fault {
		all := realmFault(f, "sslRequired", "none", "Require SSL is none: passwords and codes may pass in the clear", "set Require SSL to external")
		all = append(all, realmFault(f, "bruteForceProtected", false, "brute force detection is off", "switch Brute force detection on")...)
		return append(all, realmFault(f, "registrationAllowed", true, "strangers may make an account", "switch User registration off")...)
	})
}

func eventsKept(t *probe.Trace) probe.Verdict {
	return audited(t, auditRealm, "that a sign-in failed can be told, but not why", func(f probe.Fact) []fault {
		return realmFault(f, "eventsEnabled", false, "Save events is off", "switch Save events on in Realm settings, Events (eventsEnabled)")
	})
}

func asPlanned(t *probe.Trace) probe.Verdict {
	return audited(t, auditResource, "it is not what was tested when it was made", func(f probe.Fact) []fault {
		name, fields := text(f.Data["name"]), texts(f.Data["fields"])
		switch text(f.Data["action"]) {
		case "create":
			return []fault{{name + " is not there", "make what is missing", name}}
		case "update":
			return []fault{{name + " differs in " + list(few(fields, 6)), "put back what was changed", name}}
		case "refuse":
			return []fault{{name + ": " + clipped(text(f.Data["stop"]), 200), clipped(text(f.Data["propose"]), 200), ""}}
		}
		return nil
	})
}

// Access tokens that live shorter are over before a tool has answered; longer is more than is usual.
const shortestLife, longestLife = 60, 3600

func lifespanSet(t *probe.Trace) probe.Verdict {
	return audited(t, auditRealm, "a token is over too soon, or one that was stolen is good for long", func(f probe.Fact) []fault {
		seconds, told := count(settings(f)["accessTokenLifespan"])
		all := lifeFault("Access token lifespan of realm "+text(f.Data["realm"]), seconds, told, text(f.Data["resource"]))
		for _, c := range t.FactsOf(auditClient) {
			if text(c.Data["resource"]) != "" {
				seconds, told := count(c.Data["lifespan"])
				all = append(all, lifeFault("that of client "+quoted(text(c.Data["client_id"])), seconds, told, text(c.Data["resource"]))...)
			}
		}
		return all
	})
}

func lifeFault(whose string, seconds int, told bool, resource string) []fault {
	if !told || seconds >= shortestLife && seconds <= longestLife {
		return nil
	}
	return []fault{{whose + " is " + spell(time.Duration(seconds)*time.Second), "set it to 5 to 60 minutes", resource}}
}

// The least that keeps a user signed in over a break, a morning, and a day away from the computer.
const (
	leastIdle        = 30 * time.Minute
	leastMax         = 4 * time.Hour
	leastOfflineIdle = 24 * time.Hour
)

func signInKept(t *probe.Trace) probe.Verdict {
	return audited(t, auditRealm, "users have to connect again and again", func(f probe.Fact) []fault {
		var all []fault
		for _, one := range []struct {
			member, title string
			least         time.Duration
		}{
			{"ssoSessionIdleTimeout", "SSO Session Idle", leastIdle},
			{"ssoSessionMaxLifespan", "SSO Session Max", leastMax},
			{"offlineSessionIdleTimeout", "Offline Session Idle", leastOfflineIdle},
		} {
			seconds, told := count(settings(f)[one.member])
			if have := time.Duration(seconds) * time.Second; told && have < one.least {
				all = append(all, fault{one.title + " is " + spell(have), fmt.Sprintf("set %s to %s or more", one.title, spell(one.least)), text(f.Data["resource"])})
			}
		}
		if reuse, told := count(settings(f)["refreshTokenMaxReuse"]); told && reuse == 0 {
			all = append(all, realmFault(f, "revokeRefreshToken", true, "a refresh token may be used once and never again",
				"switch Revoke Refresh Token off, or allow a reuse")...)
		}
		return all
	})
}
