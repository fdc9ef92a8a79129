package keycloak

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A Registered is a client that has registered itself.
type Registered struct {
	ID, Name     string
	RedirectURIs []string
	// Sessions that it has a part in, offline ones too.
	Sessions int

	uuid string
}

// registeredRep is a client as far as it shows how it came about.
type registeredRep struct {
	UUID         string            `json:"id"`
	ID           string            `json:"clientId"`
	Name         string            `json:"name"`
	Consent      bool              `json:"consentRequired"`
	RedirectURIs []string          `json:"redirectUris"`
	Attributes   map[string]string `json:"attributes"`
}

// itself: Keycloak gives who registers anonymously its own id for a client id, and has it ask for consent.
func (r registeredRep) itself() bool {
	return r.ID == r.UUID && r.Consent && len(r.RedirectURIs) > 0 && ownerOf(r.Attributes) == stranger
}

// Duplicates lists the clients that have registered themselves more than once, of those that come back to the callbacks given,
// and of them those to delete: nobody is signed in through them, and another of the same name and callbacks stays.
func (a *Admin) Duplicates(ctx context.Context, realm string, callbacks []string) (all, surplus []Registered, err error) {
	var have []registeredRep
	if err := a.raw(ctx, "list the clients of realm "+realm, http.MethodGet, nil, &have, "realms", realm, "clients"); err != nil {
		return nil, nil, err
	}
	groups := map[string][]Registered{}
	for _, r := range have {
		if !r.itself() || slices.ContainsFunc(r.RedirectURIs, func(uri string) bool { return !known(uri, callbacks) }) {
			continue
		}
		slices.Sort(r.RedirectURIs)
		key := r.Name + " " + strings.Join(portless(r.RedirectURIs), " ")
		groups[key] = append(groups[key], Registered{ID: r.ID, Name: r.Name, RedirectURIs: r.RedirectURIs, uuid: r.UUID})
	}
	for _, group := range groups {
		if len(group) < 2 {
			continue
		}
		unused, err := a.countSessions(ctx, realm, group)
		if err != nil {
			return nil, nil, err
		}
		if len(unused) == len(group) {
			unused = unused[1:] // one of them stays: which is the newest nobody can tell
		}
		all, surplus = append(all, group...), append(surplus, unused...)
	}
	byName := func(x, y Registered) int { return strings.Compare(x.Name+" "+x.ID, y.Name+" "+y.ID) }
	slices.SortFunc(all, byName)
	slices.SortFunc(surplus, byName)
	return all, surplus, nil
}

// countSessions of each, and returns those that have none.
func (a *Admin) countSessions(ctx context.Context, realm string, group []Registered) (unused []Registered, err error) {
	for i := range group {
		for _, kind := range []string{"session-count", "offline-session-count"} {
			var answer struct {
				Count int `json:"count"`
			}
			if err := a.raw(ctx, "count the sessions of client "+group[i].ID, http.MethodGet, nil, &answer, "realms", realm, "clients", group[i].uuid, kind); err != nil {
				return nil, err
			}
			group[i].Sessions += answer.Count
		}
		if group[i].Sessions == 0 {
			unused = append(unused, group[i])
		}
	}
	return unused, nil
}

// Prune deletes a client that has registered itself, unless somebody has signed in through it meanwhile.
func (a *Admin) Prune(ctx context.Context, realm string, r Registered) error {
	again := []Registered{{ID: r.ID, uuid: r.uuid}}
	unused, err := a.countSessions(ctx, realm, again)
	if err != nil {
		return err
	}
	if len(unused) == 0 {
		return fmt.Errorf("delete client %s: somebody has signed in through it meanwhile", r.ID)
	}
	return a.raw(ctx, "delete client "+r.ID, http.MethodDelete, nil, nil, "realms", realm, "clients", r.uuid)
}

// known: the URI is one of the callbacks; on loopback the port does not count (RFC 8252 7.3).
func known(uri string, callbacks []string) bool {
	return slices.Contains(portless(callbacks), portless([]string{uri})[0])
}

func portless(uris []string) []string {
	var all []string
	for _, uri := range uris {
		uri = strings.Replace(uri, ":{port}", "", 1)
		if u, err := url.Parse(uri); err == nil && probe.Loopback(u.Hostname()) {
			u.Host = "localhost"
			uri = u.String()
		}
		all = append(all, uri)
	}
	return all
}
