package cloudflaretest

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
)

// An accessScope is where Access applications hang: an account or, older, a zone.
type accessScope struct{ apps *[]*document }

func (c *call) accessScope() accessScope {
	if c.zone != nil {
		return accessScope{&c.zone.apps}
	}
	return accessScope{&c.account.apps}
}

func invalidAccess(why string) answer {
	return refused(http.StatusBadRequest, 12130, "access.api.error.invalid_request: %s", why)
}

func noApp() answer {
	return refused(http.StatusNotFound, 11021, "access.api.error.unknown_application")
}

func noPolicy() answer { return refused(http.StatusNotFound, 12130, "access.api.error.unknown_policy") }

func listApps(c *call) answer {
	q := c.r.URL.Query()
	l := []map[string]any{}
	for _, d := range *c.accessScope().apps {
		if (q.Get("domain") == "" || q.Get("domain") == d.text("domain")) && (q.Get("name") == "" || strings.Contains(d.text("name"), q.Get("name"))) {
			l = append(l, c.shownApp(d))
		}
	}
	return paged(c, l, 25, 1000)
}

// shownApp writes out the policies that an application refers to by their id.
func (c *call) shownApp(d *document) map[string]any {
	m := copied(d.fields)
	all := []any{}
	for i, p := range c.policiesOf(d) {
		p = copied(p)
		p["precedence"] = i + 1
		all = append(all, p)
	}
	m["policies"] = all
	return m
}

// policiesOf an application in their order: its own, and reusable ones of the account by id.
func (c *Cloudflare) policiesOf(d *document) (l []map[string]any) {
	for _, p := range asList(d.fields["policies"]) {
		switch p := p.(type) {
		case string:
			l = append(l, c.reusable(p)...)
		case map[string]any:
			if text(p, "decision") == "" {
				l = append(l, c.reusable(text(p, "id"))...)
			} else {
				l = append(l, p)
			}
		}
	}
	return l
}

func (c *Cloudflare) reusable(id string) []map[string]any {
	for _, a := range c.accounts {
		if d := find(a.policies, id); d != nil {
			return []map[string]any{d.fields}
		}
	}
	return nil
}

func getApp(c *call) answer {
	if d := find(*c.accessScope().apps, c.at["app"]); d != nil {
		return found(c.shownApp(d))
	}
	return noApp()
}

func createApp(c *call) answer {
	d := &document{id: c.uuid(), fields: map[string]any{"created_at": at6(c.now)}}
	sum := sha256.Sum256([]byte(d.id))
	d.fields["aud"] = hex.EncodeToString(sum[:])
	if refusal := c.fillApp(d, c.object()); refusal != nil {
		return *refusal
	}
	apps := c.accessScope().apps
	*apps = append(*apps, d)
	return answer{status: http.StatusCreated, body: found(c.shownApp(d)).body}
}

// putApp replaces an application whole: what is not sent falls back to its default, as the real one has it.
func putApp(c *call) answer {
	apps := c.accessScope().apps
	old := find(*apps, c.at["app"])
	if old == nil {
		return noApp()
	}
	d := &document{id: old.id, fields: map[string]any{"created_at": old.fields["created_at"], "aud": old.fields["aud"]}}
	b := c.object()
	if _, given := b["policies"]; !given {
		b["policies"] = old.fields["policies"]
	}
	if refusal := c.fillApp(d, b); refusal != nil {
		return *refusal
	}
	(*apps)[slices.Index(*apps, old)] = d
	return found(c.shownApp(d))
}

// fillApp checks a definition and completes it.
func (c *call) fillApp(d *document, b map[string]any) *answer {
	f := changed(b, map[string]any{"id": d.id, "uid": d.id, "aud": d.fields["aud"], "created_at": d.fields["created_at"], "updated_at": at6(c.now)})
	for name, v := range map[string]any{
		"session_duration": "24h", "app_launcher_visible": true, "auto_redirect_to_identity": false, "enable_binding_cookie": false,
		"http_only_cookie_attribute": true, "allowed_idps": []any{}, "service_auth_401_redirect": false, "skip_interstitial": false, "policies": []any{},
	} {
		if _, ok := f[name]; !ok {
			f[name] = v
		}
	}
	oauth := inner(f, "oauth_configuration")
	if _, given := oauth["enabled"]; oauth != nil && !given {
		oauth["enabled"] = true
	}
	hosts := appDomains(f)
	if _, ok := f["domain"]; !ok && len(hosts) > 0 {
		f["domain"] = hosts[0]
	}
	switch {
	case text(f, "type") == "":
		return ptr(invalidAccess("app type is missing or invalid"))
	case text(f, "type") == "self_hosted" && len(hosts) == 0:
		return ptr(invalidAccess("domain is missing or invalid"))
	}
	for _, h := range hosts {
		host, path, _ := strings.Cut(h, "/")
		switch {
		case strings.ContainsAny(h, "?#:"):
			return ptr(invalidAccess("domain is missing or invalid"))
		case !c.ownsHost(host):
			return ptr(invalidAccess("domain does not belong to zone"))
		case path != "" && truth(oauth, "enabled"):
			return ptr(invalidAccess("domain can not have a path if oauth is configured"))
		case c.appOn(h, d.id):
			return ptr(refused(http.StatusConflict, 11010, "access.api.error.application_already_exists"))
		}
	}
	policies, refusal := c.fillPolicies(f["policies"])
	f["policies"], d.fields = policies, f
	return refusal
}

// appDomains are hosts with paths that an application stands before.
func appDomains(f map[string]any) (l []string) {
	for _, d := range list(f, "destinations") {
		if kind := text(d, "type"); kind == "" || kind == "public" {
			l = append(l, text(d, "uri"))
		}
	}
	if len(l) == 0 {
		l = texts(f["self_hosted_domains"])
	}
	if len(l) == 0 && text(f, "domain") != "" {
		l = []string{text(f, "domain")}
	}
	return l
}

func (c *call) ownsHost(host string) bool {
	host = strings.TrimPrefix(host, "*.")
	return slices.ContainsFunc(c.zones, func(z *zone) bool {
		return (c.zone == z || c.account == z.owner) && z.Status == "active" && (host == z.Name || strings.HasSuffix(host, "."+z.Name))
	})
}

func (c *call) appOn(domain, but string) bool {
	return slices.ContainsFunc(*c.accessScope().apps, func(o *document) bool { return o.id != but && slices.Contains(appDomains(o.fields), domain) })
}

func deleteApp(c *call) answer {
	apps := c.accessScope().apps
	if find(*apps, c.at["app"]) == nil {
		return noApp()
	}
	*apps = without(*apps, c.at["app"])
	return answer{status: http.StatusAccepted, body: found(map[string]any{"id": c.at["app"]}).body}
}

func getOrganization(c *call) answer {
	return found(map[string]any{
		"auth_domain": c.account.Team + ".cloudflareaccess.com", "name": c.account.Name, "is_ui_read_only": false, "session_duration": "24h",
		"created_at": at6(accountsAndZonesSince), "updated_at": at6(accountsAndZonesSince), "login_design": map[string]any{},
	})
}
