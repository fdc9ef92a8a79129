package keycloaktest

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// TestWhateverIsSent asks everything that can be asked, with bodies that nobody expects, of things that are there and of
// things that are not: there is an answer, and the server is not stuck.
func TestWhateverIsSent(t *testing.T) {
	t.Parallel()
	k := New(Options{})
	ask := func(method, path, kind, body string, headers ...string) *httptest.ResponseRecorder {
		req := httptest.NewRequest(method, "http://127.0.0.1"+path, strings.NewReader(body))
		req.Header.Set("Content-Type", kind)
		for i := 0; i+1 < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		k.ServeHTTP(w, req)
		return w
	}
	const form, asJSON = "application/x-www-form-urlencoded", "application/json"
	bodies := []string{"", "null", "[]", "{}", `"x"`, `{"attributes":null,"config":null,"protocolMappers":[null],"credentials":[null],"redirectUris":null}`,
		`{"name":"x","protocol":"openid-connect","clientId":"x","username":"xyz","value":"x","providerId":"x","protocolMapper":"oidc-sub-mapper","id":""}`}
	forms := []string{"", "%zz", "token=x&client_id=admin-cli", "grant_type=password&client_id=admin-cli&username=admin&password=admin",
		"grant_type=refresh_token&client_id=admin-cli&refresh_token=x", "grant_type=authorization_code&client_id=account&code=a.b.c",
		"grant_type=client_credentials&client_assertion_type=" + url.QueryEscape(assertionType) + "&client_assertion=x",
		"client_id=account&redirect_uri=x&response_type=code", "refresh_token=x&client_id=admin-cli"}
	for _, r := range realmRoutes {
		for _, body := range append(forms, bodies...) {
			for _, kind := range []string{form, asJSON} {
				path := "/realms/master/" + strings.ReplaceAll(r.path, "{client}", "account")
				if w := ask(r.method, path+"?"+body, kind, body); w.Code == 0 {
					t.Errorf("%s %s: no answer", r.method, path)
				}
			}
		}
	}
	things := strings.NewReplacer("{scope}", k.realms[0].scopes[0].rep.ID, "{mapper}", k.realms[0].scopes[0].rep.Mappers[0].ID,
		"{client}", k.realms[0].clients[0].rep.ID, "{user}", k.realms[0].users[0].rep.ID, "{component}", k.realms[0].components[0].ID)
	for _, r := range adminRoutes {
		if r.method == http.MethodDelete || r.path == "users/{user}/reset-password" || r.path == "users/{user}/logout" {
			continue // it would lock itself out
		}
		for _, path := range []string{things.Replace(r.path), strings.NewReplacer("{", "", "}", "").Replace(r.path)} {
			for _, body := range bodies {
				if r.path == "" && r.method == http.MethodPut && body != "null" {
					continue
				}
				token := k.adminToken(t, ask)
				if w := ask(r.method, "/admin/realms/master/"+path, asJSON, body, "Authorization", "Bearer "+token); w.Code == http.StatusUnauthorized {
					t.Errorf("%s %s %s: %d %s", r.method, path, body, w.Code, w.Body)
				}
			}
		}
	}
}

func (k *Keycloak) adminToken(t *testing.T, ask func(method, path, kind, body string, headers ...string) *httptest.ResponseRecorder) string {
	t.Helper()
	w := ask(http.MethodPost, "/realms/master/protocol/openid-connect/token", "application/x-www-form-urlencoded",
		"grant_type=password&client_id=admin-cli&username=admin&password=admin")
	_, token, _ := strings.Cut(w.Body.String(), `"access_token":"`)
	token, _, found := strings.Cut(token, `"`)
	if !found {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return token
}
