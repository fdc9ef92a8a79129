package keycloaktest

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// A realm is everything that lies below one issuer.
type realm struct {
	id, name string
	// fields are the settings as the Admin API shows them, without id and realm.
	fields map[string]any

	scopes             []*scope
	defaults, optional []*scope // what a new client is given
	clients            []*client
	users              []*user
	components         []*component
	profiles, policies []policyEntry
	events             []event
	federation         federation
	roles              []role

	sessions map[string]*session
	offline  map[string]*session // that outlive a sign-in, by the same ids
	logins   map[string]*login   // sign-ins under way, by tab
	codes    map[string]*code
	used     map[string]time.Time // jti of what may be used once, until when
	revoked  map[string]time.Time // jti of access tokens

	secret                []byte // signs refresh tokens and cookies (HS512)
	sigKid, encKid, hsKid string
}

func (k *Keycloak) newRealm(id, name string) *realm {
	r := &realm{id: id, name: name, fields: map[string]any{},
		sessions: map[string]*session{}, offline: map[string]*session{}, logins: map[string]*login{}, codes: map[string]*code{},
		used: map[string]time.Time{}, revoked: map[string]time.Time{},
		secret: []byte(newText(64)), sigKid: newText(43), encKid: newText(43), hsKid: newID()}
	readDefaults("realm", &r.fields)
	if k.old {
		for _, later := range []string{"maxSecondaryAuthFailures", "scimApiEnabled", "webAuthnPolicyResidentKey", "webAuthnPolicyPasswordlessResidentKey"} {
			delete(r.fields, later)
		}
		r.fields["webAuthnPolicyPasswordlessRequireResidentKey"] = "Yes"
	}
	r.fields["enabled"] = false
	defaultRole := newRole("default-roles", id, false)
	defaultRole.Name, defaultRole.Composite = "default-roles-"+strings.ToLower(name), true
	offline := newRole("offline_access", id, false)
	offline.Description = "${role_offline-access}"
	r.roles = []role{defaultRole, offline, newRole("uma_authorization", id, false)}
	r.fields["defaultRole"] = r.roles[0]
	r.makeScopes(k.old)
	r.makeClients(k.old)
	r.makeComponents(k.old)
	return r
}

// newMaster has short tokens and the one account that administers.
func (k *Keycloak) newMaster() *realm {
	r := k.newRealm(newID(), "master")
	maps.Copy(r.fields, map[string]any{"enabled": true, "accessTokenLifespan": 60.0, "displayName": "Keycloak"})
	r.clients = slices.DeleteFunc(r.clients, func(c *client) bool { return c.rep.ClientID == "realm-management" })
	r.clients = append(r.clients, r.managementClient("master-realm", k.old))
	r.roles = append(r.roles, newRole("create-realm", r.id, false), newRole("admin", r.id, false))
	r.users = append(r.users, &user{admin: true, password: k.o.AdminPassword,
		rep: userRep{ID: newID(), Username: strings.ToLower(k.o.AdminUser), Enabled: true, Created: k.o.Now().UnixMilli()}})
	return r
}

func (r *realm) flag(name string) bool {
	b, _ := r.fields[name].(bool)
	return b
}

func (r *realm) number(name string) int {
	n, _ := r.fields[name].(float64)
	return int(n)
}

func (r *realm) seconds(name string) time.Duration {
	return time.Duration(r.number(name)) * time.Second
}

// rep is the realm as the Admin API shows it.
func (r *realm) rep() map[string]any {
	all := maps.Clone(r.fields)
	all["id"], all["realm"] = r.id, r.name
	return all
}

// brief is what a list of realms shows of one when asked for little.
func (r *realm) brief() map[string]any {
	all := map[string]any{"id": r.id, "realm": r.name}
	for _, name := range []string{"displayName", "displayNameHtml", "enabled"} {
		if v, ok := r.fields[name]; ok {
			all[name] = v
		}
	}
	return all
}

func (r *realm) clientByID(id string) *client {
	return find(r.clients, func(c *client) bool { return c.rep.ID == id })
}

func (r *realm) client(clientID string) *client {
	return find(r.clients, func(c *client) bool { return c.rep.ClientID == clientID })
}

func (r *realm) scope(name string) *scope {
	return find(r.scopes, func(s *scope) bool { return s.rep.Name == name })
}

func (r *realm) scopeByID(id string) *scope {
	return find(r.scopes, func(s *scope) bool { return s.rep.ID == id })
}

func (r *realm) userByID(id string) *user {
	return find(r.users, func(u *user) bool { return u.rep.ID == id })
}

// userNamed finds who signs in: by name or, where the realm allows it, by e-mail.
func (r *realm) userNamed(name string) *user {
	name = strings.ToLower(strings.TrimSpace(name))
	if name == "" {
		return nil
	}
	return find(r.users, func(u *user) bool {
		return u.service == "" && (u.rep.Username == name || r.flag("loginWithEmailAllowed") && u.rep.Email == name)
	})
}

func find[T any](all []*T, is func(*T) bool) *T {
	if i := slices.IndexFunc(all, is); i >= 0 {
		return all[i]
	}
	return nil
}
