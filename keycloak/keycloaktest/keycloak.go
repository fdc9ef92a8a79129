package keycloaktest

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options of a small Keycloak.
type Options struct {
	// BaseURL is the public base URL, without a slash at its end; empty follows the Host header of each request, as
	// start-dev does.
	BaseURL string
	// AdminUser administers everything, from the realm master; empty is admin, with the password admin.
	AdminUser, AdminPassword string
	// Version is whom to answer as where versions differ: "26.4.7" or what is before it, else 26.7.3.
	Version string
	// Features are those, off by default, that are on: "cimd" and "resource-indicators", which no 26.4 has.
	Features []string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// DefaultVersion is the one that a small Keycloak answers as.
const DefaultVersion = "26.7.3"

// Keycloak serves any number of realms. It is safe for concurrent use.
type Keycloak struct {
	o Options
	// old: answers as 26.4.7 does.
	old bool
	// key signs for every realm, each under a kid of its own: making a key for each would take most of a start.
	key func() *rsa.PrivateKey

	mu     sync.Mutex
	realms []*realm
}

// New makes one with the realm master and its administrator.
func New(o Options) *Keycloak {
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	o.AdminUser, o.AdminPassword = cmp.Or(o.AdminUser, "admin"), cmp.Or(o.AdminPassword, "admin")
	o.Version = cmp.Or(o.Version, DefaultVersion)
	if o.Now == nil {
		o.Now = time.Now
	}
	k := &Keycloak{o: o, old: strings.HasPrefix(o.Version, "26.4."), key: sync.OnceValue(newKey)}
	k.realms = append(k.realms, k.newMaster())
	return k
}

// newKey cannot fail: crypto/rand ends the program rather than return an error.
func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// has: the feature is on.
func (k *Keycloak) has(feature string) bool { return !k.old && slices.Contains(k.o.Features, feature) }

func (k *Keycloak) realm(name string) *realm {
	for _, r := range k.realms {
		if r.name == name {
			return r
		}
	}
	return nil
}

// maxBody is above every body that the real one is sent here.
const maxBody = 4 << 20

// A call is one request with what answering it takes.
type call struct {
	*Keycloak
	r    *http.Request
	base string
	now  time.Time
	body []byte
	form url.Values
	// at are the parts of the path that the route names.
	at    map[string]string
	realm *realm
	// admin is who calls the Admin API, by the token of a client, from a realm.
	admin    *user
	bearerOf *client
	by       *realm
}

// ServeHTTP answers one request. The body is read before the lock is taken and the answer written after it, so a slow
// client holds up nobody.
func (k *Keycloak) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	}
	c := &call{Keycloak: k, r: r, base: k.baseURL(r), now: k.o.Now(), body: body, form: url.Values{}}
	if isForm(r) {
		// What is no form has no fields; the endpoints say what they miss.
		c.form, _ = url.ParseQuery(string(body))
	}
	k.write(w, c.locked())
}

func (c *call) locked() answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.answer()
}

func isForm(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

func (k *Keycloak) baseURL(r *http.Request) string {
	switch {
	case k.o.BaseURL != "":
		return k.o.BaseURL
	case r.TLS != nil:
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

func (c *call) issuer() string { return c.base + "/realms/" + url.PathEscape(c.realm.name) }

// cookiePath is where the realm's cookies are sent.
func (c *call) cookiePath() string { return "/realms/" + url.PathEscape(c.realm.name) + "/" }
