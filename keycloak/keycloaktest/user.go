package keycloaktest

import (
	"slices"
	"strings"
)

// A user of a realm, or the account of a client that signs in itself.
type user struct {
	rep      userRep
	password string
	// temporary: the password has to be changed before anything else.
	temporary bool
	// service is the id of the client whose account it is.
	service string
	// admin: it may do everything, of the realm master.
	admin bool
	// roles are the names of those given, by the id of the realm or client that they belong to.
	roles map[string][]string
	// consents are the names of the scopes that the user has granted, by client id.
	consents map[string][]string
}

// userRep is a user as the Admin API shows it; credentials are only ever sent.
type userRep struct {
	ID            string              `json:"id"`
	Username      string              `json:"username,omitempty"`
	FirstName     string              `json:"firstName,omitempty"`
	LastName      string              `json:"lastName,omitempty"`
	Email         string              `json:"email,omitempty"`
	EmailVerified bool                `json:"emailVerified"`
	Attributes    map[string][]string `json:"attributes,omitempty"`
	Enabled       bool                `json:"enabled"`
	Created       int64               `json:"createdTimestamp"`
	TOTP          bool                `json:"totp"`
	Disableable   []string            `json:"disableableCredentialTypes"`
	Actions       []string            `json:"requiredActions"`
	NotBefore     int                 `json:"notBefore"`
	Credentials   []credential        `json:"credentials,omitempty"`
	Access        map[string]bool     `json:"access,omitempty"`
	RealmRoles    []string            `json:"realmRoles,omitempty"`
	ClientRoles   map[string][]string `json:"clientRoles,omitempty"`
	Groups        []string            `json:"groups,omitempty"`
	FederationLnk string              `json:"federationLink,omitempty"`
	ServiceClient string              `json:"serviceAccountClientId,omitempty"`
}

type credential struct {
	ID        string `json:"id,omitempty"`
	Type      string `json:"type,omitempty"`
	Value     string `json:"value,omitempty"`
	Temporary bool   `json:"temporary,omitempty"`
	UserLabel string `json:"userLabel,omitempty"`
	Created   int64  `json:"createdDate,omitempty"`
	Data      string `json:"credentialData,omitempty"`
	Secret    string `json:"secretData,omitempty"`
	Priority  int    `json:"priority,omitempty"`
}

// setUp: nothing is left for the user to do before signing in.
func (u *user) setUp() bool {
	return u.complete() && !u.temporary && len(u.rep.Actions) == 0
}

// complete: the user profile has what it must have; the first administrator's need not.
func (u *user) complete() bool {
	return u.rep.FirstName != "" && u.rep.LastName != "" && u.rep.Email != "" || u.admin
}

func (u *user) name() string { return strings.TrimSpace(u.rep.FirstName + " " + u.rep.LastName) }

// attributeOf returns what a mapper of users' attributes finds by a name.
func (u *user) attributeOf(name string) (string, bool) {
	known := map[string]string{"username": u.rep.Username, "email": u.rep.Email, "firstName": u.rep.FirstName, "lastName": u.rep.LastName}
	if v, ok := known[name]; ok {
		return v, v != ""
	}
	if v := u.rep.Attributes[name]; len(v) > 0 {
		return v[0], true
	}
	return "", false
}

// mustConsent returns the scopes that the client has to ask this user for.
func (u *user) mustConsent(c *client, granted []*scope) []*scope {
	if !c.rep.ConsentRequired {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(granted), func(s *scope) bool {
		return !s.onConsent() || slices.Contains(u.consents[c.rep.ClientID], s.rep.Name)
	})
}

func (u *user) consent(c *client, granted []*scope) {
	if u.consents == nil {
		u.consents = map[string][]string{}
	}
	for _, s := range granted {
		if have := u.consents[c.rep.ClientID]; !slices.Contains(have, s.rep.Name) {
			u.consents[c.rep.ClientID] = append(have, s.rep.Name)
		}
	}
}

// serviceUser returns the account of a client that signs in itself.
func (r *realm) serviceUser(c *client) *user {
	return find(r.users, func(u *user) bool { return u.service == c.rep.ID })
}

func (r *realm) removeUser(u *user) {
	r.users = slices.DeleteFunc(r.users, func(x *user) bool { return x == u })
	for _, all := range []map[string]*session{r.sessions, r.offline} {
		for id, s := range all {
			if s.user == u {
				delete(all, id)
			}
		}
	}
}
