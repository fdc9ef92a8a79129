package keycloak

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// Of a version the known holes are told, each with the release of its own line that mends it.
func TestHoles(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"26.4.7":  "CVE-2026-15572,CVE-2026-16102 in 26.4.14; CVE-2026-37979 in 26.4.12; CVE-2026-18570,CVE-2026-18573 in 26.8.0",
		"26.6.5":  "CVE-2026-18570,CVE-2026-18573 in 26.6.7",
		"26.7.0":  "CVE-2026-15572,CVE-2026-16102 in 26.7.1; CVE-2026-18570,CVE-2026-18573 in 26.7.3",
		"26.7.3":  "",
		"26.8.1":  "",
		"27.0.0":  "",
		"26.7.10": "",
	} {
		var all []string
		for _, h := range holesIn(version) {
			h := h.(map[string]any)
			all = append(all, strings.Join(h["ids"].([]string), ",")+" in "+h["fixed"].(string))
		}
		if got := strings.Join(all, "; "); got != want {
			t.Errorf("%s: %q, want %q", version, got, want)
		}
	}
	if released("26.7.3") != "2026-07-09" || released("27.0.0") != "" {
		t.Error("the day of a line is another")
	}
	if _, err := time.Parse(time.DateOnly, releases.Known); err != nil {
		t.Error(err)
	}
}

// Where Keycloak offers to take metadata documents, and no policy lets one in, the audit says so; with the policy it is content.
func TestAuditOfDocuments(t *testing.T) {
	eachWithFeatures(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.c.Clients = []plan.Client{{Profile: "m2m"}}
		b.apply()
		told := func() probe.Finding {
			all := b.audit()
			return all[slices.IndexFunc(all, func(f probe.Finding) bool { return f.Check == "registration.documents-let-in" })]
		}
		if f := told(); f.Outcome != probe.Warned {
			t.Errorf("without a policy: %s %s", f.Outcome, f.Detail)
		}
		b.c.Clients = append(b.c.Clients, plan.Client{Profile: "document " + ofDocument(t), Registration: plan.MetadataDocument})
		b.apply()
		if f := told(); f.Outcome != probe.Passed {
			t.Errorf("with a policy: %s %s", f.Outcome, f.Detail)
		}
	})
}

// What the account may not see is told in the error, with the role that it lacks, and the rest in facts all the same.
func TestAuditWithFewRights(t *testing.T) {
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.c.Clients = []plan.Client{{Profile: "m2m"}}
		b.apply()
		few := b.account(b.realm, "auditor", "realm-management", "view-clients")
		u := NewAudit(few, b.c, b.resources())
		var kinds []string
		err := u.Facts(t.Context(), time.Now(), time.Now(), func(f probe.Fact) { kinds = append(kinds, f.Kind) })
		if err == nil || !strings.Contains(err.Error(), "view-realm") {
			t.Errorf("what it may not see is not told: %v", err)
		}
		if !slices.Contains(kinds, "keycloak-client") || slices.Contains(kinds, "keycloak-registration") {
			t.Errorf("told: %v", kinds)
		}
		if _, err := u.Events(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "view-events") {
			t.Errorf("events: %v", err)
		}
	})
}
