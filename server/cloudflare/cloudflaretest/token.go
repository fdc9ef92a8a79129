package cloudflaretest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// DefaultToken is the value of the token that there is when none is named.
const DefaultToken = "small-cloudflare-token-that-may-all-0001"

// The permissions of API tokens, as the dashboard names them, without their level.
const (
	CloudflareTunnel = "Account · Cloudflare Tunnel"
	AccessApps       = "Account · Access: Apps and Policies"
	AccessOrgs       = "Account · Access: Organizations, Identity Providers, and Groups"
	AccountSettings  = "Account · Account Settings"
	AccountAnalytics = "Account · Account Analytics"
	ZoneZone         = "Zone · Zone"
	ZoneDNS          = "Zone · DNS"
	ZoneSettings     = "Zone · Zone Settings"
	ZoneWAF          = "Zone · Zone WAF"
	BotManagement    = "Zone · Bot Management"
	ConfigRules      = "Zone · Config Rules"
	CacheRules       = "Zone · Cache Rules"
	DynamicRedirect  = "Zone · Single Redirect"
	FirewallServices = "Zone · Firewall Services"
	ZoneAnalytics    = "Zone · Analytics"
	ZoneAccessApps   = "Zone · Access: Apps and Policies"
)

// Everything are all permissions at level Edit.
func Everything() []string {
	all := []string{
		CloudflareTunnel, AccessApps, AccessOrgs, AccountSettings, AccountAnalytics, ZoneZone, ZoneDNS, ZoneSettings, ZoneWAF, BotManagement,
		ConfigRules, CacheRules, DynamicRedirect, FirewallServices, ZoneAnalytics, ZoneAccessApps,
	}
	for i, name := range all {
		all[i] = name + " · Edit"
	}
	return all
}

// A Token calls the API.
type Token struct {
	// Value has 40 characters or some more: what is shorter is refused as none.
	Value string
	// Permissions as the dashboard names them: "Account · Cloudflare Tunnel · Edit"; Edit may also read.
	Permissions []string
	// AccountOwned is the id or name of the account that owns it; empty: a user does.
	AccountOwned string
	// Zones are the names of those it is limited to; nil is all.
	Zones []string
	// Status is active when empty, else disabled or expired.
	Status string
	// NotBefore and ExpiresOn bound its life when they are set.
	NotBefore, ExpiresOn time.Time
}

type token struct {
	Token
	id string
}

func (t *token) status(now time.Time) string {
	switch {
	case t.Status != "":
		return t.Status
	case !t.ExpiresOn.IsZero() && !now.Before(t.ExpiresOn):
		return "expired"
	}
	return "active"
}

// may: the token holds the permission at the level.
func (t *token) may(permission, level string) bool {
	return slices.ContainsFunc(t.Permissions, func(p string) bool {
		return p == permission+" · Edit" || p == permission+" · "+level
	})
}

// sees: the zone is among those the token is for.
func (t *token) sees(z *zone) bool { return t.Zones == nil || slices.Contains(t.Zones, z.Name) }

// authenticate finds the token of a call, or how the API refuses it. The operator's own calls have theirs.
func (c *call) authenticate() (refusal *answer) {
	if c.token != nil {
		return nil
	}
	header := c.r.Header.Get("Authorization")
	value, isBearer := strings.CutPrefix(header, "Bearer ")
	switch {
	case header == "":
		return ptr(refused(http.StatusBadRequest, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers"))
	case !isBearer || len(value) < 40 || len(value) > 80 || strings.ContainsAny(value, " \t"):
		return ptr(refusedAs(http.StatusBadRequest, note{
			Code: 6003, Message: "Invalid request headers", Chain: []note{{Code: 6111, Message: "Invalid format for Authorization header"}},
		}))
	}
	for _, t := range c.tokens {
		if t.Value == value {
			c.token = t
		}
	}
	verifies := strings.HasSuffix(c.r.URL.Path, "/tokens/verify")
	switch {
	case c.token == nil && verifies:
		return ptr(refused(http.StatusUnauthorized, 1000, "Invalid API Token"))
	case c.token == nil, c.token.status(c.now) != "active" && !verifies, c.now.Before(c.token.NotBefore) && !verifies:
		return ptr(refused(http.StatusForbidden, 9109, "Invalid access token"))
	}
	return nil
}

func ptr(a answer) *answer { return &a }

// verifyUser answers for tokens that a user owns; of the others it knows nothing.
func verifyUser(c *call) answer {
	if c.token.AccountOwned != "" {
		return refused(http.StatusUnauthorized, 1000, "Invalid API Token")
	}
	return c.verified()
}

func verifyAccount(c *call) answer {
	if owner := c.token.AccountOwned; owner == "" || owner != c.account.ID && owner != c.account.Name {
		return refused(http.StatusUnauthorized, 1000, "Invalid API Token")
	}
	return c.verified()
}

func (c *call) verified() answer {
	status := c.token.status(c.now)
	result := map[string]any{"id": c.token.id, "status": status}
	if t := c.token.ExpiresOn; !t.IsZero() {
		result["expires_on"] = t.UTC().Format(time.RFC3339)
	}
	if t := c.token.NotBefore; !t.IsZero() {
		result["not_before"] = t.UTC().Format(time.RFC3339)
	}
	if status != "active" {
		return found(result)
	}
	return said(result, 10000, "This API Token is valid and active")
}
