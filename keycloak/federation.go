package keycloak

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// federation is who knows the realm's users besides the realm, as far as this account may see it.
type federation struct {
	// providers sign users in; standard is the one to which everybody is sent at once, "" for none.
	providers []string
	standard  string
	// stores hold users.
	stores []string
}

const (
	userStore  = "org.keycloak.storage.UserStorageProvider"
	redirector = "identity-provider-redirector"
)

// unlessForbidden: what this account may not see is not told.
func unlessForbidden(err error) error {
	if isStatus(err, http.StatusForbidden) || noRealm(err) {
		return nil
	}
	return err
}

func (a *Admin) federation(ctx context.Context, realm, flow string) (federation, error) {
	var f federation
	stores, err := a.components(ctx, realm, userStore)
	if err = unlessForbidden(err); err != nil {
		return f, err
	}
	for _, s := range stores {
		f.stores = append(f.stores, fmt.Sprintf("%.60s (%.20s)", s.Name, s.Provider))
	}
	var providers []struct {
		Alias   string `json:"alias"`
		Enabled bool   `json:"enabled"`
	}
	err = a.raw(ctx, "list the identity providers of realm "+realm, http.MethodGet, nil, &providers, "realms", realm, "identity-provider", "instances")
	if err = unlessForbidden(err); err != nil {
		return f, err
	}
	for _, p := range providers {
		if p.Enabled {
			f.providers = append(f.providers, fmt.Sprintf("%.60s", p.Alias))
		}
	}
	slices.Sort(f.providers)
	slices.Sort(f.stores)
	if len(f.providers) > 0 && flow != "" {
		f.standard, err = a.standardProvider(ctx, realm, flow)
	}
	return f, err
}

// standardProvider is the one that the browser flow sends everybody to.
func (a *Admin) standardProvider(ctx context.Context, realm, flow string) (string, error) {
	var steps []struct {
		Provider    string `json:"providerId"`
		Requirement string `json:"requirement"`
		Config      string `json:"authenticationConfig"`
	}
	call := "read the login flow of realm " + realm
	err := a.raw(ctx, call, http.MethodGet, nil, &steps, "realms", realm, "authentication", "flows", flow, "executions")
	if err != nil {
		return "", unlessForbidden(err)
	}
	for _, s := range steps {
		if s.Provider != redirector || s.Config == "" || s.Requirement == "DISABLED" {
			continue
		}
		var config struct {
			Config map[string]string `json:"config"`
		}
		err := a.raw(ctx, call, http.MethodGet, nil, &config, "realms", realm, "authentication", "config", s.Config)
		return config.Config["defaultProvider"], unlessForbidden(err)
	}
	return "", nil
}

// String says what it means for who signs in.
func (f federation) String() string {
	var all []string
	if len(f.providers) > 0 {
		text := "users may sign in at other identity providers: " + strings.Join(f.providers, ", ")
		if f.standard != "" {
			text += fmt.Sprintf("; everybody is sent to %.60s at once, so Claude's browser step opens its page, and a login without a browser cannot go on there: use --browser", f.standard)
		}
		all = append(all, text)
	}
	if len(f.stores) > 0 {
		all = append(all, "users come from "+strings.Join(f.stores, ", ")+": mcpwiz makes none")
	}
	return strings.Join(all, "; ")
}
