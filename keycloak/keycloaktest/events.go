package keycloaktest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// An event is what the realm keeps of a request that it refused, as the Admin API shows it.
type event struct {
	ID      string            `json:"id"`
	Time    int64             `json:"time"`
	Type    string            `json:"type"`
	Realm   string            `json:"realmId"`
	Client  string            `json:"clientId,omitempty"`
	Address string            `json:"ipAddress"`
	Error   string            `json:"error"`
	Details map[string]string `json:"details,omitempty"`
}

// eventsKept are the most that a realm keeps here.
const eventsKept = 1000

// keep keeps what an answer says of a refusal, where the realm keeps events.
func (c *call) keep(a answer) {
	if !c.realm.flag("eventsEnabled") {
		return
	}
	e := c.refusal(strings.TrimPrefix(c.r.URL.Path, c.cookiePath()), a)
	if e.Error == "" {
		return
	}
	e.ID, e.Time, e.Realm, e.Address = newID(), c.now.UnixMilli(), c.realm.id, "127.0.0.1"
	for name, v := range e.Details {
		if v == "" {
			delete(e.Details, name)
		}
	}
	c.realm.events = append(c.realm.events, e)
	if more := len(c.realm.events) - eventsKept; more > 0 {
		c.realm.events = c.realm.events[more:]
	}
}

// refusal is the event of an answer; one without an error for what is none.
func (c *call) refusal(path string, a answer) event {
	switch {
	case path == "protocol/openid-connect/auth":
		return c.loginRefusal(a)
	case path == "login-actions/authenticate" && a.status == http.StatusOK && strings.Contains(string(a.body), "Invalid username or password."):
		return event{Type: "LOGIN_ERROR", Error: "invalid_user_credentials", Client: c.r.URL.Query().Get("client_id")}
	case path == "protocol/openid-connect/token" && a.status >= 400:
		return c.tokenRefusal(a)
	case strings.HasPrefix(path, "clients-registrations/") && a.status == http.StatusForbidden:
		_, rest, _ := strings.Cut(described(a).Description, "Policy '")
		policy, _, _ := strings.Cut(rest, "'")
		return event{Type: "CLIENT_REGISTER_ERROR", Error: "not_allowed", Details: map[string]string{"client_registration_policy": policy}}
	}
	return event{}
}

// pageErrors are the events of pages on which a sign-in ends before it has begun.
var pageErrors = map[string]string{
	"Invalid parameter: redirect_uri": "invalid_redirect_uri", "Client not found.": "client_not_found", "Client disabled.": "client_disabled",
}

func (c *call) loginRefusal(a answer) event {
	q := c.r.URL.Query()
	if c.r.Method == http.MethodPost {
		q = c.form
	}
	e := event{Type: "LOGIN_ERROR", Client: q.Get("client_id"), Details: map[string]string{}}
	for text, code := range pageErrors {
		if a.status == http.StatusBadRequest && strings.Contains(string(a.body), text) {
			e.Error = code
		}
	}
	if e.Error == "invalid_redirect_uri" {
		e.Details["redirect_uri"] = q.Get("redirect_uri")
	}
	if to, err := url.Parse(a.header.Get("Location")); err == nil && to.Query().Get("error") != "" {
		e.Error, e.Details["reason"], e.Details["redirect_uri"] = "invalid_request", to.Query().Get("error_description"), q.Get("redirect_uri")
	}
	return e
}

type refusedAs struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

func described(a answer) (r refusedAs) {
	_ = json.Unmarshal(a.body, &r) // what is no JSON says nothing
	return r
}

func (c *call) tokenRefusal(a answer) event {
	said := described(a)
	e := event{Type: "CLIENT_LOGIN_ERROR", Error: "invalid_request", Client: c.form.Get("client_id"),
		Details: map[string]string{"grant_type": c.form.Get("grant_type"), "reason": said.Description}}
	if id, _, ok := c.r.BasicAuth(); ok {
		e.Client, _ = url.QueryUnescape(id)
	}
	switch c.form.Get("grant_type") {
	case "authorization_code":
		e.Type, e.Error = "CODE_TO_TOKEN_ERROR", "invalid_code"
	case "refresh_token":
		e.Type, e.Error = "REFRESH_TOKEN_ERROR", "invalid_token"
	}
	switch {
	case said.Error == "unauthorized_client" || said.Error == "invalid_client":
		e.Error, e.Details["reason"] = "invalid_client_credentials", ""
	case strings.HasPrefix(said.Description, "PKCE"):
		e.Error = "pkce_verification_failed"
	case said.Description == "Incorrect redirect_uri":
		e.Error = "invalid_redirect_uri"
	}
	return e
}

// listEvents shows the newest first, of the types and the time that are asked for.
func listEvents(c *call) answer {
	q := c.r.URL.Query()
	from, _ := strconv.ParseInt(q.Get("dateFrom"), 10, 64)
	limit, err := strconv.Atoi(q.Get("max"))
	if err != nil {
		limit = 100
	}
	all := []event{}
	for _, e := range slices.Backward(c.realm.events) {
		if len(all) < limit && e.Time >= from && (len(q["type"]) == 0 || slices.Contains(q["type"], e.Type)) && is(q.Get("client"), e.Client) {
			all = append(all, e)
		}
	}
	return found(all)
}

func clearEvents(c *call) answer {
	c.realm.events = nil
	return status(http.StatusNoContent)
}
