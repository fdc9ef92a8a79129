package gateway

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Needs are the scopes that single operations take besides those of the resource: by the name of a tool for tools/call, and
// by JSON-RPC method.
type Needs struct {
	Tools, Methods map[string][]string
}

// NewNeeds holds the scopes to their form.
func NewNeeds(n Needs) (Needs, error) {
	for _, of := range []map[string][]string{n.Tools, n.Methods} {
		for name, scopes := range of {
			for _, s := range scopes {
				if !scopeToken(s) {
					return n, fmt.Errorf("scope %q of %s is no scope-token (RFC 6749 section 3.3)", s, name)
				}
			}
		}
	}
	return n, nil
}

func (n Needs) empty() bool { return len(n.Tools) == 0 && len(n.Methods) == 0 }

// of returns the scopes that operations take, each once.
func (n Needs) of(all []operation) []string {
	var scopes []string
	for _, o := range all {
		for _, s := range append(slices.Clone(n.Methods[o.method]), n.Tools[o.tool]...) {
			if !slices.Contains(scopes, s) {
				scopes = append(scopes, s)
			}
		}
	}
	return scopes
}

// known reports whether some operation takes the scope.
func (n Needs) known(scope string) bool {
	for _, of := range []map[string][]string{n.Tools, n.Methods} {
		for _, scopes := range of {
			if slices.Contains(scopes, scope) {
				return true
			}
		}
	}
	return false
}

// may reports whether a token may do what a request asks for; where not, the request is answered.
func (g *Guard) may(w http.ResponseWriter, r *http.Request, token *Token) bool {
	if g.Needs.empty() || r.Method != http.MethodPost {
		return true
	}
	body, ok := Message(w, r)
	if !ok {
		return false
	}
	asked, err := operations(body)
	if err != nil {
		WriteError(w, http.StatusBadRequest, "invalid_request", err.Error()+": what it asks for cannot be told, and some of it takes scopes of its own")
		return false
	}
	need := g.Needs.of(asked)
	missing := lacking(token.Scopes, need)
	if len(missing) == 0 {
		return true
	}
	g.challengeFor(w, http.StatusForbidden, g.stepUp(token.Scopes, need), "insufficient_scope",
		"this takes scope '"+strings.Join(need, " ")+"'; the token has '"+strings.Join(token.Scopes, " ")+"' and lacks '"+strings.Join(missing, " ")+"'")
	return false
}

// stepUp are the scopes to ask for next: those of the resource, those needed, and of those the token has the ones that other
// operations need, since a client may ask for nothing but what a challenge names (MCP 2025-11-25, scope challenge handling).
func (g *Guard) stepUp(have, need []string) []string {
	scopes := slices.Clone(g.Resource.Scopes)
	for _, s := range slices.Concat(slices.DeleteFunc(slices.Clone(have), func(s string) bool { return !g.Needs.known(s) }), need) {
		if !slices.Contains(scopes, s) {
			scopes = append(scopes, s)
		}
	}
	return scopes
}
