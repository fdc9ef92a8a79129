package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// MetadataHandler serves the protected resource metadata (RFC 9728 section 2). It is made once, from the configuration
// alone, so that it never depends on the authorization server. The root copy is the same document: `resource` names the
// url, not the place the document was found at, because clients compare it with what the user typed.
func MetadataHandler(r Resource) (http.Handler, error) {
	name := r.Name
	if name == "" {
		name = "MCP server"
	}
	doc, err := json.Marshal(struct {
		Resource             string   `json:"resource"`
		AuthorizationServers []string `json:"authorization_servers"`
		Scopes               []string `json:"scopes_supported,omitempty"`
		Methods              []string `json:"bearer_methods_supported"`
		Name                 string   `json:"resource_name"`
	}{r.URL, []string{r.Issuer}, r.Scopes, []string{"header"}, name})
	if err != nil {
		return nil, fmt.Errorf("writing the resource metadata of %s: %w", r.URL, err)
	}
	return public(Methods(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "public, max-age=60")
		w.Write(doc)
	}), http.MethodGet)), nil
}
