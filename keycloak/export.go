package keycloak

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// Exports are what a plan can be written for.
var Exports = []string{"kcadm", "realm", "terraform"}

// An Export is a plan to be written for another tool.
type Export struct {
	Admin      *Admin
	Connection plan.Connection
	// Secrets are those that are kept: of a key that is there the public part is written.
	Secrets  *plan.Secrets
	Profiles Profiles
	Plan     plan.Plan
}

// Write writes what the connection asks for as another tool takes it, with placeholders for secrets: for kcadm what the plan
// would change, for the others all of it, as if there were nothing yet. It returns what cannot be written so, and why.
func (e Export) Write(ctx context.Context, to io.Writer, format string) ([]string, error) {
	e.Connection = withResources(e.Admin, e.Connection.Defaults())
	untrue, holes, err := newPlaceholders(e.Connection, e.Secrets)
	if err != nil {
		return nil, fmt.Errorf("export the plan: %w", err)
	}
	var writes []write
	var skipped []string
	if format == "kcadm" {
		writes, skipped, err = e.rehearse(ctx, untrue)
	} else {
		writes, skipped, err = e.rehearseFromNothing(ctx, untrue)
	}
	text, more := "", []string(nil)
	switch {
	case err != nil:
	case format == "kcadm":
		text = kcadm{e.Connection, e.Admin.o, holes}.script(writes)
	case format == "realm":
		text, more, err = realmExport{e.Connection, holes}.document(writes)
	case format == "terraform":
		text, more = newTerraform(e.Connection, holes).document(writes)
	default:
		err = fmt.Errorf("%q is none of %s", format, strings.Join(Exports, ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("export the plan: %w", err)
	}
	_, err = io.WriteString(to, text)
	return append(skipped, more...), err
}

// rehearse applies the plan to Keycloak as it is. A one-time code is good for one sign-in, so the session is the same.
func (e Export) rehearse(ctx context.Context, untrue *plan.Secrets) ([]write, []string, error) {
	r, o := &rehearsal{next: e.Admin.o.Transport}, e.Admin.o
	o.Transport = r
	actor := newAdmin(o)
	actor.can = e.Admin.can
	e.Admin.mu.Lock()
	actor.session, actor.given = e.Admin.session, e.Admin.given
	e.Admin.mu.Unlock()
	resources, err := Resources(actor, e.Connection, untrue, e.Profiles)
	if err != nil {
		return nil, nil, err
	}
	return r.rehearse(ctx, resources, e.Plan)
}

// rehearseFromNothing applies all of it to a Keycloak in which there is nothing.
func (e Export) rehearseFromNothing(ctx context.Context, untrue *plan.Secrets) ([]write, []string, error) {
	r, o := new(rehearsal), e.Admin.o
	o.Token, o.Transport = "rehearsal", r
	actor := newAdmin(o)
	actor.can = e.Admin.can
	resources, err := Resources(actor, e.Connection, untrue, e.Profiles)
	if err != nil {
		return nil, nil, err
	}
	p, err := fromNothing(ctx, resources, e.Connection)
	if err != nil {
		return nil, nil, err
	}
	return r.rehearse(ctx, resources, p)
}

// fromNothing is the plan where there is nothing. A realm that is not ours stays as it is.
func fromNothing(ctx context.Context, resources []plan.Resource, c plan.Connection) (plan.Plan, error) {
	p, err := plan.Look(ctx, resources)
	for i := range p.Changes {
		if p.Changes[i].Action == plan.Refuse && !c.Keycloak.CreateRealm {
			p.Changes[i] = plan.Change{Resource: p.Changes[i].Resource, Action: plan.None}
		}
	}
	return p, err
}

// realmExport is the realm as JSON.
type realmExport struct {
	c     plan.Connection
	holes placeholders
}

// builtinScopes are those of a new realm: an import that names any scope makes none but those it names.
//
//go:embed keycloaktest/defaults/client-scopes.json
var builtinScopes []byte

// What a new realm gives a new client of its scopes.
var (
	realmDefaults = []string{"role_list", "saml_organization", "profile", "email", "roles", "web-origins", "acr", "basic"}
	realmOptional = []string{"offline_access", "address", "phone", "microprofile-jwt", "organization"}
)

// document is what kc.sh import takes, and, for a realm that is there already, keycloak-config-cli.
func (x realmExport) document(writes []write) (string, []string, error) {
	realm := map[string]any{"realm": x.c.Keycloak.Realm}
	var scopes, clients, users []any
	var skipped []string
	used := map[string]string{}
	for _, w := range writes {
		body := x.holes.dig(w.body, used)
		switch {
		case w.method != http.MethodPost:
			skipped = append(skipped, w.of+": it is more than a realm file says")
		case len(w.path) == 0:
			for k, v := range body.(map[string]any) {
				realm[k] = v
			}
		case w.path[1] == scopesPath:
			scopes = append(scopes, body)
		case w.path[1] == "clients":
			clients = append(clients, body)
		case w.path[1] == "users":
			users = append(users, body)
		default:
			skipped = append(skipped, w.of+": it is more than a realm file says")
		}
	}
	if x.c.Keycloak.CreateRealm {
		own, err := newRealmScopes()
		if err != nil {
			return "", nil, err
		}
		scopes = append(own, scopes...)
		realm["defaultDefaultClientScopes"], realm["defaultOptionalClientScopes"] = realmDefaults, realmOptional
	}
	realm["clientScopes"], realm["clients"] = scopes, clients
	if len(users) > 0 {
		realm["users"] = users
	}
	text, err := json.MarshalIndent(filled(realm, func(h hole) any { return "${" + string(h) + "}" }), "", "  ")
	return string(text) + "\n", slices.Compact(skipped), err
}

func newRealmScopes() ([]any, error) {
	var all []map[string]any
	if err := json.Unmarshal(builtinScopes, &all); err != nil {
		return nil, err
	}
	var own []any
	for _, s := range all {
		name, _ := s["name"].(string)
		if slices.Contains(realmDefaults, name) || slices.Contains(realmOptional, name) {
			own = append(own, s)
		}
	}
	return own, nil
}

// filled puts something into each hole.
func filled(v any, with func(hole) any) any {
	switch x := v.(type) {
	case hole:
		return with(x)
	case map[string]any:
		full := map[string]any{}
		for k, v := range x {
			full[k] = filled(v, with)
		}
		return full
	case []any:
		full := make([]any, len(x))
		for i, v := range x {
			full[i] = filled(v, with)
		}
		return full
	}
	return v
}
