package main

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// Every scalar key of mcpwiz.yaml has a flag that sets it: a new key without one fails here.
func TestEveryScalarKeyHasAFlag(t *testing.T) {
	t.Parallel()
	usages := ""
	for _, k := range keys {
		usages += k.usage + "\n"
	}
	for prefix, v := range map[string]any{"servers[0].": plan.Server{}, "servers[0].upstream.": plan.Upstream{}, "server.": plan.Serving{}, "expose.": plan.Expose{},
		"keycloak.": plan.Keycloak{}, "keycloak.admin.": plan.Admin{}} {
		for name := range scalarsOf(v) {
			if !strings.Contains(usages, prefix+name+":") {
				t.Errorf("%s%s has no flag", prefix, name)
			}
		}
	}
	for name, kind := range scalarsOf(plan.SignIn{}) {
		value := map[reflect.Kind]string{reflect.Int: "300", reflect.Bool: "true"}[kind]
		if err := keys["sign-in"].set(&plan.Connection{}, name+"="+value); err != nil {
			t.Errorf("--sign-in does not set %s: %v", name, err)
		}
	}
	for flag, v := range map[string]any{"scope": plan.Scope{}, "client": plan.Client{}, "user": plan.User{}} {
		for name, kind := range scalarsOf(v) {
			value := map[reflect.Kind]string{reflect.Int: "300", reflect.Bool: "true", reflect.Pointer: "true"}[kind]
			if err := keys[flag].set(&plan.Connection{}, "x,"+name+"="+value); err != nil {
				t.Errorf("--%s does not set %s: %v", flag, name, err)
			}
		}
	}
}

func scalarsOf(v any) map[string]reflect.Kind {
	all := map[string]reflect.Kind{}
	for i := range reflect.TypeOf(v).NumField() {
		f := reflect.TypeOf(v).Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		of := f.Type
		if of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		if k := f.Type.Kind(); k != reflect.Slice && of.Kind() != reflect.Struct {
			all[name] = k
		}
	}
	return all
}

func TestEntries(t *testing.T) {
	t.Parallel()
	no := false
	c := plan.Connection{Clients: []plan.Client{{Profile: "claude-ai"}, {Profile: "m2m", ID: "one"}}}
	before := c.Clients
	for _, value := range []string{"m2m,id=two,auth=private_key_jwt", "claude-ai,confidential=false,redirect_uris=https://a.example/x,redirect_uris=https://b.example/y"} {
		if err := keys["client"].set(&c, value); err != nil {
			t.Fatal(err)
		}
	}
	want := []plan.Client{
		{Profile: "claude-ai", Confidential: &no, RedirectURIs: []string{"https://a.example/x", "https://b.example/y"}},
		{Profile: "m2m", ID: "one"}, {Profile: "m2m", ID: "two", Auth: "private_key_jwt"},
	}
	if d := cmp.Diff(want, c.Clients); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if before[0].Confidential != nil {
		t.Error("the list that was given is changed")
	}
}

func TestQuoted(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{
		"https://mcp.example.com/mcp": "https://mcp.example.com/mcp", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$(id)": "'$(id)'", "a;b": "'a;b'",
	} {
		if got := quoted(word); got != want {
			t.Errorf("%q is quoted as %s, want %s", word, got, want)
		}
	}
}

// A mistake of our own is told in short, with its place and without the value.
func TestBroke(t *testing.T) {
	t.Parallel()
	var told bytes.Buffer
	p := &program{err: &told}
	code := func() (code int) {
		defer func() { code = p.broke(recover()) }()
		panic(errors.New("canary-value"))
	}()
	if code != exitBroken || !strings.Contains(told.String(), "internal error: panic at keys_test.go:") || strings.Contains(told.String(), "canary") {
		t.Errorf("code %d, told %s", code, &told)
	}
}
