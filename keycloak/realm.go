package keycloak

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// realm is the realm of the connection: one of our own, or one that is there and of which nothing is touched.
type realm struct {
	a    *Admin
	name string
	own  bool
	// signIn is how long users stay signed in where the realm is our own.
	signIn plan.SignIn
	// documents: some client of the connection comes with a metadata document.
	documents bool
}

func newRealm(a *Admin, c plan.Connection) *realm {
	takes := slices.ContainsFunc(c.Clients, func(one plan.Client) bool { return one.Registration == plan.MetadataDocument })
	return &realm{a, c.Keycloak.Realm, c.Keycloak.CreateRealm, c.Keycloak.SignIn, takes}
}

func (r *realm) Name() string    { return "keycloak/realm/" + r.name }
func (r *realm) Proof() []string { return proofs["realm"] }

// realmSettings are what a realm of our own gets. Offline sessions have an end, so that refresh_expires_in is a date;
// INTROSPECT_TOKEN_ERROR is the only place that says why introspection is inactive, and on by name only.
var realmSettings = map[string]any{
	"enabled":                          true,
	"sslRequired":                      "external",
	"registrationAllowed":              false,
	"bruteForceProtected":              true,
	"accessTokenLifespan":              900,
	"offlineSessionMaxLifespanEnabled": true,
	"eventsEnabled":                    true,
	"eventsExpiration":                 604800,
}

var realmEvents = []string{
	"LOGIN", "LOGIN_ERROR", "CODE_TO_TOKEN", "CODE_TO_TOKEN_ERROR", "REFRESH_TOKEN", "REFRESH_TOKEN_ERROR",
	"CLIENT_LOGIN", "CLIENT_LOGIN_ERROR", "CLIENT_REGISTER", "CLIENT_REGISTER_ERROR", "INTROSPECT_TOKEN_ERROR",
}

// realmState is a realm as far as this account may see it.
type realmState struct {
	there bool
	// stub: the account may see the name only (200 with three fields).
	stub   bool
	fields map[string]any
}

func (s realmState) owner() owner {
	attributes, _ := s.fields["attributes"].(map[string]any)
	t, _ := attributes[tag].(string)
	return owner(t)
}

func (a *Admin) realm(ctx context.Context, name string) (realmState, error) {
	var got map[string]any
	err := a.raw(ctx, "read realm "+name, http.MethodGet, nil, &got, "realms", name)
	switch {
	case isStatus(err, http.StatusNotFound):
		return realmState{}, nil
	case err != nil:
		return realmState{}, err
	}
	_, full := got["id"]
	return realmState{there: true, stub: !full, fields: got}, nil
}

func (r *realm) Plan(ctx context.Context) (plan.Change, error) {
	have, err := r.a.realm(ctx, r.name)
	switch {
	case err != nil:
		return plan.Change{}, err
	case !r.own:
		return r.planExisting(ctx, have)
	case !have.there:
		c, err := r.compare(realmState{}).change(plan.Create, nil)
		c.Note = sentences(effect(r.signIn), r.uninvited(nil))
		return c, err
	case have.stub:
		return plan.Change{}, fmt.Errorf("read realm %s: %s may see its name only: it lacks the role view-realm", r.name, r.a.who())
	case have.owner() != ours:
		return plan.Change{Action: plan.Refuse,
			Stop:    "a realm of that name is there, and it does not bear mcpwiz's tag: mcpwiz did not make it, or another tool has removed the tag",
			Propose: "create_realm: false uses it without touching its settings; or take another realm name in the issuer"}, nil
	}
	f := r.compare(have)
	c, err := f.change(plan.Update, former(have.fields, f))
	if err != nil || c.Empty() {
		c.Before = nil
	} else if decides(f) {
		c.Note = effect(r.signIn)
	}
	if err == nil {
		c.Note, err = r.note(ctx, have, c.Note)
	}
	return c, err
}

func (r *realm) planExisting(ctx context.Context, have realmState) (plan.Change, error) {
	if !have.there {
		return plan.Change{Action: plan.Refuse, Stop: "there is no such realm, or " + r.a.who() + " may not see it",
			Propose: "create_realm: true makes it; or correct the realm in the issuer"}, nil
	}
	var first string
	if enabled, told := have.fields["enabled"].(bool); told && !enabled && !have.stub {
		first = "the realm is disabled: nobody can sign in"
	} else if on, told := have.fields["eventsEnabled"].(bool); told && !on {
		first = "the realm keeps no events: nobody can tell afterwards why a login failed (Realm settings, Events)"
	}
	note, err := r.note(ctx, have, first)
	return plan.Change{Action: plan.None, Note: note}, err
}

// note adds to what is said of the realm who else signs its users in, and what of its policies keeps clients away.
func (r *realm) note(ctx context.Context, have realmState, first string) (string, error) {
	flow, _ := have.fields["browserFlow"].(string)
	f, err := r.a.federation(ctx, r.name, flow)
	if err != nil {
		return "", err
	}
	entries, err := r.a.policyEntries(ctx, r.name, policies)
	if err := unlessForbidden(err); err != nil {
		return "", err
	}
	return sentences(first, f.String(), r.uninvited(entries)), nil
}

// uninvited says that Keycloak offers to take metadata documents while no policy lets any in: clients that prefer them over
// all else then come to nothing.
func (r *realm) uninvited(have []json.RawMessage) string {
	lets := func(raw json.RawMessage) bool { return strings.Contains(string(raw), `"client-id-uri"`) }
	if r.documents || !r.a.on(featureDocuments) || slices.ContainsFunc(have, lets) {
		return ""
	}
	return "Keycloak offers to take client id metadata documents (its feature cimd is on), and no client policy of the realm lets one in: where no client id is typed into Claude, it ends at the page \"Client not found.\""
}

// compare returns what differs; events that somebody has added stay.
func (r *realm) compare(have realmState) fields {
	var f fields
	settings := merged(realmSettings, signInSettings(r.signIn))
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		f.want(name, have.fields[name], settings[name])
	}
	f.include("enabledEventTypes", texts(have.fields["enabledEventTypes"]), realmEvents)
	return f
}

func texts(v any) []string {
	list, _ := v.([]any)
	var all []string
	for _, item := range list {
		if s, ok := item.(string); ok {
			all = append(all, s)
		}
	}
	return all
}

// former returns what the members that change were.
func former(have map[string]any, f fields) map[string]any {
	before := map[string]any{}
	for _, field := range f {
		before[field.Path] = have[field.Path]
	}
	return before
}

func (r *realm) Apply(ctx context.Context, c plan.Change) error {
	body := map[string]any{}
	for _, f := range c.Fields {
		body[f.Path] = f.After
	}
	if c.Action == plan.Update {
		// No attributes in a PUT: it would replace every custom attribute, other tools' and our own.
		return r.a.raw(ctx, "change realm "+r.name, http.MethodPut, body, nil, "realms", r.name)
	}
	body["realm"] = r.name
	body["attributes"] = map[string]string{tag: tagOurs}
	a := r.a
	err := a.raw(ctx, "create realm "+r.name, http.MethodPost, body, nil, "realms")
	a.signInAnew()
	return err
}

// signInAnew drops a token: before 26.7 a service account's does not know a realm that was made after it.
func (a *Admin) signInAnew() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.o.Token == "" {
		a.session.token = ""
	}
}

func (r *realm) Undo(ctx context.Context, c plan.Change) error {
	have, err := r.a.realm(ctx, r.name)
	switch {
	case err != nil:
		return err
	case !have.there:
		return plan.ErrGone
	case c.Action == plan.Update:
		return r.a.raw(ctx, "put back realm "+r.name, http.MethodPut, c.Before, nil, "realms", r.name)
	case have.owner() != ours:
		return fmt.Errorf("delete realm %s: %w", r.name, plan.ErrNotOurs)
	}
	return r.a.do(ctx, "delete realm "+r.name, func(ctx context.Context, token string) error {
		return r.a.api.DeleteRealm(ctx, token, segment(r.name))
	})
}
