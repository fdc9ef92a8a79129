package checks

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// What the Admin API tells of a realm: each kind of fact is one thing there, and bears no secret.
const (
	auditServer       = "keycloak-server"
	auditRealm        = "keycloak-realm"
	auditClient       = "keycloak-client"
	auditScope        = "keycloak-scope"
	auditRegistration = "keycloak-registration"
	auditResource     = "keycloak-resource"
	auditEvents       = "keycloak-events"
	auditEvent        = "keycloak-event"
)

const keycloakDocs = "https://www.keycloak.org/docs/latest/server_admin/#"

// A fault is what is wrong with one thing in the realm; resource is what of the connection puts it right, "" where only a hand can.
type fault struct{ what, mend, resource string }

// audited judges all facts of a kind.
func audited(t *probe.Trace, kind, effect string, judge func(probe.Fact) []fault) probe.Verdict {
	facts := t.FactsOf(kind)
	var all []fault
	for _, f := range facts {
		all = append(all, judge(f)...)
	}
	if len(all) == 0 {
		return probe.Pass("%s", looked(facts)).OnFact(facts...)
	}
	return faulty(all, effect).OnFact(facts...)
}

// looked says of what nothing is wrong.
func looked(facts []probe.Fact) string {
	var names []string
	for _, f := range facts {
		for _, member := range []string{"client_id", "scope", "realm", "name"} {
			if name := text(f.Data[member]); name != "" {
				names = append(names, clipped(name, 60))
				break
			}
		}
	}
	return list(few(names, 6))
}

// few are the first of many, and how many more there are.
func few(all []string, limit int) []string {
	if more := len(all) - limit; more > 0 {
		return append(slices.Clone(all[:limit]), fmt.Sprintf("%d more", more))
	}
	return all
}

func faulty(all []fault, effect string) probe.Verdict {
	var details, mends, resources []string
	for _, f := range all {
		details = append(details, f.what)
		if !slices.Contains(mends, f.mend) {
			mends = append(mends, f.mend)
		}
		if f.resource != "" && !slices.Contains(resources, f.resource) {
			resources = append(resources, f.resource)
		}
	}
	v := probe.Fail("%s", strings.Join(few(details, 6), "; ")).So("%s", effect).Mend("%s", strings.Join(few(mends, 4), "; "))
	if len(resources) > 0 {
		v = v.By(resources[0], resources[1:]...)
	}
	return v
}

// on reads a switch of a fact.
func on(v any) bool { b, _ := v.(bool); return b }

// count reads a number of a fact, as it was noted or as a capture has it.
func count(v any) (n int, ok bool) {
	switch v := v.(type) {
	case int:
		return v, true
	case float64:
		return int(v), true
	case json.Number:
		i, err := v.Int64()
		return int(i), err == nil
	}
	return 0, false
}

// settings are those of a realm.
func settings(f probe.Fact) map[string]any {
	s, _ := f.Data["settings"].(map[string]any)
	return s
}

// objects reads a list of objects of a fact.
func objects(v any) []map[string]any {
	switch v := v.(type) {
	case []map[string]any:
		return v
	case []any:
		var all []map[string]any
		for _, x := range v {
			if o, ok := x.(map[string]any); ok {
				all = append(all, o)
			}
		}
		return all
	}
	return nil
}
