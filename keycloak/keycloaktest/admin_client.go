package keycloaktest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func listClients(c *call) answer {
	q := c.r.URL.Query()
	if q.Get("q") != "" && !c.old {
		return complained(http.StatusBadRequest, "Not allowed to search by attributes")
	}
	all := []clientRep{}
	if !c.rights(c.realm).has("view-clients") {
		return found(all)
	}
	for _, one := range c.realm.clients {
		id := one.rep.ClientID
		switch want := q.Get("clientId"); {
		case want == "" || id == want:
		case q.Get("search") == "true" && strings.Contains(strings.ToLower(id), strings.ToLower(want)):
		default:
			continue
		}
		all = append(all, one.shown())
	}
	slices.SortFunc(all, func(a, b clientRep) int { return strings.Compare(a.ClientID, b.ClientID) })
	return found(section(all, q))
}

// section cuts a list as first and max say.
func section[T any](all []T, q url.Values) []T {
	if n, err := strconv.Atoi(q.Get("first")); err == nil && n > 0 {
		all = all[min(n, len(all)):]
	}
	if n, err := strconv.Atoi(q.Get("max")); err == nil && n >= 0 {
		all = all[:min(n, len(all))]
	}
	return all
}

func createClient(c *call) answer {
	rep := newClientRep()
	if a, ok := c.decode(&rep, "ClientRepresentation"); !ok {
		return a
	}
	sent := c.sent()
	if _, given := sent["clientId"]; given && strings.TrimSpace(rep.ClientID) == "" {
		return refused(http.StatusBadRequest, "invalid_input", "Client ID cannot be blank")
	}
	if a, ok := c.checkClient(rep); !ok {
		return a
	}
	if rep.ID == "" {
		rep.ID = newID()
	}
	if rep.ClientID == "" {
		rep.ClientID = rep.ID
	}
	if c.realm.client(rep.ClientID) != nil {
		return complained(http.StatusConflict, "Client "+rep.ClientID+" already exists")
	}
	if rep.Protocol == openIDConnect && sent["protocol"] != nil {
		c.withProtocol(&rep, sent)
	}
	_, origins := sent["webOrigins"]
	_, defaults := sent["defaultClientScopes"]
	_, optional := sent["optionalClientScopes"]
	made := c.addClient(rep, !origins, defaults || optional)
	return created(c.adminURL("clients", made.rep.ID))
}

// withProtocol: a client that names its protocol gets other defaults than one that does not. One that is public only by
// that default had a secret before.
func (c *call) withProtocol(rep *clientRep, sent map[string]json.RawMessage) {
	if rep.Attributes == nil {
		rep.Attributes = map[string]string{}
	}
	if sent["publicClient"] == nil {
		c.newSecret(rep)
		rep.Public, rep.Secret = true, ""
	}
	rep.DirectAccess = rep.DirectAccess || sent["directAccessGrantsEnabled"] == nil
	rep.Attributes["backchannel.logout.session.required"] = "true"
	rep.Attributes["backchannel.logout.revoke.offline.tokens"] = "false"
}

// addClient stores a new client. Given one list of scopes, both are taken literally.
func (c *call) addClient(rep clientRep, deriveOrigins, literal bool) *client {
	rep.normalize()
	if deriveOrigins && len(rep.WebOrigins) == 0 {
		rep.WebOrigins = originsOf(rep.RedirectURIs)
	}
	if rep.Secret == "" && !rep.Public && !rep.BearerOnly {
		c.newSecret(&rep)
	}
	for i := range rep.Mappers {
		rep.Mappers[i].ID = newID()
		rep.Mappers[i].trim()
	}
	made := &client{defaults: slices.Clone(c.realm.defaults), optional: slices.Clone(c.realm.optional)}
	if literal {
		made.defaults = c.realm.scopesNamed(rep.DefaultScopes)
		made.optional = slices.DeleteFunc(c.realm.scopesNamed(rep.OptionalScopes), func(s *scope) bool { return slices.Contains(made.defaults, s) })
	}
	rep.DefaultScopes, rep.OptionalScopes, rep.Access = nil, nil, nil
	made.rep = rep
	c.realm.clients = append(c.realm.clients, made)
	c.serviceAccount(made)
	return made
}

// serviceAccount gives a client that signs in itself its user and its scope.
func (c *call) serviceAccount(of *client) {
	have := c.realm.serviceUser(of)
	switch {
	case of.rep.ServiceAccounts && have == nil:
		rep := userRep{ID: newID(), Username: "service-account-" + strings.ToLower(of.rep.ClientID), Enabled: true, Created: c.now.UnixMilli()}
		c.realm.users = append(c.realm.users, &user{service: of.rep.ID, rep: rep})
	case !of.rep.ServiceAccounts && have != nil:
		c.realm.removeUser(have)
	}
	if s := c.realm.scope("service_account"); of.rep.ServiceAccounts && s != nil && !slices.Contains(of.defaults, s) {
		of.defaults = append(of.defaults, s)
	}
}

// checkClient refuses what Keycloak refuses; wildcards, nonsense and unknown methods it takes.
func (c *call) checkClient(rep clientRep) (answer, bool) {
	for _, uri := range rep.RedirectURIs {
		if why := c.badRedirectURI(uri); why != "" {
			return refused(http.StatusBadRequest, "invalid_input", why), false
		}
	}
	idle := rep.Attributes["client.session.idle.timeout"]
	if n, err := strconv.Atoi(idle); err == nil && !c.old && n > c.realm.number("ssoSessionIdleTimeout") {
		return refused(http.StatusBadRequest, "invalid_input", "Client session idle timeout cannot exceed realm SSO session idle timeout."), false
	}
	return answer{}, true
}

func (c *call) badRedirectURI(uri string) string {
	switch scheme, _, _ := strings.Cut(uri, ":"); {
	case strings.Contains(uri, "#") && c.old:
		return "Redirect URIs must not contain an URI fragment"
	case strings.Contains(uri, "#"):
		return "A redirect URI must not contain an URL fragment"
	case slices.Contains([]string{"javascript", "data", "vbscript"}, strings.ToLower(scheme)):
		return "A redirect URI uses an illegal scheme"
	case strings.ContainsAny(uri, " \t\n"):
		return "A redirect URI is not a valid URI"
	}
	return ""
}

// withClient serves what the path's {client} names.
func (c *call) withClient(serve func(*client) answer) answer {
	one := c.realm.clientByID(c.at["client"])
	if one == nil {
		return failed(http.StatusNotFound, "Could not find client")
	}
	return serve(one)
}

func readClient(c *call) answer {
	return c.withClient(func(one *client) answer { return found(one.shown()) })
}

func updateClient(c *call) answer {
	return c.withClient(func(one *client) answer {
		next, a, ok := merge(c, one.rep, "ClientRepresentation")
		if !ok {
			return a
		}
		if a, ok := c.checkClient(next); !ok {
			return a
		}
		if other := c.realm.client(next.ClientID); other != nil && other != one {
			return complained(http.StatusConflict, "Client "+next.ClientID+" already exists")
		}
		next.ID, next.Mappers, next.Access = one.rep.ID, one.rep.Mappers, nil
		next.DefaultScopes, next.OptionalScopes = nil, nil
		next.normalize()
		if _, given := c.sent()["webOrigins"]; !given && len(one.rep.WebOrigins) == 0 {
			next.WebOrigins = originsOf(next.RedirectURIs)
		}
		switch {
		case next.Public:
			next.Secret = ""
		case one.rep.Public && !next.BearerOnly:
			c.newSecret(&next)
		}
		one.rep = next
		c.serviceAccount(one)
		return status(http.StatusNoContent)
	})
}

func deleteClient(c *call) answer {
	return c.withClient(func(one *client) answer {
		c.realm.removeClient(one)
		return status(http.StatusNoContent)
	})
}

func (r *realm) removeClient(one *client) {
	r.clients = slices.DeleteFunc(r.clients, func(x *client) bool { return x == one })
	if u := r.serviceUser(one); u != nil {
		r.removeUser(u)
	}
	for _, all := range []map[string]*session{r.sessions, r.offline} {
		for _, s := range all {
			delete(s.clients, one.rep.ID)
		}
	}
}

func secretOf(one *client) answer {
	return found(struct {
		Type  string `json:"type"`
		Value string `json:"value,omitempty"`
	}{"secret", one.rep.Secret})
}

func readSecret(c *call) answer { return c.withClient(secretOf) }

func renewSecret(c *call) answer {
	return c.withClient(func(one *client) answer {
		c.newSecret(&one.rep)
		a := secretOf(one)
		a.header.Del("Cache-Control")
		return a
	})
}

func readServiceAccount(c *call) answer {
	return c.withClient(func(one *client) answer {
		if u := c.realm.serviceUser(one); u != nil {
			rep := u.shown()
			rep.Access = nil
			return found(rep)
		}
		return failed(http.StatusBadRequest, "Service account not enabled for the client '"+one.rep.ClientID+"'")
	})
}

// clientList returns the list of a client that the path names, and the other one.
func (c *call) clientList(one *client) (this, other *[]*scope) {
	if strings.Contains(c.r.URL.Path, "/default-client-scopes") {
		return &one.defaults, &one.optional
	}
	return &one.optional, &one.defaults
}

func listClientScopes(c *call) answer {
	return c.withClient(func(one *client) answer {
		this, _ := c.clientList(one)
		return found(references(forClients(*this), false))
	})
}

// addClientScope: into the second list is answered as done, and nothing is.
func addClientScope(c *call) answer {
	return c.withClient(func(one *client) answer {
		return c.withScope(func(s *scope) answer {
			this, other := c.clientList(one)
			if !slices.Contains(*this, s) && !slices.Contains(*other, s) {
				*this = append(*this, s)
			}
			return status(http.StatusNoContent)
		})
	})
}

func removeClientScope(c *call) answer {
	return c.withClient(func(one *client) answer {
		return c.withScope(func(s *scope) answer {
			this, _ := c.clientList(one)
			*this = slices.DeleteFunc(*this, func(x *scope) bool { return x == s })
			return status(http.StatusNoContent)
		})
	})
}
