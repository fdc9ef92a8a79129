package wizard

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// offeredFirst are the clients that most people come for. "any" is whom the doctor asks as, no client that anybody has.
var offeredFirst = []string{"claude-ai", "claude-code", "m2m"}

const careful = "any"

const machineGrant = "client_credentials"

// offered are the profiles to choose from, in the order in which they are shown.
func offered(known []*probe.Profile) []*probe.Profile {
	rank := func(p *probe.Profile) int {
		if i := slices.Index(offeredFirst, p.ID); i >= 0 {
			return i
		}
		return len(offeredFirst)
	}
	all := slices.DeleteFunc(slices.Clone(known), func(p *probe.Profile) bool { return p.ID == careful })
	slices.SortStableFunc(all, func(a, b *probe.Profile) int { return cmp.Compare(rank(a), rank(b)) })
	return all
}

// short is a client's name in a sentence: "Claude" of "Claude (web, Desktop, mobile)".
func short(p *probe.Profile) string {
	name, _, _ := strings.Cut(p.Title, " (")
	return name
}

// native: a client on the user's own machine keeps no secret (RFC 8252 8.4).
func native(p *probe.Profile) bool {
	return slices.ContainsFunc(p.Authorize.RedirectURIs, func(uri string) bool {
		u, err := url.Parse(strings.Replace(uri, ":{port}", "", 1))
		return err != nil || u.Scheme != "https" && u.Scheme != "http" || probe.Loopback(u.Hostname())
	})
}

func (d *draft) clientsOf(c plan.Connection, known []*probe.Profile) {
	for _, p := range offered(known) {
		d.clients[p.ID] = newClientDraft(p)
	}
	list := c.Clients
	if len(list) == 0 {
		list = c.Defaults().Clients
	}
	for _, client := range list {
		if of := d.clients[client.Profile]; of != nil && !slices.Contains(d.profiles, client.Profile) {
			of.take(client)
			d.profiles = append(d.profiles, client.Profile)
		}
	}
	switch {
	case len(c.Users) > 0:
		d.tester = c.Users[0].Name
	case c.Keycloak.Issuer == "":
		d.tester = defaultTester
	}
}

func newClientDraft(p *probe.Profile) *clientDraft {
	named := plan.Connection{Clients: []plan.Client{{Profile: p.ID}}}.Defaults().Clients[0]
	d := &clientDraft{id: named.ID, keeps: keepsSecret, consent: consentAsked, auth: named.Auth, way: plan.PreRegistered, machine: p.Grant == machineGrant}
	if native(p) {
		d.keeps = keepsNothing
	}
	return d
}

func (d *clientDraft) take(c plan.Client) {
	d.id, d.auth, d.way = cmp.Or(c.ID, d.id), cmp.Or(c.Auth, d.auth), wayOf(c)
	if c.Confidential != nil {
		d.keeps = keepsNothing
		if *c.Confidential {
			d.keeps = keepsSecret
		}
	}
	if c.Consent != nil {
		d.consent = consentNone
		if *c.Consent {
			d.consent = consentAsked
		}
	}
}

// clientsNow keeps what was there in its order: the first of each profile as answered, further ones as they are while the
// profile is chosen, and those that nobody is asked about.
func (d *draft) clientsNow(before []plan.Client) []plan.Client {
	var all []plan.Client
	done := map[string]bool{}
	for _, c := range before {
		of := d.clients[c.Profile]
		switch chosen := slices.Contains(d.profiles, c.Profile); {
		case of == nil, chosen && done[c.Profile]:
			all = append(all, c)
		case chosen:
			all = append(all, of.put(c))
			done[c.Profile] = true
		}
	}
	for _, id := range d.profiles {
		if !done[id] {
			all = append(all, d.clients[id].put(plan.Client{Profile: id}))
		}
	}
	return all
}

// put writes the answers into a client. A machine is neither public nor asks anybody for consent.
func (d *clientDraft) put(c plan.Client) plan.Client {
	if d.registersItself() {
		return d.itself(c)
	}
	if c.RegistersItself() {
		c.Registration = ""
	}
	c.ID = strings.TrimSpace(d.id)
	if d.auth == plan.AuthPrivateKeyJWT {
		c.Auth = d.auth
	} else {
		c.Auth = ""
	}
	if d.machine {
		return c
	}
	secret, asked := d.keeps == keepsSecret, d.consent == consentAsked
	c.Confidential, c.Consent = &secret, &asked
	return c
}
