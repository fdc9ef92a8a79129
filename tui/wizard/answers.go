package wizard

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// Answers are what the wizard was told.
type Answers struct {
	Connection plan.Connection
	// AdminSecret is what the administrator signs in with; it is written nowhere. AdminBy says what it is.
	AdminSecret plan.Secret
	AdminBy     string
	// EdgeToken is Cloudflare's API token; it is written nowhere.
	EdgeToken plan.Secret
}

// How the administrator signs in.
const (
	ByPassword = "password"
	ByClient   = "client"
	ByToken    = "token"
)

// Validate returns everything that is wrong, joined, each with the key of mcpwiz.yaml that it is about.
func (a Answers) Validate() error {
	all := append([]error{a.Connection.Validate()}, a.listens()...)
	if !slices.ContainsFunc(a.Connection.Clients, func(c plan.Client) bool { return c.Profile != plan.Introspection }) {
		all = append(all, errors.New(keyNoClient+": none chosen"))
	}
	if a.Connection.Expose.ByAPI() && a.EdgeToken == "" {
		all = append(all, errors.New(keyEdgeToken+": missing"))
	}
	return errors.Join(append(all, a.administrator()...)...)
}

// keyNoClient is told where a file that names none would mean Claude: a person has seen the list.
const keyNoClient = "clients"

func (a Answers) listens() []error {
	var all []error
	for i, s := range a.Connection.Servers {
		if s.Listen == "" {
			continue
		}
		_, port, err := net.SplitHostPort(s.Listen)
		if n, wrong := strconv.ParseUint(port, 10, 16); err != nil || wrong != nil || n > 65535 {
			all = append(all, fmt.Errorf("servers[%d].listen: %q is not host:port, like 127.0.0.1:8080", i, s.Listen))
		}
	}
	return all
}

// The keys under which Validate tells about secrets, which mcpwiz.yaml has not.
const (
	keySecret    = "keycloak.admin.secret"
	keyEdgeToken = "expose.token"
)

func (a Answers) administrator() []error {
	var all []error
	admin := a.Connection.Keycloak.Admin
	switch {
	case a.AdminBy == ByPassword && admin.User == "":
		all = append(all, errors.New("keycloak.admin.user: missing"))
	case a.AdminBy == ByClient && admin.ClientID == "":
		all = append(all, errors.New("keycloak.admin.client_id: missing"))
	case !slices.Contains([]string{ByPassword, ByClient, ByToken}, a.AdminBy):
		all = append(all, fmt.Errorf("keycloak.admin: %q is no way to sign in", a.AdminBy))
	}
	if a.AdminSecret == "" {
		all = append(all, errors.New(keySecret+": missing"))
	}
	return all
}

// problem returns the first thing wrong with one of keys or what is in it, without the key; "" when all is well.
func (a Answers) problem(keys ...string) string {
	for _, err := range flat(a.Validate()) {
		at, text, _ := strings.Cut(err.Error(), ": ")
		if slices.Contains(keys, at) {
			return text
		}
	}
	return ""
}

// flat takes joined errors apart.
func flat(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		if err == nil {
			return nil
		}
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flat(e)...)
	}
	return all
}
