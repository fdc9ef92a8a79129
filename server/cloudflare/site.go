package cloudflare

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// A Site is a connection as Cloudflare sees it: the zones of its hosts, the account that they are in, and what the tunnel carries.
type Site struct {
	api     *API
	c       plan.Connection
	carried carried
	all     []Zone
	Account Account
	// Zones has the zone of each host.
	Zones map[string]Zone
	// Effective tells the rules of a locally managed tunnel, by its id, where cloudflared runs on this host; nil: nobody can.
	Effective func(ctx context.Context, tunnel string) (rules Ingress, known bool)
}

// Hosts are the public names, in the order of the connection.
func (s *Site) Hosts() []string { return s.carried.hosts }

// Site finds the zones and the account of a connection. The connection is taken with its defaults.
func (a *API) Site(ctx context.Context, c plan.Connection) (*Site, error) {
	c = c.Defaults()
	k, err := carry(c)
	if err != nil {
		return nil, err
	}
	all, err := a.Zones(ctx)
	if err != nil {
		return nil, err
	}
	s := &Site{api: a, c: c, carried: k, all: all, Zones: map[string]Zone{}}
	for _, host := range k.hosts {
		z, err := ZoneOf(all, c.Expose.Zone, host)
		if err != nil {
			return nil, err
		}
		s.Zones[host] = z
	}
	return s, s.account(ctx)
}

// account is the one named, else that of the zones, which has to be one: a tunnel is in one account.
func (s *Site) account(ctx context.Context) error {
	first := s.Zones[s.carried.hosts[0]]
	s.Account = Account{first.AccountID, first.AccountName}
	for _, host := range s.carried.hosts {
		if z := s.Zones[host]; z.AccountID != first.AccountID {
			return fmt.Errorf("%s is in the account %s and %s in %s: one tunnel cannot carry both", s.carried.hosts[0], first.AccountName, host, z.AccountName)
		}
	}
	named := s.c.Expose.Account
	if named == "" || named == s.Account.ID || named == s.Account.Name {
		return nil
	}
	all, err := s.api.Accounts(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(a Account) bool { return a.ID == named || a.Name == named }) {
		return fmt.Errorf("expose.account: the token sees no account %q", named)
	}
	return fmt.Errorf("expose.account: the zone of %s belongs to the account %s, not to %q: take expose.account out", s.carried.hosts[0], s.Account.Name, named)
}

// Place is what is changed, for the journal: records are undone there and nowhere else.
func (s *Site) Place() string { return "cloudflare account " + s.Account.ID }

// Resources returns what the connection asks of Cloudflare, each after what it depends on.
func (a *API) Resources(ctx context.Context, c plan.Connection) ([]plan.Resource, *Site, error) {
	if err := c.Validate(); err != nil {
		return nil, nil, err
	}
	s, err := a.Site(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	t := &tunnel{s: s}
	all := []plan.Resource{t, &ingress{s: s, t: t}}
	for _, host := range s.carried.hosts {
		all = append(all, &dnsRecord{s: s, t: t, host: host})
	}
	return all, s, nil
}

// Named returns the resource of that name, as the journal has it, also where the connection has it no more.
func (s *Site) Named(name string) (plan.Resource, error) {
	kind, of, _ := strings.Cut(strings.TrimPrefix(name, "cloudflare/"), "/")
	c := s.c
	switch kind {
	case "tunnel", "ingress":
		c.Expose.Tunnel = of
		t := &tunnel{&Site{api: s.api, c: c, carried: s.carried, Account: s.Account, Zones: s.Zones}}
		if kind == "tunnel" {
			return t, nil
		}
		return &ingress{s: t.s, t: t}, nil
	case "dns":
		z, err := ZoneOf(s.all, "", of)
		if err != nil {
			return nil, err
		}
		return &dnsRecord{s: &Site{api: s.api, c: c, carried: s.carried, Account: s.Account, Zones: map[string]Zone{of: z}}, t: &tunnel{s}, host: of}, nil
	}
	return s.api.ruleNamed(s.all, s.c, name)
}
