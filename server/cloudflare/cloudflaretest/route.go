package cloudflaretest

import (
	"net/http"
	"slices"
	"strings"
)

// A route is one thing that can be asked; {name} in its path stands for one part. The permission is needed at level Read for a GET
// and at level Edit for the rest; empty: any token will do.
type route struct {
	method, path, permission string
	serve                    func(*call) answer
}

var routes = slices.Concat(apiRoutes, accessRoutes("accounts/{account}", AccessApps), accessRoutes("zones/{zone}", ZoneAccessApps))

var apiRoutes = []route{
	{http.MethodGet, "user/tokens/verify", "", verifyUser},
	{http.MethodGet, "accounts", "", listAccounts},
	{http.MethodGet, "accounts/{account}", "", getAccount},
	{http.MethodGet, "accounts/{account}/tokens/verify", "", verifyAccount},
	{http.MethodGet, "accounts/{account}/cfd_tunnel", CloudflareTunnel, listTunnels},
	{http.MethodPost, "accounts/{account}/cfd_tunnel", CloudflareTunnel, createTunnel},
	{http.MethodGet, "accounts/{account}/cfd_tunnel/{tunnel}", CloudflareTunnel, getTunnel},
	{http.MethodPatch, "accounts/{account}/cfd_tunnel/{tunnel}", CloudflareTunnel, editTunnel},
	{http.MethodDelete, "accounts/{account}/cfd_tunnel/{tunnel}", CloudflareTunnel, deleteTunnel},
	{http.MethodGet, "accounts/{account}/cfd_tunnel/{tunnel}/configurations", CloudflareTunnel, getConfiguration},
	{http.MethodPut, "accounts/{account}/cfd_tunnel/{tunnel}/configurations", CloudflareTunnel, putConfiguration},
	{http.MethodGet, "accounts/{account}/cfd_tunnel/{tunnel}/token", CloudflareTunnel, getRunToken},
	{http.MethodGet, "accounts/{account}/cfd_tunnel/{tunnel}/connections", CloudflareTunnel, listConnections},
	{http.MethodDelete, "accounts/{account}/cfd_tunnel/{tunnel}/connections", CloudflareTunnel, cleanConnections},

	{http.MethodGet, "zones", "", listZones},
	{http.MethodGet, "zones/{zone}", ZoneZone, getZone},
	{http.MethodGet, "zones/{zone}/dns_records", ZoneDNS, listRecords},
	{http.MethodPost, "zones/{zone}/dns_records", ZoneDNS, createRecord},
	{http.MethodGet, "zones/{zone}/dns_records/{record}", ZoneDNS, getRecord},
	{http.MethodPut, "zones/{zone}/dns_records/{record}", ZoneDNS, replaceRecord},
	{http.MethodPatch, "zones/{zone}/dns_records/{record}", ZoneDNS, editRecord},
	{http.MethodDelete, "zones/{zone}/dns_records/{record}", ZoneDNS, deleteRecord},
	{http.MethodGet, "zones/{zone}/settings", ZoneSettings, listSettings},
	{http.MethodGet, "zones/{zone}/settings/{setting}", ZoneSettings, getSetting},
	{http.MethodPatch, "zones/{zone}/settings/{setting}", ZoneSettings, editSetting},
	{http.MethodGet, "zones/{zone}/bot_management", BotManagement, getBots},
	{http.MethodPut, "zones/{zone}/bot_management", BotManagement, putBots},

	{http.MethodGet, "zones/{zone}/rulesets", "", listRulesets},
	{http.MethodPost, "zones/{zone}/rulesets", "", createRuleset},
	{http.MethodGet, "zones/{zone}/rulesets/{ruleset}", "", onRuleset(getRuleset)},
	{http.MethodPut, "zones/{zone}/rulesets/{ruleset}", "", onRuleset(putRuleset)},
	{http.MethodDelete, "zones/{zone}/rulesets/{ruleset}", "", onRuleset(deleteRuleset)},
	{http.MethodPost, "zones/{zone}/rulesets/{ruleset}/rules", "", onRuleset(createRule)},
	{http.MethodPatch, "zones/{zone}/rulesets/{ruleset}/rules/{rule}", "", onRuleset(editRule)},
	{http.MethodDelete, "zones/{zone}/rulesets/{ruleset}/rules/{rule}", "", onRuleset(deleteRule)},
	{http.MethodGet, "zones/{zone}/rulesets/phases/{phase}/entrypoint", "", getEntrypoint},
	{http.MethodPut, "zones/{zone}/rulesets/phases/{phase}/entrypoint", "", putEntrypoint},

	{http.MethodGet, "zones/{zone}/firewall/access_rules/rules", FirewallServices, listAccessRules},
	{http.MethodPost, "zones/{zone}/firewall/access_rules/rules", FirewallServices, createAccessRule},
	{http.MethodGet, "zones/{zone}/firewall/access_rules/rules/{rule}", FirewallServices, getAccessRule},
	{http.MethodPatch, "zones/{zone}/firewall/access_rules/rules/{rule}", FirewallServices, editAccessRule},
	{http.MethodDelete, "zones/{zone}/firewall/access_rules/rules/{rule}", FirewallServices, deleteAccessRule},

	{http.MethodGet, "zones/{zone}/firewall/ua_rules", FirewallServices, listAgentRules},
	{http.MethodPost, "zones/{zone}/firewall/ua_rules", FirewallServices, createAgentRule},
	{http.MethodDelete, "zones/{zone}/firewall/ua_rules/{rule}", FirewallServices, deleteAgentRule},

	{http.MethodPost, "graphql", "", graphql},
	{http.MethodGet, "accounts/{account}/access/organizations", AccessOrgs, getOrganization},
	{http.MethodGet, "accounts/{account}/access/policies", AccessApps, listPolicies},
	{http.MethodPost, "accounts/{account}/access/policies", AccessApps, createPolicy},
	{http.MethodGet, "accounts/{account}/access/policies/{policy}", AccessApps, getPolicy},
	{http.MethodPut, "accounts/{account}/access/policies/{policy}", AccessApps, putPolicy},
	{http.MethodDelete, "accounts/{account}/access/policies/{policy}", AccessApps, deletePolicy},
}

// accessRoutes are the same below an account and below a zone.
func accessRoutes(scope, permission string) []route {
	apps := scope + "/access/apps"
	return []route{
		{http.MethodGet, apps, permission, listApps},
		{http.MethodPost, apps, permission, createApp},
		{http.MethodGet, apps + "/{app}", permission, getApp},
		{http.MethodPut, apps + "/{app}", permission, putApp},
		{http.MethodDelete, apps + "/{app}", permission, deleteApp},
		{http.MethodGet, apps + "/{app}/policies", permission, listAppPolicies},
		{http.MethodPost, apps + "/{app}/policies", permission, createAppPolicy},
		{http.MethodGet, apps + "/{app}/policies/{policy}", permission, onAppPolicy(getAppPolicy)},
		{http.MethodPut, apps + "/{app}/policies/{policy}", permission, onAppPolicy(putAppPolicy)},
		{http.MethodDelete, apps + "/{app}/policies/{policy}", permission, onAppPolicy(deleteAppPolicy)},
	}
}

// answer finds the route and refuses what the token may not do.
func (c *call) answer() answer {
	path, ok := strings.CutPrefix(c.r.URL.Path, "/client/v4/")
	if !ok {
		return noRoute(c.r.URL.Path)
	}
	if refusal := c.authenticate(); refusal != nil {
		return *refusal
	}
	parts := strings.Split(strings.TrimSuffix(path, "/"), "/")
	known := false
	for _, r := range routes {
		at, ok := matchPath(r.path, parts)
		switch {
		case !ok:
			continue
		case r.method == c.r.Method:
			c.at = at
			return c.serve(r)
		}
		known = true
	}
	if known {
		return refused(http.StatusMethodNotAllowed, 7001, "Method %s not available for that URI.", c.r.Method)
	}
	return noRoute("/" + path)
}

func matchPath(pattern string, parts []string) (map[string]string, bool) {
	want := strings.Split(pattern, "/")
	if len(want) != len(parts) {
		return nil, false
	}
	at := map[string]string{}
	for i, w := range want {
		if name, ok := strings.CutPrefix(w, "{"); ok && parts[i] != "" {
			at[strings.TrimSuffix(name, "}")] = parts[i]
		} else if w != parts[i] {
			return nil, false
		}
	}
	return at, true
}

func noRoute(path string) answer {
	return refusedAs(http.StatusNotFound,
		note{Code: 7003, Message: "Could not route to " + path + ", perhaps your object identifier is invalid?"},
		note{Code: 7000, Message: "No route for that URI"})
}

// serve looks up the account and the zone that the path names. One that is not there is refused as one that is another's.
func (c *call) serve(r route) answer {
	level := "Edit"
	if c.r.Method == http.MethodGet {
		level = "Read"
	}
	if id, ok := c.at["account"]; ok {
		if c.account = c.Cloudflare.account(id); c.account == nil || !c.ownAccount(c.account) {
			return unauthorized(r.permission)
		}
	}
	if id, ok := c.at["zone"]; ok {
		if c.zone = c.Cloudflare.zone(id); c.zone == nil || !c.token.sees(c.zone) || !c.ownAccount(c.zone.owner) {
			return unauthorized(r.permission)
		}
	}
	if p := r.permission; p != "" && !c.token.may(p, level) {
		return unauthorized(p)
	}
	return r.serve(c)
}

// ownAccount: a token that an account owns sees no other.
func (c *call) ownAccount(a *account) bool {
	owner := c.token.AccountOwned
	return owner == "" || owner == a.ID || owner == a.Name
}

// unauthorized is what the API says to who lacks a permission: the older endpoints of zones and accounts by a code of their own, the
// rest by what its gateway says.
func unauthorized(permission string) answer {
	switch permission {
	case "", ZoneZone, ZoneSettings, AccountSettings:
		return refused(http.StatusForbidden, 9109, "Unauthorized to access requested resource")
	}
	return refused(http.StatusForbidden, 10000, "Authentication error")
}
