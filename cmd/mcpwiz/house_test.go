package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// A house is a connection as its user has it: a directory with mcpwiz.yaml, commands called there, a Keycloak, and a name for
// the server under which something stands in front of it. All that passes either is trawled.
type house struct {
	t     *testing.T
	trawl *trawl
	// dir is the user's, home and temp are the program's to write to.
	dir, home, temp string
	keycloak, url   string
	connection      plan.Connection
	// served is where mcpwiz serve listens; until it does nobody answers.
	served atomic.Pointer[url.URL]
	// indiscreet is what each side quotes of a request when it refuses it: anything, as an angry server would.
	indiscreetKeycloak, indiscreetServer atomic.Bool
	// told is what each command wrote.
	told map[string]string
}

func newHouse(t *testing.T, b behind) *house {
	t.Helper()
	h := &house{t: t, trawl: new(trawl), dir: t.TempDir(), home: t.TempDir(), temp: t.TempDir(), told: map[string]string{}}
	k := httptest.NewServer(h.trawl.over(quoting(&h.indiscreetKeycloak, "/token", b)))
	t.Cleanup(k.Close)
	s := httptest.NewServer(h.trawl.over(quoting(&h.indiscreetServer, "/mcp", http.HandlerFunc(h.pass))))
	t.Cleanup(s.Close)
	h.keycloak, h.url = k.URL, s.URL+"/mcp"
	h.connection = plan.Connection{
		Version:  plan.FormatVersion,
		Servers:  []plan.Server{{URL: h.url, Listen: "127.0.0.1:0"}},
		Keycloak: plan.Keycloak{Issuer: k.URL + "/realms/" + newRealm(), CreateRealm: true, Admin: plan.Admin{User: b.user}},
		Clients: []plan.Client{{Profile: "claude-ai"}, {Profile: "inspector"}, {Profile: "m2m"},
			{Profile: "m2m", ID: "signer", Auth: plan.AuthPrivateKeyJWT}, {Profile: plan.Introspection}},
		Users: []plan.User{{Name: "alice"}},
	}
	h.save()
	if b.real {
		t.Cleanup(func() { deleteRealm(t, b, k.URL, h.connection.Defaults().Keycloak.Realm) })
	}
	return h
}

func (h *house) save() {
	h.t.Helper()
	if err := h.connection.Save(filepath.Join(h.dir, defaultFile)); err != nil {
		h.t.Fatal(err)
	}
}

// pass is a reverse proxy in front of mcpwiz serve.
func (h *house) pass(w http.ResponseWriter, r *http.Request) {
	to := h.served.Load()
	if to == nil {
		http.Error(w, "nobody serves", http.StatusBadGateway)
		return
	}
	p := httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host
	}}
	p.ServeHTTP(w, r)
}

// quoting refuses POST requests at a path, while it is switched on, by quoting what is secret in them in every place there is.
func quoting(on *atomic.Bool, path string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !on.Load() || r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, path) {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		text := fmt.Sprintf("I do not like %s, nor %s", r.Header.Get("Authorization"), body)
		w.Header().Set("WWW-Authenticate", fmt.Sprintf("Bearer error=%q, error_description=%q", "invalid_token", text))
		w.Header().Set("X-Debug", text)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error":"invalid_grant","error_description":%q}`, text)
	})
}

func (h *house) environ(env []string) []string {
	// The race detector sleeps for a second at every exit, and there are many.
	own := []string{"GORACE=atexit_sleep_ms=0", "LANG=C.UTF-8", "HOME=" + h.home, "TMPDIR=" + h.temp, "XDG_CACHE_HOME=" + filepath.Join(h.home, ".cache")}
	return slices.Concat(os.Environ(), own, env)
}

// run runs a command to its end, which is good where it exits with one of the codes.
func (h *house) run(codes []int, env []string, args ...string) {
	h.t.Helper()
	c := call(h.t, h.dir, h.environ(env), args...)
	name := "mcpwiz " + strings.Join(args, " ")
	if code := c.ends(h.t); !slices.Contains(codes, code) {
		h.t.Errorf("%s ends with %d:\n%s%s", name, code, &c.out, &c.err)
	}
	h.tell(name+" (out)", c.out.String())
	h.tell(name+" (err)", c.err.String())
}

func (h *house) tell(name, text string) { h.told[fmt.Sprintf("%d. %s", len(h.told)+1, name)] = text }

var listening = regexp.MustCompile(`listening at (127\.0\.0\.1:\d+)`)

// serve runs mcpwiz serve until what is returned ends it.
func (h *house) serve(args ...string) (stop func()) {
	h.t.Helper()
	c := exec.Command("mcpwiz", append([]string{"serve", "-f", defaultFile}, args...)...)
	log := new(heard)
	c.Dir, c.Stdout, c.Stderr, c.Env = h.dir, log, log, h.environ(nil)
	if err := c.Start(); err != nil {
		h.t.Fatal(err)
	}
	over := make(chan error, 1)
	go func() { over <- c.Wait() }()
	stop = sync.OnceFunc(func() {
		h.served.Store(nil)
		_ = c.Process.Signal(os.Interrupt) // it may be over
		select {
		case <-over:
		case <-time.After(2 * time.Minute):
			_ = c.Process.Kill()
			h.t.Errorf("it does not stop:\n%s", log)
		}
		h.tell(strings.Join(c.Args, " "), log.String())
	})
	h.t.Cleanup(stop)
	for range 400 {
		if m := listening.FindStringSubmatch(log.String()); m != nil {
			h.served.Store(&url.URL{Scheme: "http", Host: m[1]})
			return stop
		}
		time.Sleep(25 * time.Millisecond)
	}
	h.t.Fatalf("it does not listen:\n%s", log)
	return nil
}

// What is heard of a program that goes on can be read meanwhile.
type heard struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (h *heard) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(b)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}

// files are those under the directories of the house, by their names.
func (h *house) files() map[string]string {
	h.t.Helper()
	all := map[string]string{}
	for _, dir := range []string{h.dir, h.home, h.temp} {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			all[path] = string(text)
			return err
		})
		if err != nil {
			h.t.Fatal(err)
		}
	}
	return all
}

// deleteRealm puts a real Keycloak back.
func deleteRealm(t *testing.T, b behind, base, realm string) {
	resp, err := http.PostForm(base+"/realms/master/protocol/openid-connect/token", url.Values{
		"grant_type": {"password"}, "client_id": {"admin-cli"}, "username": {b.user}, "password": {b.password}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var token struct {
		Access string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&token); err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodDelete, base+"/admin/realms/"+realm, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token.Access)
	gone, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Body.Close()
	if gone.StatusCode != http.StatusNoContent && gone.StatusCode != http.StatusNotFound {
		t.Errorf("realm %s stays: %s", realm, gone.Status)
	}
}
