package keycloak

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// An Error is a refusal of Keycloak, or of something in front of it.
type Error struct {
	// Call is what was asked: "create client claude".
	Call   string
	Status int
	// Code is OAuth's error, where there is one; texts differ between versions, codes do not.
	Code string
	Text string
	// Remedy is what to do.
	Remedy string

	method, path string
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.Call != "" {
		b.WriteString(e.Call + ": ")
	}
	fmt.Fprintf(&b, "%d", e.Status)
	if s := http.StatusText(e.Status); s != "" {
		b.WriteString(" " + s)
	}
	for _, part := range []string{e.Code, e.Text, e.Remedy} {
		if part != "" {
			b.WriteString(": " + part)
		}
	}
	return b.String()
}

// Conflict reports whether somebody else has made the same thing: who meets it looks again.
func (e *Error) Conflict() bool { return e.Status == http.StatusConflict }

// errorText reads the five shapes in which Keycloak refuses; both are empty for anything else.
func errorText(body []byte) (code, text string) {
	var shape struct {
		ErrorMessage string   `json:"errorMessage"`
		Error        string   `json:"error"`
		Description  string   `json:"error_description"`
		Field        string   `json:"field"`
		Params       []any    `json:"params"`
		Errors       []detail `json:"errors"`
	}
	if json.Unmarshal(body, &shape) != nil {
		return "", ""
	}
	switch {
	case len(shape.Errors) > 0:
		var all []string
		for _, d := range shape.Errors {
			all = append(all, d.String())
		}
		return "", clip(strings.Join(all, "; "))
	case shape.Field != "":
		return "", clip(detail{shape.Field, shape.ErrorMessage}.String())
	case shape.ErrorMessage != "":
		return "", clip(shape.ErrorMessage)
	case shape.Description != "":
		return clip(shape.Error), clip(shape.Description)
	case !strings.Contains(shape.Error, " ") && !strings.HasPrefix(shape.Error, "HTTP"):
		return clip(shape.Error), ""
	}
	return "", clip(shape.Error)
}

// detail is one violation of the user profile.
type detail struct {
	Field        string `json:"field"`
	ErrorMessage string `json:"errorMessage"`
}

func (d detail) String() string { return d.Field + ": " + d.ErrorMessage }

// clip keeps what a server sent from filling or driving a terminal.
func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
	if len(s) > 500 {
		return s[:500] + "..."
	}
	return s
}

func isStatus(err error, status int) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == status
}

// noRealm: the realm is not there, or it is hidden from an account without any right.
func noRealm(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound && strings.HasPrefix(e.Text, "Realm not found")
}

// rights are the smallest roles for what we call, by the part of the path behind the realm and whether it writes
// (measured on 26.7.3 and 26.4.7).
var rights = []struct{ part, read, write string }{
	{"client-scopes", "view-clients", "manage-clients"},
	{"clients", "view-clients", "manage-clients"},
	{givenScopes, "view-clients", "manage-clients"},
	{offeredScopes, "view-clients", "manage-clients"},
	{"users", "view-users", "manage-users"},
	{"roles", "view-realm", "manage-realm"},
	{"events", "view-events", "manage-events"},
	{"", "view-realm", "manage-realm"},
}

// missingRole names the role of client realm-management that a refused call needs.
func missingRole(method, path string) string {
	_, rest, found := strings.Cut(path, "/admin/realms")
	parts := strings.Split(strings.Trim(rest, "/"), "/")
	switch {
	case !found:
		return ""
	case parts[0] == "":
		return createRealm
	}
	part := ""
	if len(parts) > 1 {
		part = parts[1]
	}
	for _, r := range rights {
		if r.part != part && r.part != "" {
			continue
		}
		if method == http.MethodGet {
			return r.read
		}
		return r.write
	}
	return ""
}
