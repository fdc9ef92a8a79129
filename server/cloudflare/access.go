package cloudflare

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudflare/cloudflare-go/v7/option"
	"github.com/cloudflare/cloudflare-go/v7/zero_trust"
)

// An application is what we read of one of Access's; whole is all that it is.
type application struct {
	ID           string   `json:"id"`
	Name         string   `json:"name"`
	Type         string   `json:"type"`
	Domain       string   `json:"domain"`
	Domains      []string `json:"self_hosted_domains"`
	Destinations []struct {
		Type string `json:"type"`
		URI  string `json:"uri"`
	} `json:"destinations"`
	OAuth *struct {
		Enabled *bool `json:"enabled"`
	} `json:"oauth_configuration"`
	Redirect401 bool           `json:"service_auth_401_redirect"`
	Policies    []accessPolicy `json:"policies"`

	whole json.RawMessage
}

type accessPolicy struct {
	Name     string                       `json:"name"`
	Decision string                       `json:"decision"`
	Include  []map[string]json.RawMessage `json:"include"`
	Exclude  []map[string]json.RawMessage `json:"exclude"`
	Require  []map[string]json.RawMessage `json:"require"`
}

func (a *application) UnmarshalJSON(data []byte) error {
	type plain application
	if err := json.Unmarshal(data, (*plain)(a)); err != nil {
		return err
	}
	a.whole = append(json.RawMessage(nil), data...)
	return nil
}

// perPage is the most that lists of Access give at once.
const perPage = 1000

// applications are those of an account.
func (a *API) applications(ctx context.Context, account string) ([]application, error) {
	var p zero_trust.AccessApplicationListParams
	p.AccountID.Value = account
	return a.listApplications(ctx, p, permAccess)
}

// zoneApplications are those that hang on a zone, as older ones do.
func (a *API) zoneApplications(ctx context.Context, zone string) ([]application, error) {
	var p zero_trust.AccessApplicationListParams
	p.ZoneID.Value = zone
	return a.listApplications(ctx, p, permZoneAccess)
}

func (a *API) listApplications(ctx context.Context, p zero_trust.AccessApplicationListParams, permission string) ([]application, error) {
	var all []application
	for page := 1; ; page++ {
		var e struct {
			Result []application `json:"result"`
			Info   struct {
				TotalPages int `json:"total_pages"`
			} `json:"result_info"`
		}
		_, err := zero_trust.NewAccessApplicationService(a.options()...).List(ctx, p, option.WithQuery("page", strconv.Itoa(page)),
			option.WithQuery("per_page", strconv.Itoa(perPage)), option.WithResponseBodyInto(&e))
		if err != nil {
			return nil, a.failed("list the Access applications", permission+levelRead, err)
		}
		all = append(all, e.Result...)
		if page >= e.Info.TotalPages || len(e.Result) == 0 {
			return all, nil
		}
	}
}

func (a *API) addApplication(ctx context.Context, account string, fields map[string]any) error {
	p := zero_trust.AccessApplicationNewParams{Body: zero_trust.AccessApplicationNewParamsBodySelfHostedApplication{}}
	p.AccountID.Value = account
	_, err := zero_trust.NewAccessApplicationService(a.options()...).New(ctx, p, sending(fields)...)
	return a.failed("add an Access application", permAccess+levelEdit, err)
}

func (a *API) replaceApplication(ctx context.Context, account, id string, fields any) error {
	p := zero_trust.AccessApplicationUpdateParams{Body: zero_trust.AccessApplicationUpdateParamsBodySelfHostedApplication{}}
	p.AccountID.Value = account
	_, err := zero_trust.NewAccessApplicationService(a.options()...).Update(ctx, id, p, sending(fields)...)
	return a.failed("change an Access application", permAccess+levelEdit, err)
}

// deleteApplication is done where it is gone already.
func (a *API) deleteApplication(ctx context.Context, account, id string) error {
	var p zero_trust.AccessApplicationDeleteParams
	p.AccountID.Value = account
	_, err := zero_trust.NewAccessApplicationService(a.options()...).Delete(ctx, id, p, option.WithResponseBodyInto(new(json.RawMessage)))
	if statusOf(err) == http.StatusNotFound {
		return nil
	}
	return a.failed("delete an Access application", permAccess+levelEdit, err)
}

// domains are the hosts with paths that an application stands before.
func (a application) domains() []string {
	var all []string
	for _, d := range a.Destinations {
		if d.Type == "" || d.Type == "public" {
			all = append(all, d.URI)
		}
	}
	switch {
	case len(all) > 0:
		return all
	case len(a.Domains) > 0:
		return a.Domains
	case a.Domain != "":
		return []string{a.Domain}
	}
	return nil
}

// issues reports whether the application issues tokens itself (Managed OAuth): it does where its configuration does not say no.
func (a application) issues() bool {
	return a.OAuth != nil && (a.OAuth.Enabled == nil || *a.OAuth.Enabled)
}

// closeness is how closely a domain with a path names a place: 0 for not at all. A path covers what lies below it too; a path that
// ends in /* covers only that, and not the path itself. The host counts before the path, and a name before a wildcard:
// https://developers.cloudflare.com/cloudflare-one/access-controls/policies/app-paths/.
func closeness(domain, host, path string) int {
	h, p, _ := strings.Cut(strings.ToLower(domain), "/")
	const exactHost = 1 << 16
	n := 1
	switch {
	case h == host:
		n += exactHost
	case strings.HasPrefix(h, "*.") && strings.HasSuffix(host, h[1:]):
	default:
		return 0
	}
	p, path = strings.TrimSuffix(p, "/"), strings.Trim(strings.ToLower(path), "/")
	stem, below := strings.CutSuffix(p, "*")
	switch {
	case p == "":
		return n
	case strings.Contains(stem, "*"):
		if matches(path, "^"+wild(strings.TrimSuffix(p, "*"))+map[bool]string{true: ".*$", false: "(/.*)?$"}[below]) != true {
			return 0
		}
		return n + 2*strings.Index(stem, "*")
	case below && strings.HasPrefix(path, stem):
		return n + 2*len(stem)
	case !below && (path == p || strings.HasPrefix(path, p+"/")):
		return n + 2*len(p) + 1
	}
	return 0
}

// before returns the application that stands before a place: the one with the domain that names it most closely decides alone.
func before(all []application, host, path string) (application, int) {
	var best application
	most := 0
	for _, a := range all {
		if a.Type != "self_hosted" && a.Type != "" {
			continue
		}
		for _, d := range a.domains() {
			if n := closeness(d, host, path); n > most {
				best, most = a, n
			}
		}
	}
	return best, most
}

// What an application does to a program that comes without a login.
const (
	letsIn      = "bypass"
	asksLogin   = "login"
	refuses     = "deny"
	wantsTokens = "service token"
	managesAuth = "Managed OAuth"
)

// decides tells what the application's policies decide for a program from anywhere, or from hosted Claude's network: the first that
// holds counts, and where none does a login is asked for.
func (a application) decides(hosted bool) string {
	for _, p := range a.Policies {
		switch {
		case p.Decision == "bypass" && (p.everyone() || hosted && p.hosted()):
			return letsIn
		case p.Decision == "deny" && p.everyone():
			return refuses
		}
	}
	machines := func(p accessPolicy) bool { return p.Decision == "non_identity" }
	switch {
	case a.issues():
		return managesAuth
	case len(a.Policies) > 0 && !slices.ContainsFunc(a.Policies, func(p accessPolicy) bool { return !machines(p) }):
		return wantsTokens
	}
	return asksLogin
}

// everyone: the policy includes all, and takes nobody out.
func (p accessPolicy) everyone() bool {
	return len(p.Exclude) == 0 && len(p.Require) == 0 && slices.ContainsFunc(p.Include, func(r map[string]json.RawMessage) bool {
		_, all := r["everyone"]
		return all
	})
}

// hosted: the policy includes all of hosted Claude's network, and takes nobody out.
func (p accessPolicy) hosted() bool {
	return len(p.Exclude) == 0 && len(p.Require) == 0 && slices.ContainsFunc(p.Include, func(r map[string]json.RawMessage) bool {
		var of struct {
			IP string `json:"ip"`
		}
		n, ok := netip.Prefix{}, false
		if json.Unmarshal(r["ip"], &of) == nil {
			n, ok = network(of.IP)
		}
		return ok && equal(hostedAt, n) == true
	})
}

// told is an application in a fact's words: "401 for programs without a service token".
func (a application) told() string {
	switch d := a.decides(false); {
	case d == wantsTokens && a.Redirect401:
		return "answers 401 without a service token (service_auth_401_redirect)"
	case d == wantsTokens:
		return "wants a service token"
	case d == managesAuth:
		return "issues tokens itself (Managed OAuth)"
	case d == refuses:
		return "denies everyone"
	case d == letsIn:
		return "lets everyone past"
	}
	return "asks for a login"
}

// An obstacle is an application that stands before paths that programs need, or before pages alone, which a user's browser passes
// after a login more.
type obstacle struct {
	application
	paths, pages []string
}

// obstacles are the applications that stand before a surface; hosted: all its clients come from hosted Claude's network.
func (s surface) obstacles(all []application, hosted bool) []obstacle {
	var found []obstacle
	for _, one := range s.asks {
		app, n := before(all, s.host, one.path)
		if n == 0 || app.decides(hosted && !one.login) == letsIn {
			continue
		}
		i := slices.IndexFunc(found, func(o obstacle) bool { return o.ID == app.ID })
		if i < 0 {
			i, found = len(found), append(found, obstacle{application: app})
		}
		to := &found[i].paths
		if one.login {
			to = &found[i].pages
		}
		if !slices.Contains(*to, one.path) {
			*to = append(*to, one.path)
		}
	}
	return found
}

// stops: a program meets it.
func (o obstacle) stops() bool { return len(o.paths) > 0 }

// allHosted: every one of them comes from hosted Claude's network.
func allHosted(by []caller) bool {
	return !slices.ContainsFunc(by, func(k caller) bool { return !k.hosted })
}

// name is what an operator knows it by.
func (a application) name() string { return cmp.Or(a.Name, a.ID) }
