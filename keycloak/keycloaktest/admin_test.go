package keycloaktest_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAdminRefusals(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		r, claude, scope := b.realm, b.uuid("claude"), b.scopeID("mcp:tools")
		fragment := `{"error":"invalid_input","error_description":"A redirect URI must not contain an URL fragment"}`
		if kc.old {
			fragment = `{"error":"invalid_input","error_description":"Redirect URIs must not contain an URI fragment"}`
		}
		const unreadable, unknown = `{"error":"unknown_error","error_description":"Cannot parse the JSON"}`,
			`{"error":"unknown_error","error_description":"For more on this error consult the server log."}`
		for name, c := range map[string]struct {
			method, path string
			body         any
			status       int
			text         string
		}{
			"realm without name":     {"POST", "", map[string]any{}, 400, `{"errorMessage":"Realm name cannot be empty"}`},
			"realm with slash":       {"POST", "", map[string]any{"realm": "a/b"}, 400, `{"error":"Character '/' not allowed."}`},
			"realm again":            {"POST", "", map[string]any{"realm": r}, 409, `{"errorMessage":"Realm ` + r + ` already exists"}`},
			"realm, unknown member":  {"POST", "", map[string]any{"realm": "x", "nope": 1}, 400, `{"errorMessage":"unable to read contents from stream"}`},
			"realm not there":        {"GET", r + "-nope", nil, 404, `{"error":"Realm not found."}`},
			"wrong sslRequired":      {"PUT", r, map[string]any{"sslRequired": "nope"}, 500, `{"errorMessage":"Failed to update realm"}`},
			"wrong type":             {"PUT", r, map[string]any{"enabled": "maybe"}, 400, unreadable},
			"no JSON":                {"PUT", r, "{", 400, `{"error":"invalid_request","error_description":"Cannot parse the JSON"}`},
			"unknown member":         {"PUT", r, `{"nope":1}`, 400, `{"error":"Invalid json representation for RealmRepresentation. Unrecognized field \"nope\" at line 1 column 10."}`},
			"client again":           {"POST", r + "/clients", map[string]any{"clientId": "claude"}, 409, `{"errorMessage":"Client claude already exists"}`},
			"client, unknown member": {"POST", r + "/clients", `{"nope":1}`, 400, `{"error":"Invalid json representation for ClientRepresentation. Unrecognized field \"nope\" at line 1 column 10."}`},
			"blank client":           {"POST", r + "/clients", map[string]any{"clientId": " "}, 400, `{"error":"invalid_input","error_description":"Client ID cannot be blank"}`},
			"redirect with fragment": {"PUT", r + "/clients/" + claude, map[string]any{"redirectUris": []string{"https://a.example/#b"}}, 400, fragment},
			"redirect with script":   {"PUT", r + "/clients/" + claude, map[string]any{"redirectUris": []string{"javascript:x"}}, 400, `{"error":"invalid_input","error_description":"A redirect URI uses an illegal scheme"}`},
			"redirect with space":    {"PUT", r + "/clients/" + claude, map[string]any{"redirectUris": []string{"https://a b"}}, 400, `{"error":"invalid_input","error_description":"A redirect URI is not a valid URI"}`},
			"client not there":       {"GET", r + "/clients/nope", nil, 404, `{"error":"Could not find client"}`},
			"no service account":     {"GET", r + "/clients/" + claude + "/service-account-user", nil, 400, `{"error":"Service account not enabled for the client 'claude'"}`},
			"scope again":            {"POST", r + "/client-scopes", map[string]any{"name": "mcp:tools", "protocol": "openid-connect"}, 409, `{"errorMessage":"Client Scope mcp:tools already exists"}`},
			"scope without protocol": {"POST", r + "/client-scopes", map[string]any{"name": "x"}, 400, `{"errorMessage":"Unexpected protocol"}`},
			"scope with space":       {"POST", r + "/client-scopes", map[string]any{"name": "a b", "protocol": "openid-connect"}, 400, `{"errorMessage":"Unexpected name \"a b\" for ClientScope"}`},
			"scope without name":     {"PUT", r + "/client-scopes/" + scope, map[string]any{"description": "x"}, 500, unknown},
			"scope not there":        {"GET", r + "/client-scopes/nope", nil, 404, `{"error":"Could not find client scope"}`},
			"no such scope to give":  {"PUT", r + "/clients/" + claude + "/default-client-scopes/nope", nil, 404, `{"error":"Client scope not found"}`},
			"mapper of unknown type": {"POST", r + "/client-scopes/" + scope + "/protocol-mappers/models", map[string]any{"name": "x", "protocol": "openid-connect", "protocolMapper": "nope"}, 404, `{"error":"ProtocolMapper provider not found"}`},
			"mapper again":           {"POST", r + "/client-scopes/" + scope + "/protocol-mappers/models", map[string]any{"name": "mcp-audience", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper"}, 409, `{"errorMessage":"Protocol mapper exists with same name"}`},
			"mapper not there":       {"GET", r + "/client-scopes/" + scope + "/protocol-mappers/models/nope", nil, 404, `{"error":"Model not found"}`},
			"realm's scope twice":    {"PUT", r + "/default-optional-client-scopes/" + b.scopeID("basic"), nil, 409, `{"error":"conflict","error_description":"Duplicate resource error"}`},
			"user without name":      {"POST", r + "/users", map[string]any{}, 400, `{"errorMessage":"User name is missing"}`},
			"user with short name":   {"POST", r + "/users", map[string]any{"username": "ab"}, 400, `{"field":"username","errorMessage":"error-invalid-length","params":["username",3,255]}`},
			"user with wrong e-mail": {"POST", r + "/users", map[string]any{"username": "abc", "email": "x"}, 400, `{"field":"email","errorMessage":"error-invalid-email","params":["email","x"]}`},
			"user again":             {"POST", r + "/users", map[string]any{"username": "Tester"}, 409, `{"errorMessage":"User exists with same username"}`},
			"user with e-mail again": {"POST", r + "/users", map[string]any{"username": "other", "email": "tester@example.com"}, 409, `{"errorMessage":"User exists with same email"}`},
			"user not there":         {"GET", r + "/users/nope", nil, 404, `{"error":"User not found"}`},
			"component not there":    {"GET", r + "/components/nope", nil, 404, `{"error":"Could not find component"}`},
			"unknown path":           {"GET", r + "/nope", nil, 404, `{"error":"HTTP 404 Not Found"}`},
			"wrong method":           {"DELETE", r + "/clients", nil, 405, `{"error":"HTTP 405 Method Not Allowed"}`},
		} {
			t.Run(name, func(t *testing.T) {
				if got := b.in(t).call(c.method, c.path, c.body); got.status != c.status || got.text != c.text {
					t.Errorf("%d %s, want %d %s", got.status, got.text, c.status, c.text)
				}
			})
		}
	})
}

func (b *bench) uuid(clientID string) string {
	b.t.Helper()
	var found []struct{ ID string }
	b.read("/clients?clientId="+url.QueryEscape(clientID), &found)
	if len(found) != 1 {
		b.t.Fatalf("%d clients %s", len(found), clientID)
	}
	return found[0].ID
}

func (b *bench) scopeID(name string) string {
	b.t.Helper()
	var all []struct{ ID, Name string }
	b.read("/client-scopes", &all)
	for _, s := range all {
		if s.Name == name {
			return s.ID
		}
	}
	b.t.Fatalf("no scope %s", name)
	return ""
}

func TestAdminNeedsAToken(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		at := kc.base + "/admin/realms/" + b.realm
		get(t, at).hold(t, http.StatusUnauthorized, "HTTP 401 Unauthorized", "")
		get(t, at, "Authorization", "Bearer x").hold(t, http.StatusUnauthorized, "HTTP 401 Unauthorized", "")
		machine := b.post("token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"machine"}, "client_secret": {secret}}).json(t)["access_token"].(string)
		get(t, at, "Authorization", "Bearer "+machine).hold(t, http.StatusForbidden, "HTTP 403 Forbidden", "")
		get(t, kc.base+"/admin/realms", "Authorization", "Bearer "+machine).hold(t, http.StatusForbidden, "HTTP 403 Forbidden", "")
		get(t, at+"-nope", "Authorization", "Bearer "+machine).hold(t, http.StatusNotFound, "Realm not found.", "")
		// A token is bound to the name under which it was fetched.
		b.must(http.StatusOK, http.MethodGet, b.realm, nil)
		elsewhere := strings.Replace(at, "127.0.0.1", "localhost", 1)
		get(t, elsewhere, "Authorization", "Bearer "+b.token).hold(t, http.StatusUnauthorized, "HTTP 401 Unauthorized", "")
		claims := shape(claimsOf(t, b.token))
		want := map[string]any{"exp": "some", "iat": "some", "jti": "onltro", "iss": kc.base + "/realms/master", "typ": "Bearer", "azp": "admin-cli", "sid": "some",
			"scope": "email profile"}
		if d := cmp.Diff(want, claims); d != "" {
			t.Error(d)
		}
	})
}

func TestPutsDiffer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		t.Run("realm attributes are replaced", func(t *testing.T) {
			b := b.in(t)
			for _, name := range []string{"one", "two"} {
				b.must(http.StatusNoContent, http.MethodPut, b.realm, map[string]any{"attributes": map[string]string{name: "1"}})
			}
			b.must(http.StatusNoContent, http.MethodPut, b.realm, map[string]any{"displayName": "mine"})
			var got struct {
				DisplayName string
				Attributes  map[string]string
			}
			b.read("", &got)
			if got.DisplayName != "mine" || got.Attributes["one"] != "" || got.Attributes["two"] != "1" || got.Attributes["cibaInterval"] != "5" {
				t.Errorf("%+v", got)
			}
		})
		t.Run("client is merged", func(t *testing.T) {
			b := b.in(t)
			at := b.realm + "/clients/" + b.uuid("claude")
			b.must(http.StatusNoContent, http.MethodPut, at, `{"description":"mine","attributes":{"pkce.code.challenge.method":"","other":"1","third":null},
				"defaultClientScopes":[],"protocolMappers":[]}`)
			var got map[string]any
			b.read("/clients/"+b.uuid("claude"), &got)
			attributes := got["attributes"].(map[string]any)
			_, third := attributes["third"]
			if got["description"] != "mine" || got["secret"] != secret || attributes["other"] != "1" || attributes["pkce.code.challenge.method"] != nil || third ||
				set(got["defaultClientScopes"]) != "basic mcp:tools" || set(got["webOrigins"]) != "https://claude.ai" {
				t.Errorf("%v", got)
			}
		})
		t.Run("secret comes anew with confidentiality", func(t *testing.T) {
			b := b.in(t)
			at := b.realm + "/clients/" + b.uuid("machine")
			b.must(http.StatusNoContent, http.MethodPut, at, map[string]any{"publicClient": true})
			b.must(http.StatusNoContent, http.MethodPut, at, map[string]any{"publicClient": false})
			var got struct{ Value string }
			b.read("/clients/"+b.uuid("machine")+"/client-secret", &got)
			if want := map[bool]int{true: 32, false: 86}[kc.old]; len(got.Value) != want {
				t.Errorf("secret of %d characters", len(got.Value))
			}
			b.must(http.StatusNoContent, http.MethodPut, at, map[string]any{"secret": "**********"})
			b.read("/clients/"+b.uuid("machine")+"/client-secret", &got)
			if got.Value != "**********" {
				t.Errorf("secret %q", got.Value)
			}
		})
		t.Run("scope keeps its mappers", func(t *testing.T) {
			b := b.in(t)
			at := b.realm + "/client-scopes/" + b.scopeID("mcp:tools")
			b.must(http.StatusNoContent, http.MethodPut, at, `{"name":"mcp:tools","attributes":{"empty":"","consent.screen.text":null},"protocolMappers":[]}`)
			var got struct {
				Attributes      map[string]string
				ProtocolMappers []struct {
					ID     string
					Config map[string]string
				}
			}
			b.read("/client-scopes/"+b.scopeID("mcp:tools"), &got)
			if d := cmp.Diff(map[string]string{"include.in.token.scope": "true", "display.on.consent.screen": "true", "empty": ""}, got.Attributes); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(map[string]string{"included.custom.audience": mcpURL, "access.token.claim": "true"}, got.ProtocolMappers[0].Config); d != "" {
				t.Error(d)
			}
		})
		t.Run("mapper is replaced", func(t *testing.T) {
			b := b.in(t)
			models := "/client-scopes/" + b.scopeID("mcp:tools") + "/protocol-mappers/models"
			var got []map[string]any
			b.read(models, &got)
			if d := cmp.Diff(map[string]any{"included.custom.audience": mcpURL, "access.token.claim": "true", "introspection.token.claim": "true"}, got[0]["config"]); d != "" {
				t.Error(d)
			}
			got[0]["config"] = map[string]string{"included.custom.audience": "x"}
			b.must(http.StatusNoContent, http.MethodPut, b.realm+models+"/"+got[0]["id"].(string), got[0])
			b.read(models, &got)
			if d := cmp.Diff(map[string]any{"included.custom.audience": "x"}, got[0]["config"]); d != "" {
				t.Error(d)
			}
		})
		t.Run("scope in both lists", func(t *testing.T) {
			b := b.in(t)
			lists := b.realm + "/clients/" + b.uuid("claude")
			id := b.scopeID("mcp:tools")
			b.must(http.StatusNoContent, http.MethodPut, lists+"/optional-client-scopes/"+id, nil)
			var got map[string]any
			b.read("/clients/"+b.uuid("claude"), &got)
			if set(got["optionalClientScopes"]) != "email offline_access profile" {
				t.Errorf("%v", got["optionalClientScopes"])
			}
			b.must(http.StatusNoContent, http.MethodDelete, lists+"/default-client-scopes/"+id, nil)
			b.must(http.StatusNoContent, http.MethodPut, lists+"/optional-client-scopes/"+id, nil)
			b.read("/clients/"+b.uuid("claude"), &got)
			if set(got["optionalClientScopes"]) != "email mcp:tools offline_access profile" {
				t.Errorf("%v", got["optionalClientScopes"])
			}
		})
	})
}

func TestRealmDefaultsReachNewClients(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		b.must(http.StatusNoContent, http.MethodPut, b.realm+"/default-default-client-scopes/"+b.scopeID("mcp:tools"), nil)
		for name, c := range map[string]struct {
			body               string
			defaults, optional string
		}{
			"no list":     {`{}`, "acr basic email mcp:tools profile roles web-origins", "address microprofile-jwt offline_access organization phone"},
			"one list":    {`{"optionalClientScopes":["mcp:tools","nope"]}`, "", "mcp:tools"},
			"in both":     {`{"defaultClientScopes":["basic"],"optionalClientScopes":["basic"]}`, "basic", ""},
			"its account": {`{"serviceAccountsEnabled":true,"defaultClientScopes":["basic"]}`, "basic service_account", ""},
		} {
			t.Run(name, func(t *testing.T) {
				b := b.in(t)
				var body map[string]any
				if err := json.Unmarshal([]byte(c.body), &body); err != nil {
					t.Fatal(err)
				}
				var got map[string]any
				b.read("/clients/"+b.create("clients", body), &got)
				if set(got["defaultClientScopes"]) != c.defaults || set(got["optionalClientScopes"]) != c.optional {
					t.Errorf("%v, %v", got["defaultClientScopes"], got["optionalClientScopes"])
				}
			})
		}
	})
}
