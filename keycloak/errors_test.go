package keycloak

import (
	"net/http"
	"strings"
	"testing"
)

// The five shapes in which Keycloak refuses.
func TestErrorShapes(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][2]string{
		`{"errorMessage":"Realm mcp already exists"}`:                                      {"", "Realm mcp already exists"},
		`{"error":"invalid_input","error_description":"Client ID cannot be blank"}`:        {"invalid_input", "Client ID cannot be blank"},
		`{"error":"invalid_grant"}`:                                                        {"invalid_grant", ""},
		`{"error":"HTTP 403 Forbidden"}`:                                                   {"", "HTTP 403 Forbidden"},
		`{"error":"Could not find client"}`:                                                {"", "Could not find client"},
		`{"field":"username","errorMessage":"error-invalid-length","params":["username"]}`: {"", "username: error-invalid-length"},
		`{"errors":[{"field":"email","errorMessage":"error-invalid-email"},{"field":"username","errorMessage":"error-invalid-length"}]}`: {"",
			"email: error-invalid-email; username: error-invalid-length"},
		``:       {"", ""},
		`<html>`: {"", ""},
		`{"error":"bad\u001b[2Jthing","error_description":"line\none"}`: {"bad [2Jthing", "line one"},
	} {
		if code, text := errorText([]byte(body)); code != want[0] || text != want[1] {
			t.Errorf("%s: %q, %q", body, code, text)
		}
	}
	if _, text := errorText([]byte(`{"errorMessage":"` + strings.Repeat("x", 2000) + `"}`)); len(text) > 600 {
		t.Errorf("%d characters", len(text))
	}
}

func TestMissingRole(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ method, path, want string }{
		{http.MethodPost, "/admin/realms", "create-realm of the realm master"},
		{http.MethodPost, "/admin/realms/", "create-realm of the realm master"},
		{http.MethodGet, "/admin/realms/mcp", "view-realm"},
		{http.MethodPut, "/admin/realms/mcp", "manage-realm"},
		{http.MethodGet, "/admin/realms/mcp/clients", "view-clients"},
		{http.MethodPut, "/auth/admin/realms/mcp/clients/1/default-client-scopes/2", "manage-clients"},
		{http.MethodPost, "/admin/realms/mcp/client-scopes", "manage-clients"},
		{http.MethodPost, "/admin/realms/mcp/users", "manage-users"},
		{http.MethodGet, "/realms/mcp", ""},
	} {
		if got := missingRole(c.method, c.path); got != c.want {
			t.Errorf("%s %s: %q", c.method, c.path, got)
		}
	}
}
