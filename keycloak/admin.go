package keycloak

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/Nerzal/gocloak/v13"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// Options say where the Admin API is and who signs in: a user with a password, a client with its secret, or a token.
type Options struct {
	// AdminURL is Keycloak's base, without /admin.
	AdminURL string
	// CAFile has certificates to trust besides the system's.
	CAFile string
	// Realm is where the administrator signs in; empty is master.
	Realm                 string
	User                  string
	Password, OneTimeCode plan.Secret
	ClientID              string // of the client that signs in; with User empty is admin-cli
	ClientSecret          plan.Secret
	Token                 plan.Secret
	// Transport reaches Keycloak; nil is one that honours HTTPS_PROXY and trusts CAFile.
	Transport http.RoundTripper
	// Patience is how long one call may take; 0 is 30 s.
	Patience time.Duration
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// An Admin calls the Admin API. It is safe for concurrent use.
type Admin struct {
	o    Options
	api  api
	wire *http.Client

	mu      sync.Mutex
	session session
	given   bool // the token of the options was taken
	// can is what this Keycloak can do, once it was asked.
	can abilities
}

// api is what we call of gocloak. Scopes with mappers and realms go over the wire raw: its structs lose
// included.custom.audience, and most of a realm.
type api interface {
	DeleteRealm(ctx context.Context, token, realm string) error
	DeleteClientScope(ctx context.Context, token, realm, scopeID string) error

	GetClients(ctx context.Context, token, realm string, params gocloak.GetClientsParams) ([]*gocloak.Client, error)
	CreateClient(ctx context.Context, token, realm string, c gocloak.Client) (string, error)
	UpdateClient(ctx context.Context, token, realm string, c gocloak.Client) error
	DeleteClient(ctx context.Context, token, realm, id string) error
	AddDefaultScopeToClient(ctx context.Context, token, realm, client, scope string) error
	RemoveDefaultScopeFromClient(ctx context.Context, token, realm, client, scope string) error
	AddOptionalScopeToClient(ctx context.Context, token, realm, client, scope string) error
	RemoveOptionalScopeFromClient(ctx context.Context, token, realm, client, scope string) error

	GetUsers(ctx context.Context, token, realm string, params gocloak.GetUsersParams) ([]*gocloak.User, error)
	CreateUser(ctx context.Context, token, realm string, u gocloak.User) (string, error)
	UpdateUser(ctx context.Context, token, realm string, u gocloak.User) error
	DeleteUser(ctx context.Context, token, realm, id string) error
}

var _ api = (*gocloak.GoCloak)(nil)

// patience is for one call; the slowest, making a realm, takes half a second on a small machine.
const patience = 30 * time.Second

// patient bounds one call. That Keycloak did not answer in time is told otherwise than that somebody else waits no longer.
func (a *Admin) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, a.o.Patience, fmt.Errorf("no answer within %s: Keycloak hangs, or is very slow (%w)", a.o.Patience, context.DeadlineExceeded))
}

// Login signs in, so that wrong credentials are told before anything is planned.
func Login(ctx context.Context, o Options) (*Admin, error) {
	if err := o.fill(); err != nil {
		return nil, fmt.Errorf("sign in to Keycloak: %w", err)
	}
	if o.Token == "" && o.ClientID == "" {
		return nil, errors.New("sign in to Keycloak: nobody to sign in: give keycloak.admin.user or keycloak.admin.client_id")
	}
	a := newAdmin(o)
	_, err := a.bearer(ctx)
	return a, err
}

func (o *Options) fill() error {
	o.AdminURL = strings.TrimRight(o.AdminURL, "/")
	o.Realm = cmp.Or(o.Realm, plan.DefaultAdminRealm)
	o.Patience = cmp.Or(o.Patience, patience)
	if o.User != "" {
		o.ClientID = cmp.Or(o.ClientID, "admin-cli")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.AdminURL == "" {
		return errors.New("no admin_url")
	}
	if o.Transport == nil {
		t, err := newTransport(o.CAFile)
		if err != nil {
			return err
		}
		o.Transport = t
	}
	return nil
}

func newAdmin(o Options) *Admin {
	t := strictTransport{o.Transport, 100 * time.Millisecond}
	g := gocloak.NewClient(o.AdminURL)
	g.RestyClient().SetTransport(t).SetLogger(quiet{})
	return &Admin{o: o, api: g, wire: &http.Client{Transport: t}}
}

// quiet keeps resty from writing warnings over a terminal.
type quiet struct{}

func (quiet) Errorf(string, ...any) {}
func (quiet) Warnf(string, ...any)  {}
func (quiet) Debugf(string, ...any) {}

// do makes one call with a token that is good for it, and once more with a new one when it is refused as 401.
func (a *Admin) do(ctx context.Context, call string, f func(ctx context.Context, token string) error) error {
	err := a.once(ctx, call, f)
	if isStatus(err, http.StatusUnauthorized) {
		err = a.once(ctx, call, f)
	}
	return err
}

func (a *Admin) once(ctx context.Context, call string, f func(context.Context, string) error) error {
	token, err := a.bearer(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := a.patient(ctx)
	defer cancel()
	watched, seen := watched(ctx)
	err = f(watched, token)
	if err == nil {
		return nil
	}
	var e *Error
	if !errors.As(seen.err, &e) {
		return wireError(ctx, call, err, seen)
	}
	if e.Status == http.StatusUnauthorized {
		a.forget(token)
	}
	told := *e
	told.Call = call
	if told.Status == http.StatusForbidden && told.Remedy == "" {
		if role := missingRole(told.method, told.path); role != "" {
			told.Remedy = a.who() + " lacks the role " + role
		}
	}
	return &told
}

// wireError tells why there was no answer: gocloak turns the reason into text, so the wire's own word comes first.
func wireError(ctx context.Context, call string, err error, seen *outcome) error {
	switch {
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case seen.err != nil:
		err = seen.err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
		err = fmt.Errorf("the connection broke off before the answer was there, so it may have been done: %w", err)
	}
	return fmt.Errorf("%s: %w", call, err)
}

// raw makes a call that gocloak has not or gets wrong: path parts are escaped, in and out are JSON, nil for none.
func (a *Admin) raw(ctx context.Context, call, method string, in, out any, path ...string) error {
	return a.rawAt(ctx, call, method, a.adminURL(path...), in, out)
}

func (a *Admin) adminURL(path ...string) string {
	to := a.o.AdminURL + "/admin"
	for _, p := range path {
		to += "/" + url.PathEscape(p)
	}
	return to
}

func (a *Admin) rawAt(ctx context.Context, call, method, to string, in, out any) error {
	return a.do(ctx, call, func(ctx context.Context, token string) error {
		req, err := newRequest(ctx, method, to, in)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := a.wire.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if out == nil {
			return nil
		}
		return json.NewDecoder(resp.Body).Decode(out)
	})
}

func newRequest(ctx context.Context, method, to string, in any) (*http.Request, error) {
	if in == nil {
		return http.NewRequestWithContext(ctx, method, to, nil)
	}
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return req, nil
}
