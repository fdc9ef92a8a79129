package keycloak

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// policyComponent is one of the policies that an anonymous registration is held to. It is the realm's own and bears no tag:
// what it was before stands in the journal.
type policyComponent struct {
	a     *Admin
	realm string
	// provider is what it does, such as trusted-hosts.
	provider string
	// want are keys of its configuration: lists must hold these values, switches are these.
	want map[string][]string
	// allowVulnerable: also where registering is known to be dangerous.
	allowVulnerable bool
}

const (
	registrationPolicy  = "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy"
	anonymous           = "anonymous"
	trustedHosts        = "trusted-hosts"
	senderMatch         = "host-sending-registration-request-must-match"
	urisMatch           = "client-uris-must-match"
	allowedScopes       = "allowed-client-templates"
	allowedClientScopes = "allowed-client-scopes"
)

// newPolicies are how Keycloak configures them in a new realm.
var newPolicies = map[string]map[string][]string{
	trustedHosts:  {senderMatch: {"true"}, urisMatch: {"true"}},
	allowedScopes: {"allow-default-scopes": {"true"}},
}

// componentRep is Keycloak's ComponentRepresentation.
type componentRep struct {
	ID       string              `json:"id"`
	Name     string              `json:"name"`
	Provider string              `json:"providerId"`
	Type     string              `json:"providerType"`
	Parent   string              `json:"parentId"`
	SubType  string              `json:"subType"`
	Config   map[string][]string `json:"config"`
}

func (p *policyComponent) Name() string    { return "keycloak/registration-policy/" + p.provider }
func (p *policyComponent) Proof() []string { return proofs["registration-policy"] }

// components of a type.
func (a *Admin) components(ctx context.Context, realm, kind string) (all []componentRep, err error) {
	to := a.adminURL("realms", realm, "components") + "?" + url.Values{"type": {kind}}.Encode()
	return all, a.rawAt(ctx, "list the components of realm "+realm, http.MethodGet, to, nil, &all)
}

// find returns the policy; what a new realm has where there is none yet.
func (p *policyComponent) find(ctx context.Context) (*componentRep, error) {
	all, err := p.a.components(ctx, p.realm, registrationPolicy)
	if noRealm(err) {
		return &componentRep{Config: newPolicies[p.provider]}, nil
	}
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(c componentRep) bool { return c.Provider == p.provider && c.SubType == anonymous })
	if i < 0 {
		return nil, nil
	}
	return &all[i], nil
}

func (p *policyComponent) Plan(ctx context.Context) (plan.Change, error) {
	have, err := p.find(ctx)
	switch {
	case err != nil:
		return plan.Change{}, err
	case have == nil:
		return plan.Change{Action: plan.Refuse, Stop: "somebody has removed this policy from the realm: registration is held to less than it should be",
			Propose: "put it back: Clients, Client registration, Anonymous access policies"}, nil
	}
	f := p.compare(have)
	if stop, err := p.dangerous(ctx, have); err != nil || stop != "" {
		return plan.Change{Action: plan.Refuse, Fields: f, Stop: stop,
			Propose: fmt.Sprintf("update Keycloak to %s or newer; or registration: %s; or keycloak.allow_vulnerable: true, knowing what it opens",
				strings.Join(advisories.Registration.Fixed, ", "), plan.PreRegistered)}, err
	}
	c, err := f.change(plan.Update, p.before(have))
	switch {
	case c.Empty():
		c.Before = nil
	case p.provider == trustedHosts:
		c.Note = fmt.Sprintf("registration becomes open, as it has to: a client in a vendor's cloud has no name to be known by. Whoever registers may have codes sent to any page of %s; each login asks the user",
			strings.Join(p.want[trustedHosts], ", "))
	}
	return c, err
}

// before is what Undo puts back.
func (p *policyComponent) before(have *componentRep) map[string][]string {
	before := map[string][]string{}
	for key := range p.want {
		before[key] = have.Config[key]
	}
	return before
}

// dangerous says why registration must not be opened here. Where the version is told to nobody, it counts as one that is.
func (p *policyComponent) dangerous(ctx context.Context, have *componentRep) (string, error) {
	if p.provider != trustedHosts || p.allowVulnerable {
		return "", nil
	}
	version, err := p.a.versionIn(ctx, p.realm)
	known := advisories.Registration
	switch {
	case err != nil:
		return "", err
	case version == "":
		return fmt.Sprintf("%s is not told Keycloak's version: before %s %s (%s)", p.a.who(), strings.Join(known.Fixed, ", "), known.Effect,
			strings.Join(known.Advisories, ", ")), nil
	case !fixedIn(version, known.Fixed):
		return fmt.Sprintf("in Keycloak %s %s (%s)", version, known.Effect, strings.Join(known.Advisories, ", ")), nil
	}
	return "", nil
}

// versionIn asks the realm's export, where the account is not told the version otherwise.
func (a *Admin) versionIn(ctx context.Context, realm string) (string, error) {
	if a.can.version != "" {
		return a.can.version, nil
	}
	var export struct {
		Version string `json:"keycloakVersion"`
	}
	err := a.raw(ctx, "ask for Keycloak's version", http.MethodPost, nil, &export, "realms", realm, "partial-export")
	if isStatus(err, http.StatusForbidden) || isStatus(err, http.StatusNotFound) {
		return "", nil
	}
	return export.Version, err
}

func (p *policyComponent) compare(have *componentRep) fields {
	var f fields
	for _, key := range slices.Sorted(maps.Keys(p.want)) {
		if isSwitch(key) {
			f.want("config."+key, have.Config[key], p.want[key])
		} else {
			f.include("config."+key, have.Config[key], p.want[key])
		}
	}
	return f
}

func isSwitch(key string) bool { return key == senderMatch || key == urisMatch }

func (p *policyComponent) Apply(ctx context.Context, _ plan.Change) error {
	have, err := p.find(ctx)
	if err != nil {
		return err
	}
	if have == nil || have.ID == "" {
		return fmt.Errorf("change registration policy %s: %w", p.provider, errGone)
	}
	next := maps.Clone(have.Config)
	if next == nil {
		next = map[string][]string{}
	}
	for key, want := range p.want {
		if !isSwitch(key) {
			want = union(have.Config[key], want...)
		}
		next[key] = want
	}
	return p.put(ctx, "change", *have, next)
}

// put sends the whole configuration. A scope that is gone meanwhile would be refused.
func (p *policyComponent) put(ctx context.Context, verb string, have componentRep, config map[string][]string) error {
	if len(config[allowedClientScopes]) > 0 {
		scopes, _, err := p.a.scopes(ctx, p.realm)
		if err != nil {
			return err
		}
		config[allowedClientScopes] = slices.DeleteFunc(slices.Clone(config[allowedClientScopes]), func(name string) bool {
			return name != "openid" && named(scopes, name) == nil
		})
	}
	have.Config = config
	return p.a.raw(ctx, verb+" registration policy "+p.provider, http.MethodPut, have, nil, "realms", p.realm, "components", have.ID)
}

func (p *policyComponent) Undo(ctx context.Context, c plan.Change) error {
	var before map[string][]string
	if err := json.Unmarshal(c.Before, &before); err != nil {
		return fmt.Errorf("put back registration policy %s: read what was before: %w", p.provider, err)
	}
	have, err := p.find(ctx)
	if err != nil {
		return err
	}
	if have == nil || have.ID == "" {
		return plan.ErrGone
	}
	next := maps.Clone(have.Config)
	for key, was := range before {
		next[key] = append([]string{}, was...) // an empty list takes the key away; left out it would stay
	}
	return p.put(ctx, "put back", *have, next)
}
