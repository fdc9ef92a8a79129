package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/keycloak/keycloaktest"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// A client that is none of ours: the MCP Inspector's command line lists and calls the tools of mcpwiz serve, with a token that
// Keycloak grants to the machine that setup made. `make inspector` installs it.
func TestInspector(t *testing.T) {
	t.Parallel()
	installed := os.Getenv("MCPWIZ_TEST_INSPECTOR")
	if installed == "" {
		t.Skip("no MCP Inspector: make inspector installs it, MCPWIZ_TEST_INSPECTOR names its directory")
	}
	b := small(keycloaktest.Options{})
	if all := realOnes(t); len(all) > 0 {
		b = all[0]
	}
	h := newHouse(t, b)
	h.run(well, []string{"MCPWIZ_KEYCLOAK_PASSWORD=" + b.password}, "setup", "-f", defaultFile, "--yes")
	defer h.serve()()
	i := inspector{t: t, node: nodeIn(t, installed), home: h.home, url: h.url, token: h.token("m2m"),
		entry: filepath.Join(installed, "node_modules", "@modelcontextprotocol", "inspector", "clients", "launcher", "build", "index.js")}

	var list struct {
		Tools []struct {
			Name        string
			InputSchema map[string]any
		}
	}
	i.asks(&list, "tools/list")
	listed := map[string]bool{}
	for _, tool := range list.Tools {
		listed[tool.Name] = tool.InputSchema["type"] == "object"
	}
	for _, want := range []string{"whoami", "echo", "server_info", "recent_handshakes"} {
		if !listed[want] {
			t.Errorf("%s is not among the tools listed: %v", want, listed)
		}
	}
	var answer struct {
		StructuredContent map[string]any
		IsError           bool
	}
	i.asks(&answer, "tools/call", "--tool-name", "whoami")
	if answer.IsError || answer.StructuredContent["client"] != "m2m" {
		t.Errorf("whoami answers %+v", answer)
	}
}

// token returns an access token that a machine of the house is granted.
func (h *house) token(client string) string {
	h.t.Helper()
	resp, err := http.PostForm(h.connection.Keycloak.Issuer+"/protocol/openid-connect/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {client}, "client_secret": {h.kept()[plan.ClientSecret(client)]}})
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	var token struct {
		Access string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&token); err != nil || token.Access == "" {
		h.t.Fatalf("no token: %s %v", resp.Status, err)
	}
	return token.Access
}

// nodeIn finds the Node that was installed beside the Inspector, or one on PATH that is new enough for it.
func nodeIn(t *testing.T, dir string) string {
	t.Helper()
	own, _ := filepath.Glob(filepath.Join(dir, "node_modules", "node-*", "bin", "node")) // the pattern is one
	for _, node := range append(own, "node") {
		version, err := exec.Command(node, "--version").Output()
		var major, minor int
		if _, scan := fmt.Sscanf(string(version), "v%d.%d", &major, &minor); err == nil && scan == nil && (major > 22 || major == 22 && minor >= 19) {
			return node
		}
	}
	t.Fatalf("there is no Node 22.19 or newer in %s or on PATH", dir)
	return ""
}

type inspector struct {
	t                             *testing.T
	node, entry, home, url, token string
}

// asks calls a method and reads its result.
func (i inspector) asks(result any, method string, args ...string) {
	i.t.Helper()
	c := exec.CommandContext(i.t.Context(), i.node, append([]string{i.entry, "--cli", i.url, "--transport", "http",
		"--header", "Authorization: Bearer " + i.token, "--method", method}, args...)...)
	c.Dir, c.WaitDelay = i.home, 10*time.Second
	c.Env = []string{"HOME=" + i.home, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + i.home}
	over := time.AfterFunc(2*time.Minute, func() { _ = c.Process.Kill() })
	defer over.Stop()
	out, err := c.Output()
	if exit, ok := err.(*exec.ExitError); ok {
		i.t.Fatalf("%s: %v\n%s\n%s", method, err, out, exit.Stderr)
	}
	if err != nil {
		i.t.Fatal(err)
	}
	if err := json.Unmarshal(out, result); err != nil {
		i.t.Fatalf("%s: %v\n%s", method, err, out)
	}
}
