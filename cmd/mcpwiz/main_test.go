package main

import (
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mcpwiz/mcpwiz/keycloak/keycloaktest"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server/cloudflare/cloudflaretest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"mcpwiz":      main,
		"cloudflared": func() { os.Exit(cloudflaretest.Cloudflared(os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

// The scripts call the binary as its user does. $CAPTURES are those of the catalogue.
func TestScripts(t *testing.T) {
	t.Parallel()
	captures, err := filepath.Abs("../../probe/checks/testdata")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("LANG", "C.UTF-8")
			e.Setenv("CAPTURES", captures)
			e.Values[smallCloudflare{}] = &smallCloudflareAt{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"keycloak":   keycloakCommand,
			"cloudflare": cloudflareCommand,
			"exits":      exitsCommand,
			"port":       portCommand,
			"awaits":     awaitsCommand,
			"fill":       fillCommand,
			"unzip":      unzipCommand,
			"secretof":   secretOfCommand,
		},
	})
}

// cloudflare starts a small Cloudflare, whose API and edge mcpwiz reaches, and the small cloudflared too; with permissions its token has
// just these. snapshot FILE keeps how it is, record NAME makes a record of somebody's, tunnel HOST a tunnel that carries
// that host; block has it stop Claude-User, and unblock not.
func cloudflareCommand(ts *testscript.TestScript, _ bool, args []string) {
	at := ts.Value(smallCloudflare{})
	switch {
	case len(args) == 0, args[0] == "permissions":
		var o cloudflaretest.Options
		if len(args) > 0 {
			o.Tokens = []cloudflaretest.Token{{Value: cloudflaretest.DefaultToken, Permissions: args[1:]}}
		}
		c, err := cloudflaretest.Start(o)
		ts.Check(err)
		ts.Defer(func() { ts.Check(c.Close()) })
		roots := ts.MkAbs("roots.pem")
		ts.Check(os.WriteFile(roots, c.RootsPEM, 0o600))
		for name, value := range map[string]string{
			"MCPWIZ_CLOUDFLARE_API": c.URL + "/client/v4", "MCPWIZ_CLOUDFLARE_TOKEN": cloudflaretest.DefaultToken, cloudflaretest.EdgeEnv: c.URL,
			"HTTPS_PROXY": c.URL, "SSL_CERT_FILE": roots,
		} {
			ts.Setenv(name, value)
		}
		at.(*smallCloudflareAt).Running = c
	case args[0] == "snapshot":
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), at.(*smallCloudflareAt).Snapshot(), 0o600))
	case args[0] == "record":
		c := at.(*smallCloudflareAt)
		_, err := c.Do(http.MethodPost, "zones/"+c.ZoneID("example.com")+"/dns_records",
			map[string]any{"type": "A", "name": args[1], "content": "203.0.113.9", "proxied": true})
		ts.Check(err)
	case args[0] == "tunnel":
		c := at.(*smallCloudflareAt)
		connector, err := c.Expose(args[1], "http://127.0.0.1:1")
		ts.Check(err)
		connector.Close()
	case args[0] == "block", args[0] == "unblock":
		c := at.(*smallCloudflareAt)
		_, err := c.Do(http.MethodPut, "zones/"+c.ZoneID("example.com")+"/bot_management",
			map[string]any{"ai_bots_protection": map[string]string{"block": "block", "unblock": "disabled"}[args[0]]})
		ts.Check(err)
	default:
		ts.Fatalf("cloudflare %q is not known", args[0])
	}
}

// A smallCloudflare is the key of a script's own, smallCloudflareAt its value.
type smallCloudflare struct{}

type smallCloudflareAt struct{ *cloudflaretest.Running }

// keycloak [URL] starts a small Keycloak at $KEYCLOAK, whose administrator is admin with the password $ADMIN_PASSWORD; URL is what it
// takes for its public one.
func keycloakCommand(ts *testscript.TestScript, _ bool, args []string) {
	const password = "canary-admin-password"
	o := keycloaktest.Options{AdminPassword: password}
	if len(args) > 0 {
		o.BaseURL = args[0]
	}
	k, err := keycloaktest.Start(o)
	ts.Check(err)
	ts.Defer(func() { ts.Check(k.Close()) })
	ts.Setenv("KEYCLOAK", k.URL)
	ts.Setenv("ADMIN_PASSWORD", password)
}

// exits CODE mcpwiz ARGS... runs the binary and holds it to its exit code.
func exitsCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exits code command args...")
	}
	got := 0
	err := ts.Exec(args[1], args[2:]...)
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if want := args[0]; strconv.Itoa(got) != want {
		ts.Fatalf("%v exits with %d, want %s", args[1:], got, want)
	}
}

// port NAME sets $NAME to a port of this machine that is free.
func portCommand(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	ts.Check(l.Close())
}

// awaits URL waits until it is answered with 200.
func awaitsCommand(ts *testscript.TestScript, _ bool, args []string) {
	for range 200 {
		resp, err := http.Get(args[0])
		if err == nil {
			ts.Check(resp.Body.Close())
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(25 * time.Millisecond)
	}
	ts.Fatalf("%s is not answered", args[0])
}

// fill FILE puts the environment's values into a file.
func fillCommand(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(os.Expand(ts.ReadFile(args[0]), ts.Getenv)), 0o600))
}

// secretof NAME FILE writes one of the secrets kept beside mcpwiz.yaml to a file.
func secretOfCommand(ts *testscript.TestScript, _ bool, args []string) {
	secrets, err := plan.LoadSecrets(ts.MkAbs(plan.SecretsFile))
	ts.Check(err)
	s, ok := secrets.Get(args[0])
	if !ok {
		ts.Fatalf("no secret %s", args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(s.Reveal()), 0o600))
}
