package main

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/probe/report"
)

// says returns what a command wrote, however it ends.
func (h *house) says(env []string, args ...string) (out string, code int) {
	h.t.Helper()
	c := call(h.t, h.dir, h.environ(env), args...)
	code = c.ends(h.t)
	h.tell("mcpwiz "+strings.Join(args, " "), c.out.String()+c.err.String())
	if code > exitDrift {
		h.t.Fatalf("mcpwiz %s ends with %d:\n%s%s", strings.Join(args, " "), code, &c.out, &c.err)
	}
	return c.out.String(), code
}

// examine looks into Keycloak, and returns the first report.
func (h *house) examine(env []string, args ...string) *report.Report {
	h.t.Helper()
	out, _ := h.says(env, append([]string{"doctor", "--keycloak", defaultFile, "--consent", "--no-public-dns", "--format", "json"}, args...)...)
	var r report.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		h.t.Fatalf("%v: %s", err, out)
	}
	return &r
}

func findingIn(r *report.Report, check string) probe.Finding {
	i := slices.IndexFunc(r.Findings, func(f probe.Finding) bool { return f.Check == check })
	if i < 0 {
		return probe.Finding{}
	}
	return r.Findings[i]
}

// What somebody has changed by hand is found by the doctor who looks inside, explained by Keycloak's own events, and put right by
// fix, which touches what the findings name and nothing else.
func TestFix(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, b behind) {
		h := newHouse(t, b)
		h.connection.Clients = []plan.Client{{Profile: "claude-ai"}, {Profile: "inspector"}}
		h.save()
		admin := []string{"MCPWIZ_KEYCLOAK_PASSWORD=" + b.password}
		h.run(well, admin, "setup", "-f", defaultFile, "--yes")
		defer h.serve()()
		realm := h.connection.Defaults().Keycloak.Realm
		first := h.examine(admin, "--as", "claude-ai")
		for _, f := range first.Findings {
			if f.Outcome == probe.Failed || f.NotReached() {
				t.Errorf("%s: %s, all being well: %s", f.Check, f.Outcome, f.Detail)
			}
		}
		for _, check := range []string{"server-metadata.as-planned", "authorization.no-error-logged", "token.audience-mapped", "token.no-error-logged"} {
			if f := findingIn(first, check); f.Outcome != probe.Passed {
				t.Errorf("%s: %s, all being well: %s", check, f.Outcome, f.Detail)
			}
		}

		k := &hand{t: t, base: h.keycloak, b: b}
		k.signIn()
		claude := k.clientNamed(realm, "claude")
		k.must(http.MethodPut, "/"+realm+"/clients/"+claude["id"].(string), map[string]any{"clientId": "claude", "redirectUris": []string{"https://example.com/*"}, "webOrigins": []string{}})
		k.must(http.MethodPut, "/"+realm, map[string]any{"bruteForceProtected": false, "displayName": "Ours"})
		second := h.examine(admin, "--as", "claude-ai")
		for check, outcomeWanted := range map[string]probe.Outcome{
			"authorization.redirect-accepted": probe.Failed, "authorization.redirects-exact": probe.Failed, "server-metadata.realm-guarded": probe.Warned,
			"server-metadata.as-planned": probe.Warned, "authorization.no-error-logged": probe.Failed,
		} {
			if f := findingIn(second, check); f.Outcome != outcomeWanted {
				t.Errorf("%s: %s %s, want %s", check, f.Outcome, f.Detail, outcomeWanted)
			}
		}
		if f := findingIn(second, "authorization.no-error-logged"); !strings.Contains(f.Detail, "LOGIN_ERROR invalid_redirect_uri") || f.Because != "authorization.redirect-accepted" {
			t.Errorf("Keycloak's event is not told, or not as the same: %+v", f)
		}

		out, code := h.says(admin, "fix", "-f", defaultFile, "--consent", "--dry-run")
		if code != 0 || !strings.Contains(out, "~ keycloak/client/claude\n") || !strings.Contains(out, "~ keycloak/realm/"+realm+"\n") || strings.Contains(out, "inspector\n    redirect") {
			t.Errorf("the plan is not of what the findings name (%d):\n%s", code, out)
		}
		out, code = h.says(admin, "fix", "-f", defaultFile, "--consent", "--yes")
		if code != 0 || !strings.Contains(out, "authorization.redirect-accepted\n") {
			t.Errorf("fix ends with %d:\n%s", code, out)
		}
		if f := findingIn(h.examine(admin, "--as", "claude-ai"), "server-metadata.as-planned"); f.Outcome != probe.Passed {
			t.Errorf("after fix: %s %s", f.Outcome, f.Detail)
		}
		if _, now := k.call(http.MethodGet, "/"+realm, nil); now.(map[string]any)["displayName"] != "Ours" {
			t.Error("fix changed what is not the connection's")
		}
		out, code = h.says(admin, "fix", "-f", defaultFile, "--consent", "--yes")
		if code != 0 || strings.Contains(out, "~ ") {
			t.Errorf("a second fix has something to do (%d):\n%s", code, out)
		}
		records, err := plan.ReadJournal(plan.JournalPath(filepath.Join(h.dir, defaultFile)))
		if err != nil || len(plan.LastRun(plan.Standing(records))) != 2 {
			t.Errorf("fix is not to be undone as a run of two changes: %v", err)
		}
	})
}

func (h *hand) clientNamed(realm, id string) map[string]any {
	h.t.Helper()
	_, all := h.call(http.MethodGet, "/"+realm+"/clients", nil)
	for _, c := range all.([]any) {
		if c := c.(map[string]any); c["clientId"] == id {
			return c
		}
	}
	h.t.Fatalf("no client %s in %v", id, all)
	return nil
}

// Where no administrator is asked the doctor says what it always said: none of the audit's checks is told, not even as a skip.
func TestDoctorWithoutAudit(t *testing.T) {
	t.Parallel()
	out, _ := (&house{t: t, dir: t.TempDir(), home: t.TempDir(), temp: t.TempDir(), told: map[string]string{}}).
		says(nil, "doctor", "--format", "json", "--no-public-dns", "http://127.0.0.1:1/mcp")
	for _, check := range []string{"as-planned", "no-error-logged", "keycloak-current", "registration.guarded"} {
		if strings.Contains(out, check) {
			t.Errorf("%s is told, and nobody asked for an audit", check)
		}
	}
}
