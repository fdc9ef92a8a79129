package keycloak

import (
	"net/http"
	"strings"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

func TestPruneDuplicates(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.dynamic()
		b.c.Keycloak.AllowVulnerable = true
		b.apply()
		ids := map[string]bool{}
		for range 3 {
			_, answer := b.register(claudesBody(nil))
			ids[answer["client_id"].(string)] = true
		}
		b.register(claudesBody(map[string]any{"client_name": "Alone"}))
		for _, port := range []string{"7001", "7002"} {
			b.register(claudesBody(map[string]any{"client_name": "Native", "redirect_uris": []string{"http://127.0.0.1:" + port + "/callback"}}))
		}
		// Made by hand, though like one that registered itself.
		b.call(http.MethodPost, map[string]any{"clientId": "Claude", "name": "Claude", "consentRequired": true, "webOrigins": []string{},
			"redirectUris": []string{"https://claude.ai/api/mcp/auth_callback"}}, nil, "realms", b.realm, "clients")
		callbacks := []string{"https://claude.ai/api/mcp/auth_callback", "http://localhost:{port}/callback"}
		all, surplus, err := b.a.Duplicates(t.Context(), b.realm, callbacks)
		if err != nil || len(all) != 5 || len(surplus) != 3 {
			t.Fatalf("all %v, surplus %v, %v", all, surplus, err)
		}
		if all, _, err := b.a.Duplicates(t.Context(), b.realm, callbacks[1:]); err != nil || len(all) != 2 {
			t.Errorf("of other callbacks: %v, %v", all, err)
		}
		for _, r := range surplus {
			if r.Name == "Claude" && !ids[r.ID] {
				t.Errorf("%s has not registered itself", r.ID)
			}
			if err := b.a.Prune(t.Context(), b.realm, r); err != nil {
				t.Error(err)
			}
		}
		if all, surplus, err := b.a.Duplicates(t.Context(), b.realm, callbacks); err != nil || len(all)+len(surplus) > 0 {
			t.Errorf("after it: %v, %v, %v", all, surplus, err)
		}
		if b.client("Claude") == nil || b.client("m2m") == nil {
			t.Error("a client of others is gone")
		}
	})
}

func TestRotation(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.c.Users = nil
		b.apply()
		for id, name := range map[string]string{"m2m": plan.ClientSecret("m2m"), "signer": plan.ClientKey("signer"), "claude": plan.ClientSecret("claude")} {
			was := b.kept(name)
			r, err := Rotation(b.a, b.c, b.secrets, profiles, id)
			if err != nil {
				t.Fatal(err)
			}
			all := []plan.Resource{r}
			p, err := plan.Look(t.Context(), all)
			if err != nil || p.Empty() || !strings.Contains(told(p), "undo cannot put it back") || strings.Contains(told(p), was) {
				t.Fatalf("%v\n%s", err, told(p))
			}
			if err := plan.Apply(t.Context(), all, p, plan.OpenJournal(b.journal), nil); err != nil {
				t.Fatal(err)
			}
			if b.kept(name) == was {
				t.Errorf("%s is as it was", name)
			}
			if again := b.look(); !again.Empty() {
				t.Errorf("setup would change it again:\n%s", told(again))
			}
		}
		b.proveMachine(t)
		b.proveSigner(t)
		b.undoneByName()
		if _, err := Rotation(b.a, b.c, b.secrets, profiles, "claude-code"); err == nil || !strings.Contains(err.Error(), "is public") {
			t.Errorf("of a public client: %v", err)
		}
		if _, err := Rotation(b.a, b.c, b.secrets, profiles, "nobody"); err == nil {
			t.Error("of nobody's")
		}
	})
}
