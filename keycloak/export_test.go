package keycloak

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The test binary is the kcadm.sh of the scripts that it tests: it does with its arguments what that does.
func TestMain(m *testing.M) {
	if os.Getenv("KCADM_OF_TESTS") != "" {
		if err := kcadmOfTests(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, "kcadm:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func kcadmOfTests(args []string) error {
	verb, path := args[0], args[1]
	var body []byte
	made := false
	for rest := args[2:]; len(rest) > 0; rest = rest[1:] {
		switch rest[0] {
		case "-r":
			path = "realms/" + rest[1] + "/" + path
			rest = rest[1:]
		case "-n":
		case "-b":
			body = []byte(rest[1])
			rest = rest[1:]
		case "-f":
			var err error
			if body, err = io.ReadAll(os.Stdin); err != nil {
				return err
			}
			rest = rest[1:]
		case "-i":
			made = true
		default:
			return fmt.Errorf("what is %q?", rest[0])
		}
	}
	method := map[string]string{"create": http.MethodPost, "update": http.MethodPut, "delete": http.MethodDelete}[verb]
	req, err := http.NewRequest(method, os.Getenv("KCADM_URL")+"/admin/"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+os.Getenv("KCADM_TOKEN"))
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		text, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("%s %s: %s %s", method, path, resp.Status, text)
	}
	if at := resp.Header.Get("Location"); made {
		fmt.Println(at[strings.LastIndexByte(at, '/')+1:])
	}
	return nil
}

// export returns what is written and the environment that fills its placeholders with the secrets that are kept.
func (b *bench) export(format string) (string, []string) {
	b.t.Helper()
	var out strings.Builder
	skipped, err := Export{b.a, b.c, b.secrets, profiles, b.look()}.Write(b.t.Context(), &out, format)
	if err != nil || len(skipped) > 0 {
		b.t.Fatalf("%v, left out: %q", err, skipped)
	}
	for _, name := range b.secrets.Names() {
		if s := b.kept(name); strings.Contains(out.String(), s) || strings.Contains(out.String(), strings.Trim(fmt.Sprintf("%q", s), `"`)) {
			b.t.Errorf("the secret %s is told", name)
		}
	}
	_, holes, err := newPlaceholders(b.c.Defaults(), b.secrets)
	if err != nil {
		b.t.Fatal(err)
	}
	var env []string
	for name, of := range holes.of {
		_, whose, _ := strings.Cut(of, "of client ")
		secret, _ := b.secrets.Get(plan.ClientSecret(whose))
		if _, user, found := strings.Cut(of, "of user "); found {
			secret, _ = b.secrets.Get(plan.UserPassword(user))
		}
		env = append(env, name+"="+secret.Reveal())
	}
	return out.String(), env
}

// keepSecrets makes all that the connection needs: what is exported is filled with them.
func (b *bench) keepSecrets() {
	b.t.Helper()
	for _, c := range b.c.Defaults().Clients {
		if err := b.secrets.Keep(plan.ClientSecret(c.ID), plan.NewSecret()); err != nil {
			b.t.Fatal(err)
		}
	}
	key, err := newKey()
	if err == nil {
		err = b.secrets.Keep(plan.ClientKey("signer"), key)
	}
	if err == nil {
		err = b.secrets.Keep(plan.UserPassword("tester"), plan.NewSecret())
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// A realm imported from the export is as if mcpwiz had made it.
func TestExportedRealmIsImported(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		if strings.HasPrefix(kc.Name, "small") {
			t.Skip("the small Keycloak imports no client scopes")
		}
		b := newBench(t, kc)
		b.keepSecrets()
		text, env := b.export("realm")
		filled := os.Expand(text, func(name string) string {
			for _, pair := range env {
				if value, ok := strings.CutPrefix(pair, name+"="); ok {
					return value
				}
			}
			return "${" + name + "}"
		})
		var realm map[string]any
		if err := json.Unmarshal([]byte(filled), &realm); err != nil {
			t.Fatal(err)
		}
		b.call(http.MethodPost, realm, nil, "realms")
		b.a.signInAnew()
		if p := b.look(); !p.Empty() {
			t.Errorf("it differs from what mcpwiz makes:\n%s", told(p))
		}
		b.proveMachine(t)
		b.proveSigner(t)
	})
}

// The script for kcadm does what apply would, on nothing and on what somebody has changed.
func TestExportedScriptIsRun(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.keepSecrets()
		b.script()
		b.proveMachine(t)
		b.proveSigner(t)
		for _, name := range []string{"realm setting", "scope attribute", "mapper deaf", "client settings", "scope optional instead of default",
			"client deleted", "user disabled"} {
			drift[name].by(b)
		}
		b.script()
		b.call(http.MethodDelete, nil, nil, "realms", b.realm, "client-scopes", b.scope("mcp:tools").ID)
		b.script()
		b.proveMachine(t)
	})
}

// script runs what is exported for kcadm, after which there is nothing to do.
func (b *bench) script() {
	b.t.Helper()
	text, env := b.export("kcadm")
	token, err := b.a.bearer(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	c := exec.CommandContext(b.t.Context(), "sh")
	c.Stdin = strings.NewReader(text)
	c.Env = append(append(os.Environ(), env...), "KCADM="+os.Args[0], "KCADM_OF_TESTS=1", "KCADM_URL="+b.base, "KCADM_TOKEN="+token)
	if out, err := c.CombinedOutput(); err != nil {
		b.t.Fatalf("%v\n%s\n%s", err, out, text)
	}
	b.a.signInAnew()
	if p := b.look(); !p.Empty() {
		b.t.Errorf("after the script there is something to do:\n%s\n%s", told(p), text)
	}
}

// A name that is code stays a name.
func TestExportedScriptRunsNoName(t *testing.T) {
	t.Parallel()
	c := plan.Connection{Servers: []plan.Server{{URL: mcpURL}},
		Keycloak: plan.Keycloak{Issuer: "https://auth.example.com/realms/m'%20$(touch%20x)", CreateRealm: true, Admin: plan.Admin{User: "a;touch x"}},
		Scopes:   []plan.Scope{{Description: "`touch x` $(touch x) \\$(touch x) \"\nJSON\ntouch x\n"}},
		Clients:  []plan.Client{{Profile: "claude-ai", ID: "$(touch${IFS}x)`touch${IFS}x`"}}}
	dir := t.TempDir()
	o := Options{AdminURL: "https://auth.example.com/$(touch x)", Realm: "m", User: "a;touch x\ntouch x", Patience: patience, Now: time.Now}
	untrue, holes, err := newPlaceholders(c.Defaults(), noSecrets(t))
	if err != nil {
		t.Fatal(err)
	}
	writes, skipped, err := Export{Admin: newAdmin(o), Connection: c.Defaults(), Profiles: profiles}.rehearseFromNothing(t.Context(), untrue)
	if err != nil || len(skipped) > 0 {
		t.Fatal(err, skipped)
	}
	script := kcadm{c.Defaults(), o, holes}.script(writes)
	sh := exec.CommandContext(t.Context(), "sh")
	sh.Dir, sh.Stdin = dir, strings.NewReader(script)
	sh.Env = append(os.Environ(), "KCADM=true")
	for name := range holes.of {
		sh.Env = append(sh.Env, name+"=$(touch x)")
	}
	if out, err := sh.CombinedOutput(); err != nil {
		t.Errorf("%v: %s\n%s", err, out, script)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("a name was run: %v, %v", left, err)
	}
}

func noSecrets(t *testing.T) *plan.Secrets {
	t.Helper()
	s, err := plan.LoadSecrets("")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Terraform cannot be asked here: what is written stands in a file to be read.
func TestExportForTerraform(t *testing.T) {
	t.Parallel()
	c := plan.Connection{Servers: []plan.Server{{URL: mcpURL}},
		Keycloak: plan.Keycloak{Issuer: "https://auth.example.com/realms/mcp", CreateRealm: true},
		Scopes:   []plan.Scope{{ConsentText: "Use ${this} and %{that}"}},
		Clients: []plan.Client{{Profile: "claude-ai"}, {Profile: "claude-code"}, {Profile: "m2m", ID: "2.robots"},
			{Profile: "m2m", ID: "signer", Auth: plan.AuthPrivateKeyJWT}, {Profile: plan.Introspection}},
		Users: []plan.User{{Name: "tester"}}}
	for name, own := range map[string]bool{"own": true, "theirs": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := c
			c.Keycloak.CreateRealm = own
			if !own {
				c.Users = nil
			}
			var out strings.Builder
			skipped, err := Export{newAdmin(Options{AdminURL: "https://auth.example.com", Patience: patience, Now: time.Now}), c, noSecrets(t), profiles, plan.Plan{}}.Write(t.Context(), &out, "terraform")
			if err != nil || len(skipped) > 0 {
				t.Fatal(err, skipped)
			}
			path := filepath.Join("testdata", "export-"+name+".tf")
			if *update {
				if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil || string(want) != out.String() {
				t.Errorf("differs from %s (%v):\n%s", path, err, &out)
			}
		})
	}
}
