package plan

import (
	"strings"
	"testing"
)

func TestValidateSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Connection){
		"":                       func(*Connection) {},
		"servers: none":          func(c *Connection) { c.Servers = nil },
		"servers[0].url: miss":   func(c *Connection) { c.Servers[0].URL = "" },
		"no absolute http":       func(c *Connection) { c.Servers[0].URL = "mcp.example.com/mcp" },
		"must be https":          func(c *Connection) { c.Servers[0].URL = "http://mcp.example.com/mcp" },
		"not have a fragment":    func(c *Connection) { c.Servers[0].URL += "#x" },
		"a user or a password":   func(c *Connection) { c.Servers[0].URL = "https://u:p@mcp.example.com/mcp" },
		"servers[1].url":         func(c *Connection) { c.Servers = append(c.Servers, c.Servers[0]) },
		"names no realm":         func(c *Connection) { c.Keycloak.Issuer, c.Keycloak.Realm = "https://auth.example.com/realms/mcp/", "" },
		"make them agree":        func(c *Connection) { c.Keycloak.Realm = "other" },
		"Keycloak's own: take a": func(c *Connection) { c.Scopes[0].Name = "offline_access" },
		"the realm master":       func(c *Connection) { c.Keycloak.Issuer, c.Keycloak.Realm = "https://a.example/realms/master", "" },
		"keycloak.admin_url":     func(c *Connection) { c.Keycloak.AdminURL = "localhost:8080" },
		"both user and client":   func(c *Connection) { c.Keycloak.Admin.ClientID = "x" },
		"RFC 6749 3.3":           func(c *Connection) { c.Scopes[0].Name = "has space" },
		"no scope of a server":   func(c *Connection) { c.Servers[0].Scopes = []string{"offline_access"} },
		"scopes[0].server":       func(c *Connection) { c.Scopes[0].Server = "https://no.example/mcp" },
		"tokens of one are valid at the other": func(c *Connection) {
			c.Servers = append(c.Servers, Server{URL: "https://b.example/mcp"})
			c.Scopes = append(c.Scopes, Scope{Name: "mcp:tools", Server: "https://b.example/mcp"})
		},
		"clients[0].profile": func(c *Connection) { c.Clients[0].Profile = "" },
		"clients[0].id":      func(c *Connection) { c.Clients[0].ID = "with space" },
		"clients[1].id":      func(c *Connection) { c.Clients = append(c.Clients, c.Clients[0]) },
		"active:false":       func(c *Connection) { c.Clients[0].Profile = Introspection },
		"30 to 86400":        func(c *Connection) { c.Clients[0].AccessTokenLifespan = 5 },
		"auth: \"x\"":        func(c *Connection) { c.Clients[0].Auth = "x" },
		"for confidential": func(c *Connection) {
			no := false
			c.Clients[0].Confidential, c.Clients[0].Auth = &no, AuthPrivateKeyJWT
		},
		"must be pre-registered, dynamic or metadata-document": func(c *Connection) { c.Clients[0].Registration = "open" },
		"clients[0].id: with registration: dynamic":            func(c *Connection) { c.Clients[0].Registration = Dynamic },
		"who introspects is registered beforehand": func(c *Connection) {
			c.Clients[0] = Client{Profile: Introspection, Registration: MetadataDocument}
		},
		"sign_in.idle: 8 must be":       func(c *Connection) { c.Keycloak.SignIn.Idle = 8 },
		"must not be longer than max":   func(c *Connection) { c.Keycloak.SignIn.Idle = 86400 * 30 },
		"without rotate_refresh_tokens": func(c *Connection) { c.Keycloak.SignIn.RefreshTokenReuse = 1 },
		"only offline_idle can be given": func(c *Connection) {
			c.Keycloak.CreateRealm, c.Users, c.Keycloak.SignIn.Idle = false, nil, 3600
		},
		"has a wildcard":        func(c *Connection) { c.Clients[0].RedirectURIs[0] = "https://claude.ai/*" },
		"no absolute URI":       func(c *Connection) { c.Clients[0].RedirectURIs[0] = "notaurl" },
		"no client comes back":  func(c *Connection) { c.Clients[0].RedirectURIs[0] = "javascript:alert(1)" },
		"create_realm, or take": func(c *Connection) { c.Keycloak.CreateRealm = false },
		"users[0].name":         func(c *Connection) { c.Users[0].Name = "x" },
		"users[1].name":         func(c *Connection) { c.Users = append(c.Users, c.Users[0]) },
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			c := full()
			change(&c)
			err := c.Validate()
			switch {
			case want == "" && err != nil:
				t.Error(err)
			case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestLoopbackAndPrivateSchemesMayComeBack(t *testing.T) {
	t.Parallel()
	for _, uri := range []string{"http://localhost/callback", "http://127.0.0.1/cb", "http://[::1]:8080/cb", "com.example.app:/cb", "cursor://x/cb"} {
		if err := ValidRedirectURI(uri); err != nil {
			t.Error(err)
		}
	}
}
