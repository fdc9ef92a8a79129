package keycloak

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// errorEvents are the types that say why a client or a user was refused.
var errorEvents = []string{"LOGIN_ERROR", "CODE_TO_TOKEN_ERROR", "REFRESH_TOKEN_ERROR", "CLIENT_LOGIN_ERROR", "CLIENT_REGISTER_ERROR"}

// mostEvents are asked for at once; the newest come first.
const mostEvents = 200

// Events returns who tells the errors that Keycloak has logged since: of a client, and those that name none, such as of a
// registration; of every client where none is given. Each is told once. Who the user is, and from where, is not told.
func (u *Audit) Events(ctx context.Context, clientID string) (probe.Informant, error) {
	before, err := u.events(ctx)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, e := range before {
		seen[e.ID] = true
	}
	return func(ctx context.Context, _, _ time.Time, note func(probe.Fact)) error {
		realm, err := u.a.realm(ctx, u.realm())
		if err != nil {
			return err
		}
		all, err := u.events(ctx)
		if err != nil {
			return err
		}
		n := 0
		for _, e := range all {
			if seen[e.ID] || clientID != "" && e.Client != "" && e.Client != clientID {
				continue
			}
			n++
			seen[e.ID] = true
			note(probe.Fact{Kind: "keycloak-event", Source: "keycloak", At: time.UnixMilli(e.Time), Data: e.data()})
		}
		kept, _ := realm.fields["eventsEnabled"].(bool)
		u.note(note, "keycloak-events", map[string]any{"enabled": kept, "count": n})
		return nil
	}, nil
}

// eventRep is an event as far as it says why.
type eventRep struct {
	ID      string            `json:"id"`
	Time    int64             `json:"time"`
	Type    string            `json:"type"`
	Client  string            `json:"clientId"`
	Error   string            `json:"error"`
	Details map[string]string `json:"details"`
}

// data leaves out what is of the user: names, addresses, sessions.
func (e eventRep) data() map[string]any {
	data := map[string]any{"type": e.Type, "error": e.Error}
	for name, v := range map[string]string{
		"client_id": e.Client, "redirect_uri": e.Details["redirect_uri"], "reason": e.Details["reason"],
		"policy": cmp.Or(e.Details["client_registration_policy"], e.Details["client_policy_error"]),
	} {
		if v != "" {
			data[name] = v
		}
	}
	return data
}

// events are the newest; none of a realm that is not there.
func (u *Audit) events(ctx context.Context) (all []eventRep, err error) {
	q := url.Values{"type": errorEvents, "max": {strconv.Itoa(mostEvents)}}
	to := u.a.adminURL("realms", u.realm(), "events") + "?" + q.Encode()
	if err = u.a.rawAt(ctx, "read the events of realm "+u.realm(), http.MethodGet, to, nil, &all); noRealm(err) {
		return nil, nil
	}
	return all, err
}

// readEntries reads the entries of a list of client policies.
func readEntries(raw []json.RawMessage, err error) ([]policyRep, error) {
	all := make([]policyRep, len(raw))
	for i := range raw {
		if err := json.Unmarshal(raw[i], &all[i]); err != nil {
			return nil, fmt.Errorf("read the client policies: %w", err)
		}
	}
	return all, err
}
