package cloudflaretest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Options of a small Cloudflare.
type Options struct {
	// Accounts there are; nil is one, named Home.
	Accounts []Account
	// Zones there are; nil is example.com, on the free plan, in the first account.
	Zones []Zone
	// Tokens that may call the API; nil is one that may do everything, with the value Token.
	Tokens []Token
	// Faults are what goes wrong from the start; see Fail.
	Faults []Fault
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Visitor says from where a request reaches the edge; nil is what its connection says, from no country and no AS.
	Visitor func(*http.Request) Visitor
	// AIBotsUnskippable: Block AI bots is left on by rules that skip its phase, as some operators report.
	AIBotsUnskippable bool
	// Origin reaches what stands behind connectors of Connect, and origins without a tunnel; nil is the network.
	Origin http.RoundTripper
	// ReadTimeout is how long the edge waits for an origin's first or next byte; 0 is the 125 s that were measured.
	ReadTimeout time.Duration
}

// An Account owns tunnels, Access applications and zones.
type Account struct {
	// ID is made when empty.
	ID, Name string
	// Team is the name of its Zero Trust organisation: <team>.cloudflareaccess.com.
	Team string
	// StrictServiceTokens: as organisations have it that were made since 2026-10-05.
	StrictServiceTokens bool
}

// A Zone is a domain whose traffic goes through the edge.
type Zone struct {
	// ID is made when empty.
	ID, Name string
	// Account is the name or id of its owner; empty is the first.
	Account string
	// Plan is free (also when empty), pro, business or enterprise.
	Plan string
	// Status is active when empty.
	Status string
}

// Cloudflare holds accounts and their zones. It is safe for concurrent use.
type Cloudflare struct {
	o   Options
	now func() time.Time

	mu       sync.Mutex
	serial   int
	accounts []*account
	zones    []*zone
	tokens   []*token
	faults   []*Fault
	quick    []*tunnel
	events   []event
	cached   map[string]kept
	counted  map[string]*counter
	// clients are those that registered for Managed OAuth.
	clients map[string]bool
}

type account struct {
	Account
	tunnels        []*tunnel
	apps, policies []*document
}

type zone struct {
	Zone
	owner    *account
	records  []*document
	settings map[string]any
	edited   map[string]time.Time
	bots     map[string]any
	rulesets []*ruleset
	// rules are the IP access rules.
	rules []*document
	// agents are the User Agent Blocking rules.
	agents []*document
	apps   []*document
}

// New makes one.
func New(o Options) *Cloudflare {
	c := &Cloudflare{o: o, now: o.Now, cached: map[string]kept{}, counted: map[string]*counter{}, clients: map[string]bool{}}
	if c.now == nil {
		c.now = time.Now
	}
	if o.Accounts == nil {
		o.Accounts = []Account{{Name: "Home", Team: "home"}}
	}
	for _, a := range o.Accounts {
		a.ID, a.Team = cmp.Or(a.ID, c.id()), cmp.Or(a.Team, strings.ToLower(strings.ReplaceAll(a.Name, " ", "-")))
		c.accounts = append(c.accounts, &account{Account: a})
	}
	if o.Zones == nil {
		o.Zones = []Zone{{Name: "example.com"}}
	}
	for _, z := range o.Zones {
		c.zones = append(c.zones, c.newZone(z))
	}
	if o.Tokens == nil {
		o.Tokens = []Token{{Value: DefaultToken, Permissions: Everything()}}
	}
	for _, t := range o.Tokens {
		c.tokens = append(c.tokens, &token{Token: t, id: c.id()})
	}
	for _, f := range o.Faults {
		c.faults = append(c.faults, &f)
	}
	return c
}

func (c *Cloudflare) newZone(z Zone) *zone {
	z.ID, z.Plan, z.Status = cmp.Or(z.ID, c.id()), cmp.Or(z.Plan, "free"), cmp.Or(z.Status, "active")
	made := &zone{Zone: z, owner: c.accounts[0], settings: defaultSettings(), edited: map[string]time.Time{}, bots: defaultBots(z.Plan)}
	for _, a := range c.accounts {
		if z.Account == a.ID || z.Account == a.Name {
			made.owner = a
		}
	}
	made.rulesets = managedRulesets()
	return made
}

// id makes an identifier as most of Cloudflare's objects have one; the same for the same course of events.
func (c *Cloudflare) id() string {
	c.serial++
	sum := sha256.Sum256([]byte(fmt.Sprint("cloudflare ", c.serial)))
	return hex.EncodeToString(sum[:16])
}

// uuid makes one as tunnels, connections and Access applications have it.
func (c *Cloudflare) uuid() string {
	s := c.id()
	return s[:8] + "-" + s[8:12] + "-4" + s[13:16] + "-a" + s[17:20] + "-" + s[20:]
}

func (c *Cloudflare) account(id string) *account {
	for _, a := range c.accounts {
		if a.ID == id {
			return a
		}
	}
	return nil
}

func (c *Cloudflare) zone(id string) *zone {
	for _, z := range c.zones {
		if z.ID == id {
			return z
		}
	}
	return nil
}

// maxBody is above every body that the real API is sent here.
const maxBody = 4 << 20

// A call is one request to the API with what answering it takes.
type call struct {
	*Cloudflare
	r    *http.Request
	now  time.Time
	body []byte
	// at are the parts of the path that the route names.
	at      map[string]string
	token   *token
	account *account
	zone    *zone
}

// ServeHTTP answers one request to the API, below /client/v4. The body is read before the lock is taken and the answer written
// after it, so a slow client holds up nobody.
func (c *Cloudflare) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	}
	if c.fails(w, r) {
		return
	}
	k := &call{Cloudflare: c, r: r, now: c.now().UTC(), body: body}
	write(w, k.locked())
}

func (c *call) locked() answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.answer()
}
