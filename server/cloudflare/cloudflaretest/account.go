package cloudflaretest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// accountsAndZonesSince is when everything there is at the start was made.
var accountsAndZonesSince = time.Date(2024, 3, 1, 9, 0, 0, 0, time.UTC)

func (a *account) shown() map[string]any {
	return map[string]any{
		"id": a.ID, "name": a.Name, "type": "standard", "settings": map[string]any{"enforce_twofactor": false},
		"created_on": at6(accountsAndZonesSince),
	}
}

// holds: the token may do something in the account, or with one of its zones.
func (c *call) holds(a *account) bool {
	return c.ownAccount(a) && slices.ContainsFunc(c.token.Permissions, func(p string) bool {
		return strings.HasPrefix(p, "Account") || slices.ContainsFunc(c.zones, func(z *zone) bool { return z.owner == a && c.token.sees(z) })
	})
}

func listAccounts(c *call) answer {
	var l []map[string]any
	for _, a := range c.accounts {
		if name := c.r.URL.Query().Get("name"); c.holds(a) && (name == "" || strings.Contains(a.Name, name)) {
			l = append(l, a.shown())
		}
	}
	return paged(c, l, 20, 50)
}

func getAccount(c *call) answer {
	if !c.holds(c.account) {
		return unauthorized("")
	}
	return found(c.account.shown())
}

func (z *zone) shown() map[string]any {
	plans := map[string]string{"free": "Free Website", "pro": "Pro Website", "business": "Business Website", "enterprise": "Enterprise Website"}
	return map[string]any{
		"id": z.ID, "name": z.Name, "status": z.Status, "paused": false, "type": "full", "development_mode": 0,
		"name_servers":          []string{"ada.ns.cloudflare.com", "bob.ns.cloudflare.com"},
		"original_name_servers": nil, "original_registrar": nil, "original_dnshost": nil,
		"created_on": at6(accountsAndZonesSince), "modified_on": at6(accountsAndZonesSince), "activated_on": at6(accountsAndZonesSince),
		"account":     map[string]any{"id": z.owner.ID, "name": z.owner.Name},
		"owner":       map[string]any{"id": nil, "type": "user", "email": nil},
		"permissions": []string{},
		"meta":        map[string]any{"step": 2, "custom_certificate_quota": 0, "page_rule_quota": 3, "phishing_detected": false},
		"plan":        map[string]any{"id": planID(z.Plan), "name": plans[z.Plan], "legacy_id": z.Plan, "is_subscribed": z.Plan != "free", "price": 0, "currency": "USD", "frequency": ""},
	}
}

// planID is that of the free plan for all but the name tells the plan.
func planID(string) string { return "0feeeeeeeeeeeeeeeeeeeeeeeeeeeeee" }

func listZones(c *call) answer {
	if !c.token.may(ZoneZone, "Read") {
		return refused(http.StatusForbidden, 0, "Actor 'com.cloudflare.api.token.%s' requires permission 'com.cloudflare.api.account.zone.list' to list zones", c.token.id)
	}
	var l []map[string]any
	for _, z := range c.zones {
		if c.token.sees(z) && c.ownAccount(z.owner) && wanted(c, z) {
			l = append(l, z.shown())
		}
	}
	return paged(c, l, 20, 50)
}

// wanted: the zone passes the filters of the query.
func wanted(c *call, z *zone) bool {
	q := c.r.URL.Query()
	is := func(name, value string) bool { return q.Get(name) == "" || compares(q.Get(name), value) }
	return is("name", z.Name) && is("status", z.Status) && is("account.id", z.owner.ID) && is("account.name", z.owner.Name)
}

// compares a value with a filter: as it is, or by an operator before a colon.
func compares(filter, value string) bool {
	how, want, ok := strings.Cut(filter, ":")
	if !ok {
		return strings.EqualFold(filter, value)
	}
	value, want = strings.ToLower(value), strings.ToLower(want)
	switch how {
	case "equal":
		return value == want
	case "not_equal":
		return value != want
	case "starts_with":
		return strings.HasPrefix(value, want)
	case "ends_with":
		return strings.HasSuffix(value, want)
	case "contains", "starts_with_case_sensitive", "ends_with_case_sensitive", "contains_case_sensitive":
		return strings.Contains(value, want)
	}
	return strings.EqualFold(filter, value)
}

func getZone(c *call) answer { return found(c.zone.shown()) }
