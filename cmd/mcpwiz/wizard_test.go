package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/mcpwiz/mcpwiz/keycloak/keycloaktest"
)

// smallOne starts a small Keycloak behind a handler that may be laid over it; the realm of the walk is mcp.
func smallOne(t *testing.T, over func(http.Handler) http.Handler) string {
	t.Helper()
	h := http.Handler(keycloaktest.New(keycloaktest.Options{AdminPassword: canaryAdmin}))
	if over != nil {
		h = over(h)
	}
	k := httptest.NewServer(h)
	t.Cleanup(k.Close)
	return k.URL
}

// freeAddress is one of this machine where nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// answered are flags with which the walk begins with every answer given, for a wizard whose password is in the environment.
func answered(keycloak, listen string) []string {
	return []string{"wizard", "--dark", "--url", "http://" + listen + "/mcp", "--issuer", keycloak + "/realms/mcp", "--create-realm",
		"--admin-user", "admin", "--client", "claude-ai", "--user", "alice"}
}

var withPassword = []string{"MCPWIZ_KEYCLOAK_PASSWORD=" + canaryAdmin}

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

// From an empty directory to the real client arriving: every answer is typed.
func TestWizardFromTheFirstKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := onGlass(t, 80, 24, dir, nil)
	walk{g.eyes, dir, smallOne(t, nil), "admin", canaryAdmin, "mcp"}.all()
	if code := g.ends(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	walked(t, dir, g.left(), canaryAdmin)
}

// A wrong password is told where it is typed; typed anew it is put right.
func TestWizardMendsThePassword(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := onGlass(t, 80, 24, dir, nil, answered(smallOne(t, nil), freeAddress(t))...)
	g.enters("Password")
	g.types(keyEnter)
	g.types("canary-wrong")
	g.types(keyEnter)
	g.awaits("✗ Invalid user credentials")
	if !g.shows("Administrator") {
		t.Errorf("the page is left:\n%s", g.view())
	}
	g.types(canaryAdmin)
	g.types(keyEnter)
	g.awaits("Which realm?")
	g.enters("Nothing is touched yet.")
	g.types(keyCtrlC)
	g.awaits("Leave?")
	g.types("x")
	g.awaits("enter apply")
	g.types(keyCtrlC)
	g.awaits("Leave?")
	g.types("y")
	if code := g.ends(); code != exitInterrupted || strings.Contains(g.left(), "canary") {
		t.Errorf("exit code %d:\n%s", code, g.left())
	}
	if files, _ := os.ReadDir(dir); len(files) > 0 {
		t.Errorf("written though nothing was applied: %v", files)
	}
}

// What is refused in the middle is told on its row; when it is put right r goes on where it stopped.
func TestWizardGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	var refuses atomic.Bool
	refuses.Store(true)
	keycloak := smallOne(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if refuses.Load() && r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/clients") {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusForbidden)
				_, _ = w.Write([]byte(`{"error":"HTTP 403 Forbidden"}`))
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	dir := t.TempDir()
	g := onGlass(t, 80, 24, dir, withPassword, answered(keycloak, freeAddress(t))...)
	g.enters("Nothing is touched yet.")
	g.types(keyEnter)
	g.awaits("stopped", "✗ keycloak/client/claude", "403 Forbidden", "manage-clients")
	if _, err := os.Stat(filepath.Join(dir, "mcpwiz.yaml")); err != nil {
		t.Errorf("there is no file to go on with: %v", err)
	}
	refuses.Store(false)
	g.types("r")
	g.awaits("in place, read again and compared.")
	g.enters("Claude can connect.")
	g.types("q")
	if code := g.ends(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, g.left())
	}
}

// Left where it stopped it says how to go on, and fails.
func TestWizardLeftWhereItStopped(t *testing.T) {
	t.Parallel()
	keycloak := smallOne(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/mcp/users") && r.ContentLength > 10 {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	dir := t.TempDir()
	g := onGlass(t, 80, 24, dir, withPassword, answered(keycloak, freeAddress(t))...)
	g.enters("Nothing is touched yet.")
	g.types(keyEnter)
	g.awaits("✗ keycloak/user/alice")
	g.types("q")
	if code := g.ends(); code != exitFailed || !strings.Contains(g.left(), "hint: mcpwiz setup -f mcpwiz.yaml goes on") {
		t.Errorf("exit code %d:\n%s", code, g.left())
	}
}

// Left while a change is made, by a key or by a signal, it finishes that one, says so meanwhile, and how to go on.
func TestWizardLeftInTheMiddle(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*glass){
		"a key": func(g *glass) {
			g.types(keyCtrlC)
			g.awaits("Leave?")
			g.types("y")
		},
		"a signal": func(g *glass) {
			if err := g.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked, goOn := make(chan struct{}), make(chan struct{})
			keycloak := smallOne(t, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/mcp/client-scopes") {
						close(asked)
						<-goOn
					}
					next.ServeHTTP(w, r)
				})
			})
			g := onGlass(t, 80, 24, t.TempDir(), withPassword, answered(keycloak, freeAddress(t))...)
			g.enters("Nothing is touched yet.")
			g.types(keyEnter)
			<-asked
			leave(g)
			g.awaits("Finishing the change that is under way")
			close(goOn)
			code, left := g.ends(), g.left()
			if code != exitInterrupted || !strings.Contains(left, "mcpwiz setup -f mcpwiz.yaml goes on where this stopped.") || strings.Contains(left, "canceled") {
				t.Errorf("exit code %d:\n%s", code, left)
			}
		})
	}
}

// Another server at the public URL is told while it is typed, and who goes on nevertheless sees it in the live probe.
func TestWizardMeetsAnotherServer(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Server", "Hello/1.0")
		_, _ = w.Write([]byte("<html>hello</html>"))
	}))
	t.Cleanup(other.Close)
	at := strings.TrimPrefix(other.URL, "http://")
	g := onGlass(t, 80, 24, t.TempDir(), withPassword, answered(smallOne(t, nil), at)...)
	g.enters("✗ cannot listen at " + at + ": Hello/1.0 listens there")
	g.types(keyEnter)
	g.types(keyCtrlU)
	listen := freeAddress(t)
	g.types(listen)
	g.awaits("! another server answers there (Hello/1.0, 200): bring the URL to", listen+" before a client comes")
	g.enters("Nothing is touched yet.")
	g.enters("in place, read again and compared.")
	g.enters("First to mend")
	g.awaits("r again")
	g.types("q")
	if code := g.ends(); code != exitFailed || !strings.Contains(g.left(), "First to mend: challenge.") {
		t.Errorf("exit code %d:\n%s", code, g.left())
	}
}

// A dry run touches nothing and writes nothing.
func TestWizardDryRun(t *testing.T) {
	t.Parallel()
	keycloak, dir := smallOne(t, nil), t.TempDir()
	g := onGlass(t, 80, 24, dir, withPassword, append(answered(keycloak, freeAddress(t)), "--dry-run")...)
	g.enters("Nothing is touched")
	g.types(keyEnter)
	if code := g.ends(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, g.left())
	}
	if files, _ := os.ReadDir(dir); len(files) > 0 {
		t.Errorf("written: %v", files)
	}
	if status := statusOf(t, keycloak+"/realms/mcp"); status != http.StatusNotFound {
		t.Errorf("the realm is there: %d", status)
	}
}

// SIGTERM, and a terminal that is closed, leave the files whole, stop the server and give the terminal back.
func TestWizardEndsWhenToldTo(t *testing.T) {
	t.Parallel()
	for _, how := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(how.String(), func(t *testing.T) {
			t.Parallel()
			dir, listen := t.TempDir(), freeAddress(t)
			g := onGlass(t, 80, 24, dir, withPassword, answered(smallOne(t, nil), listen)...)
			g.enters("in place, read again and compared.")
			g.enters("Claude can connect.")
			g.types("c")
			g.awaits("waiting for a client to come")
			if err := g.cmd.Process.Signal(how); err != nil {
				t.Fatal(err)
			}
			if code := g.ends(); code != exitInterrupted || !strings.Contains(g.left(), "mcpwiz serve -f mcpwiz.yaml") {
				t.Errorf("exit code %d:\n%s", code, g.left())
			}
			if c := call(t, dir, withPassword, "setup", "-f", "mcpwiz.yaml", "--dry-run"); c.ends(t) != 0 {
				t.Errorf("the file is not whole: %s", &c.err)
			}
		})
	}
}

// The file that is here is started from when that is wanted, and never overwritten unasked.
func TestWizardStartsFromTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "mcpwiz.yaml")
	text := "version: 1 # ours\nservers: [{url: https://mcp.example.com/mcp}]\nkeycloak: {issuer: https://id.example.com/realms/mcp}\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	g := onGlass(t, 80, 24, dir, nil)
	g.awaits("There is a mcpwiz.yaml here. Start from it? (n begins mcpwiz-2.yaml) [Y/n]")
	g.types("\r")
	g.awaits("Bring Claude", "mcpwiz.yaml; secrets")
	g.enters("> https://mcp.example.com/mcp")
	g.types(keyCtrlC + "y")
	g.ends()
	g = onGlass(t, 80, 24, dir, nil, "wizard")
	g.awaits("[Y/n]")
	g.types("n\r")
	g.awaits("Bring Claude", "mcpwiz-2.yaml; secrets")
	g.types("q")
	if code := g.ends(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, g.left())
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != text {
		t.Errorf("%v:\n%s", err, got)
	}
}

// Enter all the way ends green, in a small window too.
func TestDemoWizard(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{80, 24}, {40, 15}} {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			g := onGlass(t, size[0], size[1], t.TempDir(), nil, "demo", "--wizard", "--light")
			if size[0] == 80 {
				g.enters("Claude can connect.")
			} else {
				g.awaits("begin")
				g.enters("●")
				g.awaits("Claude can connect.")
			}
			g.types("q")
			if code := g.ends(); code != 0 || !strings.Contains(g.left(), "Healthy.") {
				t.Errorf("exit code %d:\n%s", code, g.left())
			}
		})
	}
}

// The doctor's page alone: afterwards the report is on the ordinary screen.
func TestDoctorOnPages(t *testing.T) {
	t.Parallel()
	r := newRig(t, known(t, "no-authorization-endpoint"))
	g := onGlass(t, 80, 24, t.TempDir(), nil, "doctor", "--tui", r.connection.Servers[0].URL)
	g.awaits("First to mend", "metadata", "enter open")
	g.types(keyEnter)
	g.awaits("esc")
	g.types("q")
	if code := g.ends(); code != exitFailed || !strings.Contains(g.left(), "First to mend: server-metadata.authorization-endpoint") {
		t.Errorf("exit code %d:\n%s", code, g.left())
	}
}

// In plain lines the same is asked, for those whose screen reader reads pages badly: all the way, from a pipe.
func TestWizardInLines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := &called{Cmd: exec.Command("mcpwiz", append(answered(smallOne(t, nil), freeAddress(t)), "--accessible")...)}
	c.Dir, c.Stdout, c.Stderr = dir, &c.out, &c.err
	c.Env = append(append(os.Environ(), "LANG=C.UTF-8"), withPassword...)
	// To every question what is proposed; then apply it, connect with the test user, no more, no secret, and the end.
	c.Stdin = strings.NewReader(strings.Repeat("\n", 15) + "y\n\nn\nn\n\n")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	code := c.ends(t)
	for _, want := range []string{"Good: Keycloak 26.7.3: admin may make the realm mcp", "Healthy.", "client id: claude", "mcpwiz serve -f mcpwiz.yaml"} {
		if !strings.Contains(c.out.String(), want) {
			t.Errorf("%q is not told", want)
		}
	}
	if code != 0 || strings.Contains(c.out.String(), "\x1b") || strings.Contains(c.out.String(), canaryAdmin) || t.Failed() {
		t.Errorf("exit code %d:\n%s\n%s", code, &c.out, &c.err)
	}
	ownersAlone(t, dir)
}

// Without an answer nothing is done.
func TestWizardInLinesWithoutAnswers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := call(t, dir, nil, "wizard", "--accessible")
	if code := c.ends(t); code != exitUsage || !strings.Contains(c.err.String(), "the answers ended before") {
		t.Errorf("exit code %d:\n%s", code, &c.err)
	}
	if files, _ := os.ReadDir(dir); len(files) > 0 {
		t.Errorf("written: %v", files)
	}
}

// A terminal that cannot show pages, and who cannot read them, are asked in lines; the password is not shown.
func TestWizardAsksInLines(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"TERM=dumb", "ACCESSIBLE=1"} {
		t.Run(env, func(t *testing.T) {
			t.Parallel()
			g := onGlass(t, 80, 24, t.TempDir(), []string{env}, answered(smallOne(t, nil), freeAddress(t))...)
			g.awaits("1 to 6 [1]")
			g.types("\r")
			g.awaits("Which URL are clients given")
			g.types("\r")
			g.awaits("Where does it listen")
			g.types("\r")
			g.awaits("Where is Keycloak")
			g.types("\r")
			g.awaits("1 to 3 [1]")
			g.types("\r")
			g.awaits("Administrator [admin]")
			g.types("\r")
			g.awaits("Password")
			g.types(canaryAdmin + "\r")
			g.awaits("Which realm")
			g.types(keyCtrlC)
			if code := g.ends(); code != exitInterrupted || strings.Contains(g.left(), canaryAdmin) || strings.Contains(g.left(), "Leave?") {
				t.Errorf("exit code %d:\n%s", code, g.left())
			}
		})
	}
}
