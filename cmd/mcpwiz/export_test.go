package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// An operator's hand calls the Admin API.
type hand struct {
	t           testing.TB
	base, token string
	b           behind
}

// signIn takes a new token: those of master last for a minute.
func (h *hand) signIn() {
	h.t.Helper()
	resp, err := http.PostForm(h.base+"/realms/master/protocol/openid-connect/token", url.Values{
		"grant_type": {"password"}, "client_id": {"admin-cli"}, "username": {h.b.user}, "password": {h.b.password}})
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	var token struct {
		Access string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&token); err != nil || token.Access == "" {
		h.t.Fatalf("no token of the administrator: %v", err)
	}
	h.token = token.Access
}

// call makes a call below /admin/realms, and returns the status and what was answered.
func (h *hand) call(method, path string, body any) (int, any) {
	h.t.Helper()
	status, out := h.once(method, path, body)
	if status == http.StatusUnauthorized {
		h.signIn()
		status, out = h.once(method, path, body)
	}
	return status, out
}

func (h *hand) once(method, path string, body any) (int, any) {
	h.t.Helper()
	var in bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&in).Encode(body); err != nil {
			h.t.Fatal(err)
		}
	}
	req, err := http.NewRequest(method, h.base+"/admin/realms"+path, &in)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+h.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	var out any
	_ = json.NewDecoder(resp.Body).Decode(&out) // many answers are empty
	return resp.StatusCode, out
}

// must is a call that is good with one of these states.
func (h *hand) must(method, path string, body any) any {
	h.t.Helper()
	status, out := h.call(method, path, body)
	if status/100 != 2 {
		h.t.Fatalf("%s %s: %d %v", method, path, status, out)
	}
	return out
}

// export is the whole of a realm, "" where there is none: Keycloak's own export where it has one, else what its lists say. What
// differs between two exports of the same is left out: ids, times, secrets' places and order.
func (h *hand) export(realm string) string {
	h.t.Helper()
	if status, _ := h.call(http.MethodGet, "/"+realm, nil); status == http.StatusNotFound {
		return ""
	}
	status, all := h.call(http.MethodPost, "/"+realm+"/partial-export?exportClients=true&exportGroupsAndRoles=true", nil)
	if status == http.StatusNotFound {
		lists := map[string]any{}
		for _, path := range []string{"", "/clients", "/client-scopes", "/users", "/components", "/default-default-client-scopes", "/default-optional-client-scopes",
			"/client-policies/profiles", "/client-policies/policies"} {
			lists[path] = h.must(http.MethodGet, "/"+realm+path, nil)
		}
		all = lists
	} else if status/100 != 2 {
		h.t.Fatalf("export realm %s: %d", realm, status)
	}
	text, err := json.MarshalIndent(normalised(all), "", " ")
	if err != nil {
		h.t.Fatal(err)
	}
	return string(text)
}

var unstable = []string{"id", "containerId", "_id", "parentId", "createdTimestamp", "client.secret.creation.time"}

func normalised(v any) any {
	switch x := v.(type) {
	case map[string]any:
		all := map[string]any{}
		for k, v := range x {
			if !slices.Contains(unstable, k) {
				all[k] = normalised(v)
			}
		}
		return all
	case []any:
		all := make([]any, len(x))
		for i, v := range x {
			all[i] = normalised(v)
		}
		slices.SortFunc(all, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		return all
	}
	return v
}
