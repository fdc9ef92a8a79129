package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/keycloak"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// The demo's wizard leaves no realm behind on a Keycloak that goes on running.
func TestDemoWizardOnRealKeycloak(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("no real Keycloak in a short run")
	}
	for _, one := range strings.FieldsFunc(os.Getenv("MCPWIZ_TEST_KEYCLOAK"), func(r rune) bool { return r == ',' }) {
		version, base, _ := strings.Cut(one, "=")
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			g := onGlass(t, 80, 24, t.TempDir(), []string{"MCPWIZ_KEYCLOAK_PASSWORD=" + os.Getenv("MCPWIZ_TEST_KEYCLOAK_PASSWORD")},
				"demo", "--wizard", "--dark", "--keycloak-url", base, "--admin-user", os.Getenv("MCPWIZ_TEST_KEYCLOAK_ADMIN"))
			g.enters("> mcpwiz-demo-")
			_, realm, _ := strings.Cut(g.view(), "> mcpwiz-demo-")
			realm, _, _ = strings.Cut("mcpwiz-demo-"+realm, "\n")
			g.enters("Nothing is touched yet.")
			g.enters("in place, read again and compared.")
			g.enters("Claude can connect.")
			g.types("q")
			if code := g.ends(); code != 0 || !strings.Contains(g.left(), "Healthy.") {
				t.Errorf("exit code %d:\n%s", code, g.left())
			}
			if status := statusOf(t, base+"/realms/"+realm); status != 404 {
				t.Errorf("realm %s is still there: %d", realm, status)
			}
		})
	}
}

// In a terminal that people use, on every real Keycloak that there is: from the first key to the real client arriving.
func TestWizardOnRealKeycloak(t *testing.T) {
	t.Parallel()
	all := os.Getenv("MCPWIZ_TEST_KEYCLOAK")
	switch _, err := exec.LookPath("tmux"); {
	case all == "" || testing.Short():
		t.Skip("no real Keycloak: MCPWIZ_TEST_KEYCLOAK names none")
	case err != nil:
		t.Skip("no terminal to look at: tmux is not on PATH")
	}
	for _, one := range strings.Split(all, ",") {
		version, base, _ := strings.Cut(one, "=")
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			realm, dir := newRealm(), t.TempDir()
			user, password := os.Getenv("MCPWIZ_TEST_KEYCLOAK_ADMIN"), os.Getenv("MCPWIZ_TEST_KEYCLOAK_PASSWORD")
			t.Cleanup(func() {
				unmade(t, base, realm, keycloak.Options{AdminURL: base, User: user, Password: plan.Secret(password)})
			})
			p := onPane(t, 80, 24, dir, "mcpwiz")
			walk{p.eyes, dir, base, user, password, realm}.all()
			p.awaits("exit code 0")
			walked(t, dir, p.history(), password)
			if strings.Contains(p.history(), password) {
				t.Error("the password is on the screen")
			}
		})
	}
}

// unmade deletes the realm that a walk made.
func unmade(t *testing.T, base, realm string, who keycloak.Options) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := plan.Connection{
		Servers:  []plan.Server{{URL: "https://mcp.example.com/mcp"}},
		Keycloak: plan.Keycloak{Issuer: base + "/realms/" + realm, CreateRealm: true},
	}
	if err := unmake(ctx, c, who); err != nil {
		t.Error(err)
	}
}

// A pane is one of tmux, with a command in it; its exit code is told when it has ended.
type pane struct {
	eyes
	socket string
}

func onPane(t *testing.T, cols, rows int, dir, command string) *pane {
	t.Helper()
	sockets, err := os.MkdirTemp("", "tmux-") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	p := &pane{socket: filepath.Join(sockets, "s")}
	p.eyes = eyes{t, func() string { return p.tmux("capture-pane", "-p") }, p.press}
	t.Cleanup(func() {
		_ = exec.Command("tmux", "-S", p.socket, "kill-server").Run() // it may have ended
		os.RemoveAll(sockets)
	})
	p.tmux("-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(cols), "-y", fmt.Sprint(rows), "-c", dir,
		"-e", "HOME="+t.TempDir(), "-e", "LANG=C.UTF-8", "-e", "LC_ALL=C.UTF-8", "-e", "NO_COLOR=", "-e", "ACCESSIBLE=", "-e", "PATH="+os.Getenv("PATH"),
		command+`; echo "exit code $?"; exec sleep 600`)
	return p
}

func (p *pane) tmux(args ...string) string {
	p.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-u", "-S", p.socket}, args...)...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("tmux %q: %v: %s", args, err, out)
	}
	return string(out)
}

// press types bytes as they are.
func (p *pane) press(text string) {
	p.t.Helper()
	args := []string{"send-keys", "-H"}
	for _, b := range []byte(text) {
		args = append(args, fmt.Sprintf("%02x", b))
	}
	p.tmux(args...)
}

// history is the pane with what has left it upwards, lines whole.
func (p *pane) history() string { return p.tmux("capture-pane", "-p", "-J", "-S", "-") }
