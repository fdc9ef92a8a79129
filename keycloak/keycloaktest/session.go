package keycloaktest

import (
	"encoding/base64"
	"strings"
	"time"
)

// A session is one sign-in of a user, or what outlives it for clients that asked for offline access.
type session struct {
	id      string
	user    *user
	address string
	started time.Time
	last    time.Time
	// signedIn is when the user last did so at a page.
	signedIn time.Time
	clients  map[string]*clientSession // by the client's id
}

// A clientSession is what one client has in a session.
type clientSession struct {
	started time.Time
	// uses of each refresh token, and the newest of them, where a realm revokes what was used.
	uses   map[string]int
	newest string
}

// A code stands for an authorization until it is exchanged, once.
type code struct {
	session   string
	client    *client
	scopes    []*scope
	openID    bool
	redirect  string // as it was sent; "" when it was not
	nonce     string
	challenge string
	method    string
	expires   time.Time
}

// newSessionID is 24 characters long, and a UUID before 26.5.
func (c *call) newSessionID() string {
	if c.old {
		return newID()
	}
	return newText(24)
}

func (c *call) newSession(id string, u *user) *session {
	s := &session{id: id, user: u, address: remoteIP(c.r), started: c.now, last: c.now, clients: map[string]*clientSession{}}
	c.realm.sessions[s.id] = s
	return s
}

// join gives a client its part of a session.
func (s *session) join(c *client, now time.Time) {
	if s.clients[c.rep.ID] == nil {
		s.clients[c.rep.ID] = &clientSession{started: now, uses: map[string]int{}}
	}
}

// session returns one that is neither ended nor over.
func (c *call) session(id string) *session {
	s := c.realm.sessions[id]
	if s == nil || !s.user.rep.Enabled {
		return nil
	}
	idle, most := c.realm.seconds("ssoSessionIdleTimeout"), c.realm.seconds("ssoSessionMaxLifespan")
	if c.now.After(s.last.Add(idle)) || c.now.After(s.started.Add(most)) {
		delete(c.realm.sessions, id)
		return nil
	}
	return s
}

func (c *call) offlineSession(id string) *session {
	s := c.realm.offline[id]
	if s == nil || !s.user.rep.Enabled {
		return nil
	}
	over := c.now.After(s.last.Add(c.realm.seconds("offlineSessionIdleTimeout")))
	if c.realm.flag("offlineSessionMaxLifespanEnabled") {
		over = over || c.now.After(s.started.Add(c.realm.seconds("offlineSessionMaxLifespan")))
	}
	if over {
		delete(c.realm.offline, id)
		return nil
	}
	return s
}

// takeOffline moves a client's part of a session to one that outlives it; a session with no client left ends.
func (c *call) takeOffline(s *session, of *client) *session {
	to := c.realm.offline[s.id]
	if to == nil {
		to = &session{id: s.id, user: s.user, address: s.address, started: s.started, signedIn: s.signedIn, clients: map[string]*clientSession{}}
		c.realm.offline[s.id] = to
	}
	to.last = c.now
	to.join(of, c.now)
	delete(s.clients, of.rep.ID)
	if len(s.clients) == 0 {
		delete(c.realm.sessions, s.id)
	}
	return to
}

// newCode makes the code of an authorization: <uuid>.<session>.<client>.
func (c *call) newCode(s *session, as *code) string {
	id := newID()
	as.session = s.id
	as.expires = c.now.Add(c.realm.seconds("accessCodeLifespan"))
	c.realm.codes[id] = as
	return id + "." + s.id + "." + as.client.rep.ID
}

// takeCode takes a code out of use. A code that is none any more ends what its client has in the session: it was stolen,
// from one side or the other (RFC 6749 4.1.2).
func (c *call) takeCode(text string) (*code, *session) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil, nil
	}
	s := c.session(parts[1])
	if s == nil || s.clients[parts[2]] == nil {
		return nil, nil
	}
	one := c.realm.codes[parts[0]]
	delete(c.realm.codes, parts[0])
	switch {
	case one == nil:
		delete(s.clients, parts[2])
		return nil, nil
	case c.now.After(one.expires):
		return nil, nil
	}
	return one, s
}

// once takes note of the id of what may be used once; false when it was used before.
func (r *realm) once(id string, until, now time.Time) bool {
	for old, over := range r.used {
		if now.After(over) {
			delete(r.used, old)
		}
	}
	if _, seen := r.used[id]; seen {
		return false
	}
	r.used[id] = until
	return true
}

func rawURL(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
