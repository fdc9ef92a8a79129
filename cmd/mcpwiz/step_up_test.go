package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// From mcpwiz.yaml over Keycloak to the server: a tool that takes a scope of its own is refused to a token without it, the
// refusal names what to ask for, and Keycloak gives just that to who asks.
func TestAToolThatTakesAScopeOfItsOwnIsSteppedUpTo(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, b behind) {
		r := newRigBehind(t, b, fault{}, func(c *plan.Connection) {
			c.Servers[0].ToolScopes = map[string][]string{"server_info": {"mcp:admin"}}
			c.Clients = append(c.Clients, plan.Client{Profile: plan.Introspection})
			c.Serving.Introspection = true
		})
		first := r.machineToken(t, "")
		if status, challenge := r.call(t, first, "whoami"); status != 200 {
			t.Fatalf("a tool without needs: %d, %s", status, challenge)
		}
		status, challenge := r.call(t, first, "server_info")
		if want := `error="insufficient_scope"`; status != 403 || !strings.Contains(challenge, want) || !strings.Contains(challenge, `scope="mcp:tools mcp:admin"`) {
			t.Fatalf("answered %d, WWW-Authenticate %s", status, challenge)
		}
		if status, challenge := r.call(t, r.machineToken(t, "mcp:tools mcp:admin"), "server_info"); status != 200 {
			t.Errorf("with what the challenge names: %d, %s", status, challenge)
		}
		// A token that is no JWT is asked about, by the client of profile introspection.
		if status, challenge := r.call(t, "nobody-s", "whoami"); status != 401 || !strings.Contains(challenge, "is not active") {
			t.Errorf("an opaque token that Keycloak does not know: %d, %s", status, challenge)
		}
	})
}

// machineToken asks as the machine of the connection, with client_credentials.
func (r *rig) machineToken(t testing.TB, scope string) string {
	t.Helper()
	c, _ := r.connection.Client("m2m")
	secret, _ := r.secrets.Get(plan.ClientSecret(c.ID))
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.ID}, "client_secret": {secret.Reveal()}}
	if scope != "" {
		form.Set("scope", scope)
	}
	resp, err := http.PostForm(r.connection.Keycloak.Issuer+"/protocol/openid-connect/token", form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var told struct {
		AccessToken string `json:"access_token"`
	}
	body, _ := io.ReadAll(resp.Body)
	if err := json.Unmarshal(body, &told); err != nil || told.AccessToken == "" {
		t.Fatalf("no token: %s", body)
	}
	return told.AccessToken
}

// call calls a tool, in the era without sessions, and returns the status and the challenge.
func (r *rig) call(t testing.TB, token, tool string) (int, string) {
	t.Helper()
	body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + tool + `","arguments":{},` +
		`"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`
	req, err := http.NewRequest(http.MethodPost, r.connection.Servers[0].URL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	req.Header.Set("MCP-Protocol-Version", "2026-07-28")
	req.Header.Set("Mcp-Method", "tools/call")
	req.Header.Set("Mcp-Name", tool)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(resp.Body)
	if challenge := resp.Header.Get("WWW-Authenticate"); challenge != "" {
		return resp.StatusCode, challenge
	}
	return resp.StatusCode, string(said)
}
