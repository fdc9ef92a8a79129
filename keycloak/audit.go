package keycloak

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// An Audit tells as facts what an administrator sees of the realm of a connection: how it is, what differs from what the
// connection asks for, and what Keycloak has logged. It judges nothing, changes nothing, and tells no secret.
type Audit struct {
	a         *Admin
	c         plan.Connection
	resources []plan.Resource
}

// NewAudit looks with an administrator's eyes, who has learnt what this Keycloak can do, at the resources of a connection.
func NewAudit(a *Admin, c plan.Connection, resources []plan.Resource) *Audit {
	return &Audit{a, c.Defaults(), resources}
}

// ExpectEvents is the evidence that Events brings.
func (u *Audit) ExpectEvents() []probe.Evidence {
	return []probe.Evidence{probe.OfFact("keycloak-events")}
}

// Expect is the evidence that Facts brings.
func (u *Audit) Expect() []probe.Evidence {
	var all []probe.Evidence
	for _, kind := range []string{"keycloak-server", "keycloak-realm", "keycloak-client", "keycloak-scope", "keycloak-registration", "keycloak-resource"} {
		all = append(all, probe.OfFact(kind))
	}
	return all
}

// Facts tells how the realm is. What this account may not see is told in the error, and not in facts.
func (u *Audit) Facts(ctx context.Context, _, _ time.Time, note func(probe.Fact)) error {
	version, err := u.a.versionIn(ctx, u.realm())
	if err == nil {
		u.note(note, "keycloak-server", map[string]any{"version": version, "released": released(version), "newest": releases.Newest,
			"known": releases.Known, "holes": u.holes(version)})
	}
	return errors.Join(err, u.tellRealm(ctx, note), u.tellClients(ctx, note), u.tellScopes(ctx, note), u.tellRegistration(ctx, version, note),
		u.tellDrift(ctx, note))
}

func (u *Audit) holes(version string) []any {
	if version == "" {
		return []any{}
	}
	return holesIn(version)
}

func (u *Audit) realm() string { return u.c.Keycloak.Realm }

func (u *Audit) note(note func(probe.Fact), kind string, data map[string]any) {
	note(probe.Fact{Kind: kind, Source: "keycloak", At: u.a.o.Now(), Data: data})
}

// auditedSettings of a realm are those that checks judge.
var auditedSettings = []string{"enabled", "sslRequired", "registrationAllowed", "bruteForceProtected", "eventsEnabled", "accessTokenLifespan",
	"ssoSessionIdleTimeout", "ssoSessionMaxLifespan", "offlineSessionIdleTimeout", "revokeRefreshToken", "refreshTokenMaxReuse"}

func (u *Audit) tellRealm(ctx context.Context, note func(probe.Fact)) error {
	have, err := u.a.realm(ctx, u.realm())
	if err != nil {
		return err
	}
	data := map[string]any{"realm": u.realm(), "issuer": u.c.Keycloak.Issuer}
	if u.c.Keycloak.CreateRealm {
		data["resource"] = "keycloak/realm/" + u.realm()
	}
	if !have.there {
		data["missing"] = true
	}
	set := map[string]any{}
	for _, name := range auditedSettings {
		if v, ok := have.fields[name]; ok {
			set[name] = v
		}
	}
	data["settings"] = set
	attributes, _ := have.fields["attributes"].(map[string]any)
	if front, _ := attributes["frontendUrl"].(string); front != "" {
		data["frontend_url"] = front
	}
	u.note(note, "keycloak-realm", data)
	return nil
}

// tellDrift tells of each resource what would change; values stay in the plan.
func (u *Audit) tellDrift(ctx context.Context, note func(probe.Fact)) error {
	var failures error
	for _, r := range u.resources {
		c, err := r.Plan(ctx)
		if err != nil {
			failures = errors.Join(failures, fmt.Errorf("look at %s: %w", r.Name(), err))
			continue
		}
		data := map[string]any{"name": r.Name(), "action": string(c.Action)}
		if c.Empty() {
			data["action"] = string(plan.None)
		}
		if c.Stop != "" {
			data["stop"], data["propose"] = c.Stop, c.Propose
		}
		if fields := fieldPaths(c.Fields); len(fields) > 0 && c.Action == plan.Update {
			data["fields"] = fields
		}
		u.note(note, "keycloak-resource", data)
	}
	return failures
}

func fieldPaths(all []plan.Field) []string {
	var names []string
	for _, f := range all {
		names = append(names, f.Path)
	}
	return names
}

// tellRegistration tells what anonymous registration is held to.
func (u *Audit) tellRegistration(ctx context.Context, version string, note func(probe.Fact)) error {
	all, err := u.a.components(ctx, u.realm(), registrationPolicy)
	if noRealm(err) {
		return nil
	}
	if err != nil {
		return err
	}
	data := map[string]any{"version": version, "policy": false}
	for _, c := range all {
		if c.Provider == trustedHosts && c.SubType == anonymous {
			data["policy"], data["hosts"] = true, append([]string{}, c.Config[trustedHosts]...)
			data["sender_match"], data["uris_match"] = isOn(c.Config[senderMatch]), isOn(c.Config[urisMatch])
		}
	}
	if known := advisories.Registration; version != "" && !fixedIn(version, known.Fixed) {
		data["holes"], data["effect"] = known.Advisories, known.Effect
	}
	if u.a.can.features != nil {
		if data["documents"] = u.a.on(featureDocuments); u.a.on(featureDocuments) {
			if data["document_policy"], err = u.a.letsDocumentsIn(ctx, u.realm()); err != nil {
				return err
			}
		}
	}
	u.note(note, "keycloak-registration", data)
	return nil
}

func isOn(v []string) bool { return len(v) > 0 && v[0] == "true" }

// letsDocumentsIn reports whether an enabled policy leads URLs to the executor of metadata documents.
func (a *Admin) letsDocumentsIn(ctx context.Context, realm string) (bool, error) {
	enforced, err := readEntries(a.policyEntries(ctx, realm, enforcements))
	if err != nil {
		return false, err
	}
	var takes []string // profiles that look at documents
	for _, p := range enforced {
		if slices.ContainsFunc(p.Executors, func(e executorRep) bool { return e.Executor == documentExecutor }) {
			takes = append(takes, p.Name)
		}
	}
	all, err := readEntries(a.policyEntries(ctx, realm, policies))
	return slices.ContainsFunc(all, func(p policyRep) bool {
		return p.Enabled && slices.ContainsFunc(p.Profiles, func(name string) bool { return slices.Contains(takes, name) })
	}), err
}

// auditedClients of others are told at most.
const auditedClients = 100

func (u *Audit) tellClients(ctx context.Context, note func(probe.Fact)) error {
	var all []auditedClient
	err := u.a.raw(ctx, "list the clients of realm "+u.realm(), http.MethodGet, nil, &all, "realms", u.realm(), "clients")
	if err != nil && !noRealm(err) {
		return err
	}
	for _, r := range u.resources {
		c, ok := r.(*client)
		if !ok {
			continue
		}
		data := map[string]any{"client_id": c.want.ID, "missing": true}
		if i := slices.IndexFunc(all, func(x auditedClient) bool { return x.ID == c.want.ID }); i >= 0 {
			data = all[i].data()
		}
		data["resource"], data["use"], data["server"] = c.Name(), string(c.kind), c.want.Server
		u.note(note, "keycloak-client", data)
	}
	told := 0
	for _, c := range all {
		if c.BearerOnly || c.Protocol != openIDConnect || slices.Contains(builtinClients, c.ID) || u.plans("keycloak/client/"+c.ID) {
			continue
		}
		if told++; told > auditedClients {
			break
		}
		u.note(note, "keycloak-client", c.data())
	}
	return nil
}

func (u *Audit) plans(name string) bool {
	return slices.ContainsFunc(u.resources, func(r plan.Resource) bool { return r.Name() == name })
}

// auditedClient is a client as far as checks judge it: no secret is read.
type auditedClient struct {
	ID              string            `json:"clientId"`
	Protocol        string            `json:"protocol"`
	Enabled         bool              `json:"enabled"`
	BearerOnly      bool              `json:"bearerOnly"`
	Public          bool              `json:"publicClient"`
	StandardFlow    bool              `json:"standardFlowEnabled"`
	ImplicitFlow    bool              `json:"implicitFlowEnabled"`
	DirectAccess    bool              `json:"directAccessGrantsEnabled"`
	ServiceAccounts bool              `json:"serviceAccountsEnabled"`
	FullScope       bool              `json:"fullScopeAllowed"`
	RedirectURIs    []string          `json:"redirectUris"`
	Attributes      map[string]string `json:"attributes"`
	Defaults        []string          `json:"defaultClientScopes"`
	Optional        []string          `json:"optionalClientScopes"`
	Mappers         []mapperRep       `json:"protocolMappers"`
}

func (c auditedClient) data() map[string]any {
	data := map[string]any{
		"client_id": c.ID, "enabled": c.Enabled, "public": c.Public, "full_scope": c.FullScope, "redirect_uris": sorted(c.RedirectURIs),
		"pkce": c.Attributes["pkce.code.challenge.method"], "lightweight": c.Attributes["client.use.lightweight.access.token.enabled"] == "true",
		"default_scopes": sorted(c.Defaults), "optional_scopes": sorted(c.Optional), "audiences": audiencesOf(c.Mappers),
	}
	flows := []string{}
	for _, flow := range []struct {
		name string
		on   bool
	}{{"standard", c.StandardFlow}, {"implicit", c.ImplicitFlow}, {"password", c.DirectAccess}, {"service", c.ServiceAccounts}} {
		if flow.on {
			flows = append(flows, flow.name)
		}
	}
	data["flows"] = flows
	if n, err := strconv.Atoi(c.Attributes["access.token.lifespan"]); err == nil {
		data["lifespan"] = n
	}
	return data
}

func sorted(all []string) []string {
	all = append([]string{}, all...)
	slices.Sort(all)
	return all
}

// audiencesOf are what mappers put into the audience.
func audiencesOf(mappers []mapperRep) []any {
	all := []any{}
	for _, m := range mappers {
		for _, key := range []string{customAudience, clientAudience} {
			if aud := m.Config[key]; m.Type == audienceMapper && aud != "" {
				all = append(all, map[string]any{"mapper": m.Name, "value": aud, "in_access_token": m.Config["access.token.claim"] == "true"})
			}
		}
	}
	return all
}

func (u *Audit) tellScopes(ctx context.Context, note func(probe.Fact)) error {
	all, _, err := u.a.scopes(ctx, u.realm())
	if err != nil {
		return err
	}
	for _, r := range u.resources {
		s, ok := r.(*scope)
		if !ok {
			continue
		}
		data := map[string]any{"scope": s.want.Name, "resource": s.Name(), "server": s.want.Server}
		if have := named(all, s.want.Name); have == nil {
			data["missing"] = true
		} else {
			data["audiences"] = audiencesOf(have.Mappers)
		}
		u.note(note, "keycloak-scope", data)
	}
	return nil
}
