package keycloak

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/mcpwiz/mcpwiz/keycloak/keycloaktest"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// A weather lies over a Keycloak from its nth write on.
type weather struct {
	next http.Handler

	mu sync.Mutex
	// at counts down the writes until it breaks; lasting is for how many requests it stays.
	at, lasting int
	broken      bool
	storm       func(w http.ResponseWriter, r *http.Request, next http.Handler)
}

func (x *weather) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if storm := x.breaks(r); storm != nil {
		storm(w, r, x.next)
		return
	}
	x.next.ServeHTTP(w, r)
}

func (x *weather) breaks(r *http.Request) func(http.ResponseWriter, *http.Request, http.Handler) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.storm == nil {
		return nil
	}
	if !x.broken && r.Method != http.MethodGet && strings.HasPrefix(r.URL.Path, "/admin/") {
		x.broken = x.at == 0
		x.at--
	}
	if !x.broken || x.lasting == 0 {
		return nil
	}
	x.lasting--
	return x.storm
}

// set changes it, and reports whether the last one broke.
func (x *weather) set(at, lasting int, storm func(http.ResponseWriter, *http.Request, http.Handler)) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	was := x.broken
	x.at, x.lasting, x.broken, x.storm = at, lasting, false, storm
	return was
}

const always = -1

func refusing(status int, kind, body string) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Location", "https://login.example.com/?token=for-nobody-to-read")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// What can happen in the middle of a run: setup says what, or gets over it; what the journal has is enough to go on or back.
var badDays = map[string]struct {
	storm   func(w http.ResponseWriter, r *http.Request, next http.Handler)
	lasting int
	says    []string
}{
	"restarting":     {refusing(http.StatusServiceUnavailable, "text/plain", "starting"), always, []string{"503"}},
	"an access page": {refusing(http.StatusOK, "text/html", "<html>sign in</html>"), always, []string{"text/html", "in front of Keycloak", "admin_url"}},
	"a gateway":      {refusing(http.StatusBadGateway, "text/html", "<html>bad</html>"), always, []string{"502", "in front of Keycloak"}},
	"redirected":     {refusing(http.StatusFound, "text/html", ""), always, []string{"redirected to", "login.example.com", "in front of Keycloak"}},
	"down":           {func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }, always, []string{"broke off"}},
	"the answer is lost": {func(_ http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}, 1, []string{"broke off", "may have been done"}},
	"no token is good any more":     {refusing(http.StatusUnauthorized, "application/json", `{"error":"HTTP 401 Unauthorized"}`), always, []string{"401"}},
	"the token is refused once":     {refusing(http.StatusUnauthorized, "application/json", `{"error":"HTTP 401 Unauthorized"}`), 1, nil},
	"a transaction is rolled back":  {refusing(http.StatusInternalServerError, "application/json", `{"error":"unknown_error"}`), 1, nil},
	"somebody was first, they say":  {refusing(http.StatusConflict, "application/json", `{"errorMessage":"Client claude already exists"}`), 1, nil},
	"the right is taken away":       {refusing(http.StatusForbidden, "application/json", `{"error":"HTTP 403 Forbidden"}`), always, []string{"403", "lacks the role"}},
	"Keycloak itself has a problem": {refusing(http.StatusInternalServerError, "application/json", `{"errorMessage":"Failed to update"}`), 1, []string{"500"}},
}

func TestBadDays(t *testing.T) {
	t.Parallel()
	for name, day := range badDays {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := &weather{next: keycloaktest.New(keycloaktest.Options{AdminUser: "admin", AdminPassword: "of-the-small-one"})}
			front := httptest.NewServer(x)
			t.Cleanup(front.Close)
			for at := 0; ; at++ {
				b := newBench(t, target{name, front.URL, "admin", "of-the-small-one"})
				p := b.look()
				x.set(at, day.lasting, day.storm)
				err := plan.Apply(t.Context(), b.resources(), p, plan.OpenJournal(b.journal), nil)
				broke := x.set(0, 0, nil)
				b.holdDay(at, broke, day.says, err)
				if !broke {
					return
				}
				if at%2 == 0 {
					b.apply() // goes on
				}
				b.undoneByName()
				if r, err := b.a.realm(t.Context(), b.realm); err != nil || r.there {
					t.Errorf("write %d: the realm after undo: %v, %v", at, r.there, err)
				}
			}
		})
	}
}

// holdDay holds the error to what it says, and the journal to ending with what failed.
func (b *bench) holdDay(at int, broke bool, says []string, err error) {
	b.t.Helper()
	records := b.records()
	last := records[len(records)-1]
	if !broke || says == nil {
		if err != nil || last.Kind != plan.Finished {
			b.t.Errorf("write %d: %v; the journal ends with %s", at, err, last.Kind)
		}
		return
	}
	if err == nil || last.Kind != plan.Failed || last.Error == "" {
		b.t.Fatalf("write %d: %v; the journal ends with %s", at, err, last.Kind)
	}
	for _, want := range says {
		if !strings.Contains(err.Error(), want) {
			b.t.Errorf("write %d: no %q in: %v", at, want, err)
		}
	}
	if strings.Contains(err.Error(), "of-the-small-one") {
		b.t.Errorf("the password is told: %v", err)
	}
}
