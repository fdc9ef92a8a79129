package report

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// harTarget guesses the MCP endpoint: the URL of the first message of MCP, else what resource metadata name, else whoever
// challenges with resource metadata.
func harTarget(entries []harEntry) string {
	for _, e := range entries {
		if p := e.Request.PostData; p != nil && e.Request.Method == "POST" && isRPC(p.Text) {
			return withoutFragment(e.Request.URL)
		}
	}
	for _, e := range entries {
		var d struct {
			Resource string `json:"resource"`
		}
		if strings.Contains(e.Request.URL, "/.well-known/oauth-protected-resource") && json.Unmarshal([]byte(e.Response.Content.Text), &d) == nil && isURL(d.Resource) {
			return d.Resource
		}
	}
	for _, e := range entries {
		if e.Response.Status == 401 && strings.Contains(strings.ToLower(headersOf(e.Response.Headers).Get("Www-Authenticate")), "resource_metadata") {
			return withoutFragment(e.Request.URL)
		}
	}
	return ""
}

// isRPC reports whether a body is a message of MCP, or a batch of them.
func isRPC(body string) bool {
	var one struct {
		Version string `json:"jsonrpc"`
	}
	body = strings.TrimSpace(body)
	if strings.HasPrefix(body, "[") {
		var many []json.RawMessage
		return json.Unmarshal([]byte(body), &many) == nil && len(many) > 0 && isRPC(string(many[0]))
	}
	return json.Unmarshal([]byte(body), &one) == nil && one.Version == "2.0"
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

func withoutFragment(s string) string { s, _, _ = strings.Cut(s, "#"); return s }

// harKept leaves out what is no part of the handshake: a browser's archive has all that it loaded. Kept is what goes to the
// MCP server's origin or an authorization server's, and what bears an authorization request or its response.
func harKept(entries []harEntry, target string) []harEntry {
	hosts := map[string]bool{hostOf(target): true}
	for _, e := range entries {
		for _, name := range harServers(e) {
			hosts[hostOf(name)] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(entries), func(e harEntry) bool {
		return !hosts[hostOf(e.Request.URL)] && !bearsAuthorization(e.Request.URL)
	})
}

// harServers are the authorization servers that an entry names: where their metadata were found, and what documents say.
func harServers(e harEntry) []string {
	u, err := url.Parse(e.Request.URL)
	if err != nil || e.Response.Status != 200 {
		return nil
	}
	var d struct {
		Servers       []string `json:"authorization_servers"`
		Issuer        string   `json:"issuer"`
		Authorization string   `json:"authorization_endpoint"`
		Token         string   `json:"token_endpoint"`
		Registration  string   `json:"registration_endpoint"`
	}
	known := strings.Contains(u.Path, "/.well-known/oauth-") || strings.Contains(u.Path, "/.well-known/openid-configuration")
	if !known || json.Unmarshal([]byte(e.Response.Content.Text), &d) != nil {
		return nil
	}
	return append(d.Servers, d.Issuer, d.Authorization, d.Token, d.Registration)
}

// bearsAuthorization reports whether a URL is an authorization request or response (RFC 6749 sections 4.1.1 and 4.1.2).
func bearsAuthorization(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	q := u.Query()
	return q.Has("response_type") && q.Has("client_id") || q.Has("state") && (q.Has("code") || q.Has("error"))
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}
