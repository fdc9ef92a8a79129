package keycloaktest

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// admit holds a registration to the realm's anonymous policies: from where it may come, how many there may be, which
// hosts and scopes it may name. A new realm trusts no host, so it refuses everybody.
func (c *call) admit(m clientMetadata, fresh bool) (answer, bool) {
	if a, ok := c.admitOrigin(); !ok {
		return a, false
	}
	for _, check := range []func(clientMetadata, bool) (policy, why string){c.admitHosts, c.admitScopes, c.admitOneMore} {
		if policy, why := check(m, fresh); why != "" {
			return refused(http.StatusForbidden, "insufficient_scope",
				"Policy '"+policy+"' rejected request to client-registration service. Details: "+why), false
		}
	}
	return answer{}, true
}

// admitOrigin: since 26.5 a page may register only from an origin that a policy names.
func (c *call) admitOrigin() (answer, bool) {
	origin := c.r.Header.Get("Origin")
	p := c.realm.policy("registration-web-origins", "anonymous")
	allowed := func(one string) bool { return one == origin || one == "*" }
	if origin == "" || c.old || p != nil && slices.ContainsFunc(p.Config["web-origins"], allowed) {
		return answer{}, true
	}
	return failed(http.StatusForbidden, "Invalid origin"), false
}

func (c *call) admitHosts(m clientMetadata, _ bool) (policy, why string) {
	p := c.realm.policy("trusted-hosts", "anonymous")
	if p == nil {
		return "", ""
	}
	trusted := p.Config["trusted-hosts"]
	if p.on("host-sending-registration-request-must-match") && !senderTrusted(remoteIP(c.r), trusted) {
		return p.Name, "Host not trusted."
	}
	if !p.on("client-uris-must-match") {
		return "", ""
	}
	if m.URI != "" && !hostTrusted(m.URI, trusted) {
		return p.Name, "URL doesn't match any trusted host or trusted domain"
	}
	for _, uri := range m.RedirectURIs {
		if !hostTrusted(uri, trusted) {
			return p.Name, "URI doesn't match any trusted host or trusted domain"
		}
	}
	return "", ""
}

// senderTrusted goes by addresses; of names only localhost is known, nothing is resolved.
func senderTrusted(ip string, trusted []string) bool {
	from, err := netip.ParseAddr(ip)
	return err == nil && slices.ContainsFunc(trusted, func(host string) bool {
		at, err := netip.ParseAddr(host)
		return err == nil && at == from || host == "localhost" && from.IsLoopback()
	})
}

// hostTrusted: *.example.com is example.com too. What has no host is left to what checks URIs later.
func hostTrusted(uri string, trusted []string) bool {
	u, err := url.Parse(uri)
	if err != nil || u.Hostname() == "" {
		return true
	}
	return slices.ContainsFunc(trusted, func(one string) bool {
		domain, wild := strings.CutPrefix(one, "*.")
		return u.Hostname() == domain || wild && strings.HasSuffix(u.Hostname(), "."+domain)
	})
}

func (c *call) admitScopes(m clientMetadata, _ bool) (policy, why string) {
	p := c.realm.policy("allowed-client-templates", "anonymous")
	if p == nil {
		return "", ""
	}
	allowed := slices.Clone(p.Config["allowed-client-scopes"])
	if p.on("allow-default-scopes") {
		allowed = append(append(allowed, scopeNames(c.realm.defaults)...), scopeNames(c.realm.optional)...)
	}
	for _, name := range strings.Fields(m.Scope) {
		if !slices.Contains(allowed, name) {
			return p.Name, "Not permitted to use specified clientScope"
		}
	}
	return "", ""
}

func (c *call) admitOneMore(_ clientMetadata, fresh bool) (policy, why string) {
	p := c.realm.policy("max-clients", "anonymous")
	if p == nil || !fresh || len(p.Config["max-clients"]) == 0 {
		return "", ""
	}
	most, err := strconv.Atoi(p.Config["max-clients"][0])
	if err != nil || len(c.realm.clients) < most {
		return "", ""
	}
	return p.Name, fmt.Sprintf("It's allowed to have max %d clients per realm", most)
}
