package keycloaktest_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpwiz/mcpwiz/keycloak/keycloaktest"
)

// alike makes two documents of different servers comparable: ids, times, secrets and addresses go, lists are sets.
func alike(v any, base, realm string) any {
	switch v := v.(type) {
	case map[string]any:
		all := map[string]any{}
		for name, x := range v {
			switch name {
			case "id", "parentId", "containerId", "secret", "createdTimestamp", "client.secret.creation.time":
				x = "some"
			}
			all[name] = alike(x, base, realm)
		}
		return all
	case []any:
		all := []any{}
		for _, x := range v {
			all = append(all, alike(x, base, realm))
		}
		slices.SortFunc(all, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		return all
	case string:
		return strings.NewReplacer(base, "BASE", realm, "REALM").Replace(v)
	}
	return v
}

// TestDocumentsAreTheSame holds whole documents of a new realm, and of what setup makes in it, against the real one's.
func TestDocumentsAreTheSame(t *testing.T) {
	t.Parallel()
	for _, one := range realOnes() {
		t.Run(one.name, func(t *testing.T) {
			t.Parallel()
			small := start(t, keycloaktest.Options{Version: one.name})
			twins := []*bench{newBench(t, target{small.URL, "admin", "admin", one.old}), newBench(t, one.target)}
			for _, b := range twins {
				b.provision()
				b.create("clients", map[string]any{"clientId": "bare"})
				b.create("clients", map[string]any{"clientId": "named", "protocol": "openid-connect", "redirectUris": []string{callback}})
				b.must(http.StatusNoContent, http.MethodPut, b.realm, map[string]any{"eventsEnabled": true, "eventsExpiration": 604800,
					"enabledEventTypes": []string{"LOGIN"}, "attributes": map[string]string{"mcpwiz.managed": "true"}})
			}
			for _, path := range []string{"", "/client-scopes", "/clients", "/components", "/default-default-client-scopes", "/default-optional-client-scopes",
				"/roles", "/users?username=tester"} {
				var seen []any
				for _, b := range twins {
					var got any
					b.read(path, &got)
					seen = append(seen, alike(got, b.kc.base, b.realm))
				}
				if path == "/users?username=tester" {
					withoutProfile(seen[1])
				}
				if d := cmp.Diff(seen[1], seen[0]); d != "" {
					t.Errorf("%q, - real, + small: %s", path, d)
				}
			}
			for _, path := range []string{"", "/.well-known/openid-configuration"} {
				var seen []any
				for _, b := range twins {
					seen = append(seen, alike(withoutFeatures(get(t, b.issuer()+path).json(t)), b.kc.base, b.realm))
				}
				if d := cmp.Diff(seen[1], seen[0]); d != "" {
					t.Errorf("%q, - real, + small: %s", path, d)
				}
			}
		})
	}
}

// withoutProfile drops what 26.4 shows of the user profile in a search.
func withoutProfile(users any) {
	for _, u := range users.([]any) {
		delete(u.(map[string]any), "userProfileMetadata")
	}
}

// withoutFeatures drops what experimental features add, and keys.
func withoutFeatures(document map[string]any) map[string]any {
	delete(document, "client_id_metadata_document_supported")
	delete(document, "public_key")
	for name, v := range document {
		if list, ok := v.([]any); ok && strings.HasSuffix(name, "_auth_methods_supported") {
			document[name] = slices.DeleteFunc(list, func(m any) bool { return m == "none" })
		}
	}
	return document
}

func TestMetadataStandsInItsPlaces(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		want := get(t, b.issuer()+"/.well-known/openid-configuration")
		for _, at := range []string{b.issuer() + "/.well-known/oauth-authorization-server", kc.base + "/.well-known/oauth-authorization-server/realms/" + b.realm,
			kc.base + "/.well-known/oauth-authorization-server/realms/" + b.realm + "/"} {
			r := get(t, at, "Origin", "http://localhost:6274")
			if r.text != want.text && set(r.json(t)["scopes_supported"]) != set(want.json(t)["scopes_supported"]) || r.status != http.StatusOK ||
				r.header.Get("Content-Type") != "application/json" || r.header.Get("Cache-Control") != "no-cache, must-revalidate, no-transform, no-store" ||
				r.header.Get("Access-Control-Allow-Origin") != "http://localhost:6274" {
				t.Errorf("%s: %d %v", at, r.status, r.header)
			}
		}
		if got := set(want.json(t)["scopes_supported"]); !strings.Contains(got, "mcp:tools") || !strings.Contains(got, "openid") {
			t.Error(got)
		}
		b.must(http.StatusNoContent, http.MethodPut, b.realm+"/client-scopes/"+b.scopeID("phone"),
			map[string]any{"name": "phone", "attributes": map[string]string{"include.in.openid.provider.metadata": "false"}})
		if got := set(get(t, b.issuer()+"/.well-known/openid-configuration").json(t)["scopes_supported"]); strings.Contains(got, "phone") {
			t.Errorf("a hidden scope is shown: %s", got)
		}
		for at, text := range map[string]string{
			"/.well-known/openid-configuration/realms/" + b.realm:  "HTTP 404 Not Found",
			"/.well-known/oauth-authorization-server":              "Unable to find matching target resource method",
			"/.well-known/oauth-protected-resource":                "Unable to find matching target resource method",
			"/.well-known/oauth-authorization-server/realms/nope":  "Realm does not exist",
			"/realms/nope/.well-known/openid-configuration":        "Realm does not exist",
			"/realms/" + b.realm + "/.well-known/nope":             "HTTP 404 Not Found",
			"/realms/" + b.realm + "/protocol/openid-connect/nope": "HTTP 404 Not Found",
			"/realms/": "Unable to find matching target resource method",
			"/nope":    "Unable to find matching target resource method",
		} {
			get(t, kc.base+at).hold(t, http.StatusNotFound, text, "")
		}
		get(t, kc.base+"/realms//"+b.realm).hold(t, http.StatusBadRequest, "missingNormalization", "Request path not normalized")
		if r := get(t, kc.base+"/"); r.status != http.StatusFound || r.header.Get("Location") != kc.base+"/admin/" {
			t.Errorf("%d %v", r.status, r.header)
		}
		// The issuer follows the name by which it is asked.
		elsewhere := strings.Replace(b.issuer(), "127.0.0.1", "localhost", 1)
		if got := get(t, elsewhere+"/.well-known/openid-configuration").json(t)["issuer"]; got != elsewhere {
			t.Errorf("issuer %v", got)
		}
	})
}
