package keycloak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Nerzal/gocloak/v13"
)

// front is an Admin whose Keycloak answers the token endpoint, and everything else as the handler says.
func front(t *testing.T, rest http.HandlerFunc) *Admin {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/token") {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"access_token":"canary-of-a-token","expires_in":60}`)
			return
		}
		rest(w, r)
	}))
	t.Cleanup(s.Close)
	a, err := Login(t.Context(), Options{AdminURL: s.URL, User: "admin", Password: "canary-of-a-password"})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// calls is every way in which we call: gocloak's and ours, reading and writing.
var calls = map[string]func(ctx context.Context, a *Admin) error{
	"gocloak reads": func(ctx context.Context, a *Admin) error {
		return a.do(ctx, "read", func(ctx context.Context, token string) error {
			_, err := a.api.GetClients(ctx, token, "mcp", gocloak.GetClientsParams{})
			return err
		})
	},
	"gocloak writes": func(ctx context.Context, a *Admin) error {
		return a.do(ctx, "write", func(ctx context.Context, token string) error {
			return a.api.UpdateClient(ctx, token, "mcp", gocloak.Client{ID: gocloak.StringP("1")})
		})
	},
	"raw reads": func(ctx context.Context, a *Admin) error {
		_, err := a.realm(ctx, "mcp")
		return err
	},
	"raw writes": func(ctx context.Context, a *Admin) error {
		return a.raw(ctx, "write", http.MethodPut, map[string]any{}, nil, "realms", "mcp")
	},
}

// What gocloak by itself takes for success, or tells without a word of the reason.
func TestAnswersThatAreNotKeycloaks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		says   []string
	}{
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				t.Error("the redirect was followed")
			}
			http.Redirect(w, r, "/elsewhere", http.StatusMovedPermanently)
		}, []string{"301", "/elsewhere", "admin_url"}},
		"page with 200": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<html>sign in</html>")
		}, []string{"text/html", "in front of Keycloak"}},
		"page with 403": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, "<html>blocked</html>")
		}, []string{"403", "text/html", "in front of Keycloak"}},
		"JSON": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusConflict)
			fmt.Fprint(w, `{"errorMessage":"Client claude already exists"}`)
		}, []string{"409", "Client claude already exists"}},
		"rights": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"error":"HTTP 403 Forbidden"}`)
		}, []string{"403", "user admin lacks the role "}},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "{")
		}, []string{"read the answer"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := front(t, c.answer)
			for way, do := range calls {
				err := do(t.Context(), a)
				if err == nil {
					t.Errorf("%s: taken for success", way)
					continue
				}
				for _, want := range c.says {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%s: no %q in: %v", way, want, err)
					}
				}
				if strings.Contains(err.Error(), "canary") {
					t.Errorf("%s tells a secret: %v", way, err)
				}
			}
		})
	}
}

// Reading is tried again while the server is busy; writing never, for it may have been done.
func TestOnlyReadingIsTriedAgain(t *testing.T) {
	t.Parallel()
	for way, do := range calls {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			a := front(t, func(w http.ResponseWriter, _ *http.Request) {
				if asked.Add(1) < 3 {
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				w.Header().Set("Content-Type", "application/json")
				if way == "gocloak reads" {
					fmt.Fprint(w, "[]")
				} else {
					fmt.Fprint(w, "{}")
				}
			})
			err := do(t.Context(), a)
			reads := strings.HasSuffix(way, "reads")
			if reads != (err == nil) || reads && asked.Load() != 3 || !reads && asked.Load() != 1 {
				t.Errorf("asked %d times: %v", asked.Load(), err)
			}
		})
	}
}

// A transaction that Keycloak gave up as a whole is begun again, with its body; after the third time it is told.
func TestRolledBackIsTriedAgain(t *testing.T) {
	t.Parallel()
	for way, do := range calls {
		for _, giveUps := range []int64{2, 3} {
			t.Run(fmt.Sprint(way, giveUps), func(t *testing.T) {
				t.Parallel()
				var asked atomic.Int64
				var first atomic.Value
				a := front(t, func(w http.ResponseWriter, r *http.Request) {
					body, err := io.ReadAll(r.Body)
					if err != nil {
						t.Error(err)
					}
					if was := first.Swap(string(body)); was != nil && was != string(body) {
						t.Errorf("sent again as %q, first %q", body, was)
					}
					w.Header().Set("Content-Type", "application/json")
					if asked.Add(1) <= giveUps {
						w.WriteHeader(http.StatusInternalServerError)
						fmt.Fprint(w, `{"error":"unknown_error","error_description":"For more on this error consult the server log."}`)
						return
					}
					if way == "gocloak reads" {
						fmt.Fprint(w, "[]")
					} else {
						fmt.Fprint(w, "{}")
					}
				})
				if err := do(t.Context(), a); (err == nil) != (giveUps == 2) || asked.Load() != 3 {
					t.Errorf("asked %d times: %v", asked.Load(), err)
				}
			})
		}
	}
}

func TestAPatienceThatEnds(t *testing.T) {
	t.Parallel()
	a := front(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then is it noticed that nobody waits any more
		<-r.Context().Done()
	})
	for way, do := range calls {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		err := do(ctx, a)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", way, err)
		}
	}
}

// A Keycloak that hangs is told otherwise than somebody who waits no longer.
func TestAKeycloakThatHangs(t *testing.T) {
	t.Parallel()
	a := front(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	a.o.Patience = 50 * time.Millisecond
	for way, do := range calls {
		if err := do(t.Context(), a); err == nil || !strings.Contains(err.Error(), "no answer within 50ms: Keycloak hangs") {
			t.Errorf("%s: %v", way, err)
		}
	}
}

// A name may hold what is special in a path.
func TestPathsAreEscaped(t *testing.T) {
	t.Parallel()
	var path string
	a := front(t, func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.EscapedPath()
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, "{}")
	})
	if _, err := a.realm(t.Context(), "a b/../c?d"); err != nil {
		t.Fatal(err)
	}
	if want := "/admin/realms/a%20b%2F..%2Fc%3Fd"; path != want {
		t.Errorf("want %s, got %s", want, path)
	}
}
