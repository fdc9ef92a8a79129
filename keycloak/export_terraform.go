package keycloak

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// terraform writes resources of the provider keycloak/keycloak 5.
type terraform struct {
	c      plan.Connection
	holes  placeholders
	used   map[string]string
	labels map[string]string // of what was written, by Keycloak's name
	out    strings.Builder
}

func newTerraform(c plan.Connection, holes placeholders) *terraform {
	return &terraform{c: c, holes: holes, used: map[string]string{}, labels: map[string]string{}}
}

// An expression is written as it is, where a value is quoted.
type expression string

// An attribute is one line of a block; a nil value leaves it out.
type attribute struct {
	name  string
	value any
}

const terraformHead = `# What mcpwiz asks of Keycloak, for the provider keycloak/keycloak.
terraform {
  required_providers {
    keycloak = {
      source  = "keycloak/keycloak"
      version = "~> 5.0"
    }
  }
}
`

// document writes what it knows, and returns what it does not.
func (t *terraform) document(writes []write) (string, []string) {
	var skipped []string
	if !t.c.Keycloak.CreateRealm {
		t.block("data", "keycloak_realm", "realm", []attribute{{"realm", t.c.Keycloak.Realm}})
	}
	for _, w := range writes {
		body, _ := t.holes.dig(w.body, t.used).(map[string]any)
		switch {
		case w.method == http.MethodPost && len(w.path) == 0:
			t.realm(body)
		case w.method == http.MethodPost && len(w.path) == 2 && w.path[1] == scopesPath:
			t.scope(body)
		case w.method == http.MethodPost && len(w.path) == 2 && w.path[1] == "clients":
			t.client(body)
		case w.method == http.MethodPost && len(w.path) == 2 && w.path[1] == "users":
			t.user(body)
		default:
			skipped = append(skipped, w.of+": it is not written for Terraform")
		}
	}
	var variables strings.Builder
	for _, name := range names(t.used) {
		fmt.Fprintf(&variables, "\nvariable %q {\n  description = %s\n  type        = string\n  sensitive   = true\n}\n", variable(name), quotedHCL(t.used[name]))
	}
	return terraformHead + variables.String() + t.out.String(), slices.Compact(skipped)
}

func variable(name string) string { return strings.ToLower(name) }

func (t *terraform) realmID() expression {
	if t.c.Keycloak.CreateRealm {
		return "keycloak_realm.realm.id"
	}
	return "data.keycloak_realm.realm.id"
}

func (t *terraform) realm(b map[string]any) {
	seconds := func(name string) any {
		if n, ok := b[name].(float64); ok {
			return fmt.Sprintf("%.0fs", n)
		}
		return nil
	}
	t.block("resource", "keycloak_realm", "realm", []attribute{
		{"realm", b["realm"]}, {"enabled", b["enabled"]}, {"ssl_required", b["sslRequired"]}, {"registration_allowed", b["registrationAllowed"]},
		{"revoke_refresh_token", b["revokeRefreshToken"]}, {"access_token_lifespan", seconds("accessTokenLifespan")},
		{"sso_session_idle_timeout", seconds("ssoSessionIdleTimeout")}, {"sso_session_max_lifespan", seconds("ssoSessionMaxLifespan")},
		{"offline_session_idle_timeout", seconds("offlineSessionIdleTimeout")},
		{"offline_session_max_lifespan_enabled", b["offlineSessionMaxLifespanEnabled"]},
		{"offline_session_max_lifespan", seconds("offlineSessionMaxLifespan")},
		{"attributes", b["attributes"]},
		{"security_defenses", nested{{"brute_force_detection", nested{}}}},
	})
	t.block("resource", "keycloak_realm_events", "events", []attribute{
		{"realm_id", t.realmID()}, {"events_enabled", b["eventsEnabled"]}, {"events_expiration", b["eventsExpiration"]},
		{"enabled_event_types", b["enabledEventTypes"]}, {"events_listeners", []any{"jboss-logging"}},
	})
}

func (t *terraform) scope(b map[string]any) {
	name, _ := b["name"].(string)
	label := t.label(name)
	own, rest := pick(b["attributes"], "display.on.consent.screen", "consent.screen.text", "include.in.token.scope", "include.in.openid.provider.metadata")
	t.block("resource", "keycloak_openid_client_scope", label, []attribute{
		{"realm_id", t.realmID()}, {"name", name}, {"description", b["description"]}, {"consent_screen_text", own["consent.screen.text"]},
		{"include_in_token_scope", truth(own["include.in.token.scope"])},
		{"include_in_openid_provider_metadata", truth(own["include.in.openid.provider.metadata"])}, {"extra_config", rest},
	})
	mappers, _ := b["protocolMappers"].([]any)
	for i, m := range mappers {
		mapper, _ := m.(map[string]any)
		config, _ := mapper["config"].(map[string]any)
		mapperLabel := label
		if i > 0 {
			mapperLabel = fmt.Sprintf("%s_%d", label, i+1)
		}
		t.block("resource", "keycloak_openid_audience_protocol_mapper", mapperLabel, []attribute{
			{"realm_id", t.realmID()}, {"client_scope_id", expression("keycloak_openid_client_scope." + label + ".id")}, {"name", mapper["name"]},
			{"included_custom_audience", config[customAudience]}, {"included_client_audience", config[clientAudience]},
			{"add_to_access_token", truth(config["access.token.claim"])}, {"add_to_id_token", truth(config["id.token.claim"])},
			{"add_to_token_introspection", truth(config["introspection.token.claim"])},
		})
	}
}

func (t *terraform) client(b map[string]any) {
	id, _ := b["clientId"].(string)
	label := t.label(id)
	access := "CONFIDENTIAL"
	if b["publicClient"] == true {
		access = "PUBLIC"
	}
	own, rest := pick(b["attributes"], "access.token.lifespan", "pkce.code.challenge.method", "use.refresh.tokens",
		"oauth2.device.authorization.grant.enabled", "post.logout.redirect.uris")
	var afterLogout any
	if uris, ok := own["post.logout.redirect.uris"].(string); ok {
		afterLogout = []any{uris}
	}
	t.block("resource", "keycloak_openid_client", label, []attribute{
		{"realm_id", t.realmID()}, {"client_id", id}, {"name", b["name"]}, {"enabled", b["enabled"]}, {"access_type", access},
		{"client_authenticator_type", b["clientAuthenticatorType"]}, {"client_secret", b["secret"]},
		{"standard_flow_enabled", b["standardFlowEnabled"]}, {"implicit_flow_enabled", b["implicitFlowEnabled"]},
		{"direct_access_grants_enabled", b["directAccessGrantsEnabled"]}, {"service_accounts_enabled", b["serviceAccountsEnabled"]},
		{"consent_required", b["consentRequired"]}, {"full_scope_allowed", b["fullScopeAllowed"]},
		{"frontchannel_logout_enabled", b["frontchannelLogout"]}, {"valid_redirect_uris", b["redirectUris"]}, {"web_origins", b["webOrigins"]},
		{"valid_post_logout_redirect_uris", afterLogout},
		{"access_token_lifespan", own["access.token.lifespan"]}, {"pkce_code_challenge_method", own["pkce.code.challenge.method"]},
		{"use_refresh_tokens", truth(own["use.refresh.tokens"])},
		{"oauth2_device_authorization_grant_enabled", truth(own["oauth2.device.authorization.grant.enabled"])}, {"extra_config", rest},
	})
	for _, list := range []struct{ kind, member, name string }{
		{"keycloak_openid_client_default_scopes", "defaultClientScopes", "default_scopes"},
		{"keycloak_openid_client_optional_scopes", "optionalClientScopes", "optional_scopes"},
	} {
		t.block("resource", list.kind, label, []attribute{{"realm_id", t.realmID()},
			{"client_id", expression("keycloak_openid_client." + label + ".id")}, {list.name, t.scopes(b[list.member])}})
	}
}

// scopes names those that are written here by reference, so that they are made first.
func (t *terraform) scopes(list any) []any {
	named := []any{}
	for _, name := range texts(list) {
		if label, ours := t.labels["scope "+name]; ours {
			named = append(named, expression("keycloak_openid_client_scope."+label+".name"))
		} else {
			named = append(named, name)
		}
	}
	return named
}

func (t *terraform) user(b map[string]any) {
	name, _ := b["username"].(string)
	var password any
	if credentials, _ := b["credentials"].([]any); len(credentials) > 0 {
		first, _ := credentials[0].(map[string]any)
		password = nested{{"value", first["value"]}, {"temporary", first["temporary"]}}
	}
	t.block("resource", "keycloak_user", t.label(name), []attribute{
		{"realm_id", t.realmID()}, {"username", name}, {"enabled", b["enabled"]}, {"email", b["email"]}, {"email_verified", b["emailVerified"]},
		{"first_name", b["firstName"]}, {"last_name", b["lastName"]}, {"initial_password", password},
	})
}

// label is a name that Terraform takes and that nothing else has.
func (t *terraform) label(of string) string {
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '_'
	}, of)
	if plain == "" || plain[0] >= '0' && plain[0] <= '9' || plain[0] == '-' {
		plain = "_" + plain
	}
	label := plain
	for n := 2; slices.Contains(slices.Collect(maps.Values(t.labels)), label); n++ {
		label = fmt.Sprintf("%s_%d", plain, n)
	}
	t.labels["scope "+of] = label
	return label
}

// pick takes attributes out that have a name of their own.
func pick(attributes any, which ...string) (own, rest map[string]any) {
	own, rest = map[string]any{}, map[string]any{}
	all, _ := attributes.(map[string]any)
	for name, v := range all {
		if slices.Contains(which, name) {
			own[name] = v
		} else {
			rest[name] = v
		}
	}
	return own, rest
}

// truth is a boolean of what Keycloak keeps as text.
func truth(v any) any {
	if v == nil {
		return nil
	}
	return v == "true"
}
