package gateway

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A PublicClient is a client registered beforehand at the authorization server, without a secret.
type PublicClient struct {
	ID string
	// RedirectURIs are exactly those registered. One on loopback without a port stands for every port (RFC 8252 section 7.3).
	RedirectURIs []string
}

// RegisterHandler is a registration endpoint (RFC 7591) for clients that look for one on the MCP host (MCP 2025-03-26). It
// registers nobody: it hands out the public client's id, for redirect URIs that are that client's, and never a secret.
func RegisterHandler(c PublicClient, scopes []string) http.Handler {
	return public(Methods(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.ID == "" {
			WriteError(w, http.StatusNotFound, "not_found",
				"no client can be registered here; configure a client without a secret for this server, or register at the authorization server")
			return
		}
		asked, problem := readRegistration(w, r, c)
		if problem != nil {
			WriteError(w, http.StatusBadRequest, problem.Reason, problem.Description)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Pragma", "no-cache")
		WriteJSON(w, http.StatusCreated, registered{
			ClientID: c.ID, ClientName: asked.ClientName, RedirectURIs: asked.RedirectURIs,
			GrantTypes:    []string{"authorization_code", "refresh_token"},
			ResponseTypes: []string{"code"}, AuthMethod: "none", Scope: strings.Join(scopes, " "),
		})
	}), http.MethodPost))
}

// A registered is the answer of RFC 7591 section 3.2.1.
type registered struct {
	ClientID      string   `json:"client_id"`
	ClientName    string   `json:"client_name,omitempty"`
	RedirectURIs  []string `json:"redirect_uris"`
	GrantTypes    []string `json:"grant_types"`
	ResponseTypes []string `json:"response_types"`
	AuthMethod    string   `json:"token_endpoint_auth_method"`
	Scope         string   `json:"scope,omitempty"`
}

type registration struct {
	ClientName    string   `json:"client_name"`
	RedirectURIs  []string `json:"redirect_uris"`
	GrantTypes    []string `json:"grant_types"`
	ResponseTypes []string `json:"response_types"`
}

const (
	invalidMetadata = "invalid_client_metadata"
	invalidRedirect = "invalid_redirect_uri"
)

func readRegistration(w http.ResponseWriter, r *http.Request, c PublicClient) (*registration, *Refusal) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, refuse(invalidMetadata, "a registration request is application/json (RFC 7591 section 3.1)")
	}
	body, err := readAll(http.MaxBytesReader(w, r.Body, registerLimit), registerLimit)
	if err != nil {
		return nil, refuse(invalidMetadata, "the registration request cannot be read or is larger than %d bytes", registerLimit)
	}
	asked := new(registration)
	if err := json.Unmarshal(body, asked); err != nil {
		return nil, refuse(invalidMetadata, "the registration request is no JSON object with members of the right types")
	}
	return asked, asked.judge(c)
}

func (asked *registration) judge(c PublicClient) *Refusal {
	switch {
	case len(asked.ClientName) > 200:
		return refuse(invalidMetadata, "client_name is longer than 200 bytes")
	case len(asked.GrantTypes) > 0 && !slices.Contains(asked.GrantTypes, "authorization_code"):
		return refuse(invalidMetadata, "the client has the grant authorization_code; grant_types lacks it")
	case len(asked.ResponseTypes) > 0 && !slices.Contains(asked.ResponseTypes, "code"):
		return refuse(invalidMetadata, "the client has the response type code; response_types lacks it")
	case len(asked.RedirectURIs) == 0:
		return refuse(invalidRedirect, "redirect_uris is missing or empty")
	case len(asked.RedirectURIs) > 16:
		return refuse(invalidRedirect, "more than 16 redirect_uris")
	}
	for _, uri := range asked.RedirectURIs {
		if !slices.ContainsFunc(c.RedirectURIs, func(known string) bool { return sameRedirect(known, uri) }) {
			return refuse(invalidRedirect, "%s", fmt.Sprintf("%s is none of this client's redirect URIs: %s", short(uri), strings.Join(c.RedirectURIs, ", ")))
		}
	}
	return nil
}

// sameRedirect reports whether an asked redirect URI is a known one: byte for byte, or, where the known one is on loopback
// and has no port, with any port.
func sameRedirect(known, asked string) bool {
	if known == asked {
		return true
	}
	k, err := url.Parse(known)
	if err != nil || k.Scheme != "http" || k.Port() != "" || !slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, k.Hostname()) {
		return false
	}
	a, err := url.Parse(asked)
	if err != nil || a.User != nil {
		return false
	}
	a.Host = strings.TrimSuffix(a.Host, ":"+a.Port())
	return a.String() == known
}
