package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Guard lets only requests pass whose bearer token is for its resource. What it answers to the others depends on
// nothing but the configuration; the authorization server is asked for keys alone.
type Guard struct {
	Resource Resource
	// Verify returns the token, a *Refusal, or an *Unavailable.
	Verify func(ctx context.Context, raw string) (*Token, error)
	// Needs are scopes that single operations take besides the resource's.
	Needs Needs
}

// Require guards next; TokenFrom finds the token in the context it passes on.
func (g *Guard) Require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := g.admit(w, r)
		if token == nil || !g.may(w, r, token) {
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tokenKey{}, token)))
	})
}

type tokenKey struct{}

// TokenFrom returns the verified token of the request at hand, nil when there is none.
func TokenFrom(ctx context.Context) *Token {
	t, _ := ctx.Value(tokenKey{}).(*Token)
	return t
}

// admit returns the request's token, or nil when it has answered.
func (g *Guard) admit(w http.ResponseWriter, r *http.Request) *Token {
	if tokenInQuery(r.URL) {
		g.challenge(w, http.StatusBadRequest, "invalid_request",
			"an access token in the query string is refused (MCP, RFC 6750 section 2.3): send it as Authorization: Bearer")
		return nil
	}
	c := credentialOf(r.Header.Values("Authorization"))
	switch {
	case c.malformed != "":
		g.challenge(w, http.StatusBadRequest, "invalid_request", c.malformed)
		return nil
	case c.token == "":
		g.challenge(w, http.StatusUnauthorized, "", g.absent(c))
		return nil
	}
	token, err := g.Verify(r.Context(), c.token)
	if err != nil {
		g.refuse(w, err)
		return nil
	}
	if missing := lacking(token.Scopes, g.Resource.Scopes); len(missing) > 0 {
		g.challenge(w, http.StatusForbidden, "insufficient_scope",
			"the token has scope '"+strings.Join(token.Scopes, " ")+"' and lacks '"+strings.Join(missing, " ")+"'")
		return nil
	}
	return token
}

func (g *Guard) absent(c credential) string {
	if c.scheme != "" {
		return "Authorization has another scheme than Bearer; get a token from " + g.Resource.Issuer
	}
	return "no bearer token; get one from " + g.Resource.Issuer
}

func (g *Guard) refuse(w http.ResponseWriter, err error) {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		g.challenge(w, http.StatusUnauthorized, "invalid_token", refusal.Description)
		return
	}
	retry, why := refetchInterval, "the keys of "+g.Resource.Issuer+" cannot be fetched"
	var unavailable *Unavailable
	if errors.As(err, &unavailable) {
		retry = unavailable.RetryAfter
		if unavailable.What != "" {
			why = unavailable.What + " at " + g.Resource.Issuer + " failed"
		}
	}
	w.Header().Set("Retry-After", strconv.Itoa(int(max(retry, time.Second)/time.Second)))
	WriteError(w, http.StatusServiceUnavailable, "temporarily_unavailable",
		"the token cannot be judged now: "+why)
}

// challenge answers with a WWW-Authenticate header (RFC 6750 section 3, RFC 9728 section 5.1). Where no token was sent the
// challenge bears no error (RFC 6750 section 3.1); the body says what is wanted all the same.
func (g *Guard) challenge(w http.ResponseWriter, status int, code, description string) {
	g.challengeFor(w, status, g.Resource.Scopes, code, description)
}

// challengeFor names the scopes to ask for.
func (g *Guard) challengeFor(w http.ResponseWriter, status int, scopes []string, code, description string) {
	description = printable(description)
	params := []string{"resource_metadata=" + quoted(g.Resource.MetadataURL())}
	if len(scopes) > 0 {
		params = append(params, "scope="+quoted(strings.Join(scopes, " ")))
	}
	if code != "" {
		params = append(params, "error="+quoted(code), "error_description="+quoted(description))
	} else {
		code = "unauthorized"
	}
	w.Header().Set("WWW-Authenticate", "Bearer "+strings.Join(params, ", "))
	WriteError(w, status, code, description)
}

func lacking(have, want []string) []string {
	var missing []string
	for _, s := range want {
		if !slices.Contains(have, s) {
			missing = append(missing, s)
		}
	}
	return missing
}

// quoted returns a quoted-string (RFC 9110 section 5.6.4).
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// printable brings a text into the characters of error_description (RFC 6750 section 3): printable ASCII without quotation
// mark and backslash.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '"' || c == '\\':
			return '\''
		case c < 0x20 || c > 0x7e:
			return '?'
		}
		return c
	}, s)
}

// A Refusal says why a token is not good here; Description bears nothing secret.
type Refusal struct {
	// Reason is one of malformed, algorithm, type, issuer, audience, expired, not-yet, bound, key, signature, claims, inactive.
	Reason      string
	Description string
}

func (r *Refusal) Error() string { return r.Description }

func refuse(reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Description: printable(fmt.Sprintf(format, args...))}
}

// Unavailable says that a token cannot be judged now. What is what was attempted; empty is fetching the key.
type Unavailable struct {
	RetryAfter time.Duration
	Err        error
	What       string
}

func (u *Unavailable) Error() string {
	return cmp.Or(u.What, "fetching the authorization server's keys") + ": " + u.Err.Error()
}
func (u *Unavailable) Unwrap() error { return u.Err }
