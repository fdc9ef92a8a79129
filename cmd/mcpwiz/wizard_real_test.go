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
	"github.com/mcpwiz/mcpwiz/probe/client/profiles"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

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
				unmake(t, base, realm, keycloak.Options{AdminURL: base, User: user, Password: plan.Secret(password)})
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

// unmake deletes the realm that a walk made.
func unmake(t *testing.T, base, realm string, who keycloak.Options) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	admin, err := keycloak.Login(ctx, who)
	if err != nil {
		t.Error(err)
		return
	}
	secrets, err := plan.LoadSecrets("")
	if err != nil {
		t.Error(err)
		return
	}
	all, err := keycloak.Resources(admin, plan.Connection{
		Servers:  []plan.Server{{URL: "https://mcp.example.com/mcp"}},
		Keycloak: plan.Keycloak{Issuer: base + "/realms/" + realm, CreateRealm: true},
	}, secrets, profiles.Load)
	if err == nil {
		err = all[0].Undo(ctx, plan.Change{Action: plan.Create})
	}
	if err != nil {
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
