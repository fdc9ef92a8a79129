package cloudflare

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// A need is a path that clients ask for, and the service that has to answer it.
type need struct{ host, path, service string }

// A carried is what the tunnel has to carry for a connection: hosts in their order, what is needed, and the rules that bring it.
// Whole rules are for a host that is ours alone; narrow ones stand before others' rules for the same host.
type carried struct {
	hosts         []string
	needs         []need
	whole, narrow map[string][]Rule
}

// carry works out what a connection needs: the MCP servers with their metadata, and Keycloak where it is carried too.
func carry(c plan.Connection) (carried, error) {
	k := carried{whole: map[string][]Rule{}, narrow: map[string][]Rule{}}
	if c.Expose.Keycloak != "" {
		if err := k.keycloak(c); err != nil {
			return k, err
		}
	}
	for _, s := range c.Servers {
		if err := k.server(s); err != nil {
			return k, err
		}
	}
	return k, nil
}

func (k *carried) host(name string) {
	if !slices.Contains(k.hosts, name) {
		k.hosts = append(k.hosts, name)
	}
}

// keycloak is carried by what clients and browsers ask for; nothing leads to /admin.
func (k *carried) keycloak(c plan.Connection) error {
	u, err := url.Parse(c.Keycloak.Issuer)
	if err != nil {
		return err
	}
	base, realm, ok := strings.Cut(u.Path, "/realms/") // rules match what is decoded
	if !ok {
		return fmt.Errorf("expose.keycloak: the issuer %s has no /realms/ in it: is it a Keycloak?", c.Keycloak.Issuer)
	}
	host, service := u.Hostname(), strings.TrimSuffix(c.Expose.Keycloak, "/")
	k.host(host)
	at := regexp.QuoteMeta(base)
	rules := []Rule{
		{host, "^" + at + "/(realms|resources)/", service},
		{host, `^/\.well-known/(oauth-authorization-server|openid-configuration)` + at + "/realms/", service},
	}
	k.whole[host] = append(k.whole[host], rules...)
	k.narrow[host] = append(k.narrow[host], rules...)
	for _, path := range []string{
		base + "/realms/" + realm + "/protocol/openid-connect/auth", base + "/realms/" + realm + "/protocol/openid-connect/token",
		base + "/realms/" + realm + "/protocol/openid-connect/certs", base + "/realms/" + realm + "/.well-known/openid-configuration",
		base + "/realms/" + realm + "/login-actions/authenticate", base + "/resources/x/login/keycloak/css/styles.css",
		"/.well-known/oauth-authorization-server" + base + "/realms/" + realm,
	} {
		k.needs = append(k.needs, need{host, path, service})
	}
	return nil
}

// server is carried whole where its host is its own: it answers for every path that clients try.
func (k *carried) server(s plan.Server) error {
	u, err := url.Parse(s.URL)
	if err != nil {
		return err
	}
	host, path, service := u.Hostname(), strings.TrimSuffix(u.Path, "/"), "http://"+listenOf(s)
	k.host(host)
	k.whole[host] = append(k.whole[host], Rule{host, pathOf(path), service})
	k.narrow[host] = append(k.narrow[host], Rule{host, pathOf(path), service},
		Rule{host, `^/(register|tools/list|\.well-known/(oauth-protected-resource|oauth-authorization-server|openid-configuration))(/|$)`, service})
	for _, one := range []string{path, "/.well-known/oauth-protected-resource" + path} {
		k.needs = append(k.needs, need{host, one, service})
	}
	return nil
}

// pathOf matches the endpoint, what is below it, and its metadata.
func pathOf(path string) string {
	if path == "" {
		return ""
	}
	at := regexp.QuoteMeta(path)
	return `^(` + at + `|` + anyMetadata + at + `)(/|$)`
}

// anyMetadata is in the rules for MCP servers.
const anyMetadata = `/\.well-known/[a-z-]+`

// listenOf is where the server listens, as the tunnel reaches it.
func listenOf(s plan.Server) string {
	listen := s.Listen
	if listen == "" {
		return "127.0.0.1:8080"
	}
	if host, port, ok := strings.Cut(listen, ":"); ok && (host == "" || host == "0.0.0.0") {
		return "127.0.0.1:" + port
	}
	return listen
}

// into returns rules that carry everything: those that are there, in their order, with ours in the right places. added are ours.
// A rule of another's that was written for one of our paths in particular is refused unless adopt says otherwise.
func (k carried) into(have Ingress, adopt bool) (rules Ingress, added []Rule, refused string) {
	rules = slices.Clone(have)
	if len(rules) == 0 || !rules[len(rules)-1].all() {
		rules = append(rules, Rule{Service: "http_status:404"})
		added = append(added, rules[len(rules)-1])
	}
	for _, host := range k.hosts {
		if rules.carries(k, host) {
			continue
		}
		for _, n := range k.needs {
			if _, r, _ := rules.Match(n.host, n.path); n.host == host && r.Path != "" && !sameService(r.Service, n.service) && !slices.Contains(added, r) && !adopt {
				return rules, nil, fmt.Sprintf("the rule for %s%s leads %s to %s, and %s is needed there", r.Hostname, r.Path, n.path, r.Service, n.service)
			}
		}
		ours := k.whole[host]
		at := slices.IndexFunc(rules, func(r Rule) bool { return r.matches(host, "") || r.Hostname == host })
		if rules[at].Hostname != "" && rules[at].Hostname != "*" {
			ours = k.narrow[host]
		} else {
			ours = whole(ours)
		}
		var put []Rule
		for _, r := range ours {
			if !slices.Contains(rules, r) && !slices.Contains(put, r) {
				put = append(put, r)
			}
		}
		rules = slices.Insert(rules, at, put...)
		added = append(added, put...)
	}
	return rules, added, ""
}

// whole has the last server of a host answer for every path of it that no other rule takes.
func whole(rules []Rule) []Rule {
	rules = slices.Clone(rules)
	if last := &rules[len(rules)-1]; strings.Contains(last.Path, anyMetadata) {
		last.Path = ""
	}
	return rules
}

// carries reports whether everything that is needed at a host is answered by what has to.
func (in Ingress) carries(k carried, host string) bool {
	return len(k.missing(in, host)) == 0
}

// all reports whether everything is carried.
func (k carried) all(in Ingress) bool {
	return !slices.ContainsFunc(k.hosts, func(host string) bool { return !in.carries(k, host) })
}

// missing are the needs of a host that other services would answer.
func (k carried) missing(in Ingress, host string) []need {
	var all []need
	for _, n := range k.needs {
		if n.host != host {
			continue
		}
		if _, r, ok := in.Match(n.host, n.path); !ok || !sameService(r.Service, n.service) {
			all = append(all, n)
		}
	}
	return all
}

// RulesFor are the rules that carry a connection alone, and the URLs that clients ask for by them.
func RulesFor(c plan.Connection) (Ingress, []string, error) {
	k, err := carry(c.Defaults())
	if err != nil {
		return nil, nil, err
	}
	rules, _, _ := k.into(nil, true)
	var urls []string
	for _, n := range k.needs {
		urls = append(urls, (&url.URL{Scheme: "https", Host: n.host, Path: n.path}).String())
	}
	return rules, urls, nil
}
