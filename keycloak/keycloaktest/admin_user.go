package keycloaktest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// shown is a user as the Admin API shows it, with what the caller may do with it.
func (u *user) shown(access ...string) userRep {
	rep := u.rep
	rep.Credentials = nil
	rep.Disableable, rep.Actions = append([]string{}, rep.Disableable...), append([]string{}, rep.Actions...)
	rep.Access = map[string]bool{}
	for _, name := range access {
		rep.Access[name] = true
	}
	return rep
}

func readUser(c *call) answer {
	return c.withUser(func(u *user) answer {
		return found(u.shown("manageGroupMembership", "resetPassword", "view", "mapRoles", "impersonate", "manage"))
	})
}

func (c *call) withUser(serve func(*user) answer) answer {
	u := c.realm.userByID(c.at["user"])
	if u == nil {
		return failed(http.StatusNotFound, "User not found")
	}
	return serve(u)
}

// usersAsked are those that a query is after; a service account is in no list.
func (c *call) usersAsked() []*user {
	q := c.r.URL.Query()
	has := func(have, want string) bool {
		have, want = strings.ToLower(have), strings.ToLower(want)
		return want == "" || have == want || q.Get("exact") != "true" && strings.Contains(have, want)
	}
	var all []*user
	for _, u := range c.realm.users {
		search := strings.Trim(strings.ToLower(q.Get("search")), "*")
		switch {
		case u.service != "":
		case !has(u.rep.Username, q.Get("username")) || !has(u.rep.Email, q.Get("email")) ||
			!has(u.rep.FirstName, q.Get("firstName")) || !has(u.rep.LastName, q.Get("lastName")):
		case search != "" && !slices.ContainsFunc([]string{u.rep.Username, u.rep.Email, u.rep.FirstName, u.rep.LastName},
			func(s string) bool { return strings.Contains(strings.ToLower(s), search) }):
		default:
			all = append(all, u)
		}
	}
	slices.SortFunc(all, func(a, b *user) int { return strings.Compare(a.rep.Username, b.rep.Username) })
	return all
}

func listUsers(c *call) answer {
	all := []userRep{}
	for _, u := range c.usersAsked() {
		all = append(all, u.shown("manage"))
	}
	return found(section(all, c.r.URL.Query()))
}

func countUsers(c *call) answer { return found(len(c.usersAsked())) }

func createUser(c *call) answer {
	var rep userRep
	if a, ok := c.decode(&rep, "UserRepresentation"); !ok {
		return a
	}
	if rep.Username == "" {
		return complained(http.StatusBadRequest, "User name is missing")
	}
	if a, ok := c.checkUser(&rep, nil); !ok {
		return a
	}
	if rep.ID == "" {
		rep.ID = newID()
	}
	rep.Created = c.now.UnixMilli()
	u := &user{rep: rep}
	for _, cred := range rep.Credentials {
		u.setPassword(cred)
	}
	u.rep.Credentials = nil
	c.realm.users = append(c.realm.users, u)
	return created(c.adminURL("users", rep.ID))
}

func (u *user) setPassword(c credential) {
	if c.Type == "password" {
		u.password, u.temporary = c.Value, c.Temporary
	}
}

// checkUser holds a user to the realm's user profile, which is Keycloak's default one, and to being the only one.
func (c *call) checkUser(rep *userRep, but *user) (answer, bool) {
	rep.Username, rep.Email = strings.ToLower(rep.Username), strings.ToLower(rep.Email)
	violated := func(field, message string, params ...any) answer {
		return document(http.StatusBadRequest, struct {
			Field        string `json:"field"`
			ErrorMessage string `json:"errorMessage"`
			Params       []any  `json:"params"`
		}{field, message, append([]any{field}, params...)})
	}
	_, domain, isMail := strings.Cut(rep.Email, "@")
	switch {
	case len(rep.Username) < 3 || len(rep.Username) > 255:
		return violated("username", "error-invalid-length", 3, 255), false
	case strings.ContainsAny(rep.Username, "<>&\"$%!#?§;*~/\\|^=[]{}() \t"):
		return violated("username", "error-username-invalid-character", rep.Username), false
	case rep.Email != "" && (!isMail || domain == ""):
		return violated("email", "error-invalid-email", rep.Email), false
	}
	for _, u := range c.realm.users {
		switch {
		case u == but:
		case u.rep.Username == rep.Username:
			return complained(http.StatusConflict, "User exists with same username"), false
		case rep.Email != "" && u.rep.Email == rep.Email:
			return complained(http.StatusConflict, "User exists with same email"), false
		}
	}
	return answer{}, true
}

func updateUser(c *call) answer {
	return c.withUser(func(u *user) answer {
		next, a, ok := merge(c, u.rep, "UserRepresentation")
		if !ok {
			return a
		}
		if a, ok := c.checkUser(&next, u); !ok {
			return a
		}
		for _, cred := range next.Credentials {
			u.setPassword(cred)
		}
		next.ID, next.Credentials, next.Access, next.Created = u.rep.ID, nil, nil, u.rep.Created
		if !c.realm.flag("editUsernameAllowed") {
			next.Username = u.rep.Username
		}
		u.rep = next
		return status(http.StatusNoContent)
	})
}

func deleteUser(c *call) answer {
	return c.withUser(func(u *user) answer {
		c.realm.removeUser(u)
		return status(http.StatusNoContent).with("Cache-Control", "no-cache")
	})
}

func resetPassword(c *call) answer {
	return c.withUser(func(u *user) answer {
		var cred credential
		if a, ok := c.decode(&cred, "CredentialRepresentation"); !ok {
			return a
		}
		if cred.Value == "" {
			return complained(http.StatusBadRequest, "Empty password not allowed")
		}
		cred.Type = "password"
		u.setPassword(cred)
		return status(http.StatusNoContent)
	})
}

func listUserSessions(c *call) answer {
	return c.withUser(func(u *user) answer {
		all := []map[string]any{}
		for _, s := range c.realm.sessions {
			if s.user == u {
				all = append(all, c.shownSession(s))
			}
		}
		return found(all)
	})
}

func (c *call) shownSession(s *session) map[string]any {
	clients := map[string]string{}
	for id := range s.clients {
		if one := c.realm.clientByID(id); one != nil {
			clients[id] = one.rep.ClientID
		}
	}
	return map[string]any{"id": s.id, "username": s.user.rep.Username, "userId": s.user.rep.ID, "ipAddress": s.address,
		"start": s.started.UnixMilli(), "lastAccess": s.last.UnixMilli(), "rememberMe": false, "clients": clients, "transientUser": false}
}

func logoutUser(c *call) answer {
	return c.withUser(func(u *user) answer {
		for id, s := range c.realm.sessions {
			if s.user == u {
				delete(c.realm.sessions, id)
			}
		}
		return status(http.StatusNoContent)
	})
}

func deleteSession(c *call) answer {
	all := c.realm.sessions
	if offline, _ := strconv.ParseBool(c.r.URL.Query().Get("isOffline")); offline {
		all = c.realm.offline
	}
	if all[c.at["session"]] == nil {
		return failed(http.StatusNotFound, "Sesssion not found")
	}
	delete(all, c.at["session"])
	return status(http.StatusNoContent)
}

func countSessions(c *call) answer { return c.countOf(c.realm.sessions) }

func countOfflineSessions(c *call) answer { return c.countOf(c.realm.offline) }

func (c *call) countOf(all map[string]*session) answer {
	return c.withClient(func(one *client) answer {
		n := 0
		for _, s := range all {
			if s.clients[one.rep.ID] != nil {
				n++
			}
		}
		return found(map[string]int{"count": n})
	})
}

func listConsents(c *call) answer {
	return c.withUser(func(u *user) answer {
		all := []map[string]any{}
		for id, scopes := range u.consents {
			all = append(all, map[string]any{"clientId": id, "grantedClientScopes": scopes, "createdDate": u.rep.Created, "lastUpdatedDate": c.now.UnixMilli(),
				"additionalGrants": []string{}})
		}
		return found(all)
	})
}

func deleteConsent(c *call) answer {
	return c.withUser(func(u *user) answer {
		if u.consents[c.at["client"]] == nil {
			return failed(http.StatusNotFound, "Consent nor offline token not found")
		}
		delete(u.consents, c.at["client"])
		return status(http.StatusNoContent)
	})
}
