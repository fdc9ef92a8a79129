package main

import (
	"os"
	"strings"
	"testing"
)

// The demo goes through on every real Keycloak that there is, and leaves no realm behind.
func TestDemoOnRealKeycloak(t *testing.T) {
	t.Parallel()
	all := os.Getenv("MCPWIZ_TEST_KEYCLOAK")
	if all == "" || testing.Short() {
		t.Skip("no Keycloak")
	}
	for _, one := range strings.Split(all, ",") {
		version, url, _ := strings.Cut(one, "=")
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			c := call(t, t.TempDir(), []string{"MCPWIZ_KEYCLOAK_PASSWORD=" + os.Getenv("MCPWIZ_TEST_KEYCLOAK_PASSWORD")},
				"demo", "--keycloak-url", url, "--admin-user", os.Getenv("MCPWIZ_TEST_KEYCLOAK_ADMIN"))
			if code := c.ends(t); code != 0 {
				t.Fatalf("exit code %d:\n%s\n%s", code, &c.out, &c.err)
			}
			realm := realmOf(c.out.String())
			if realm == "" {
				t.Fatalf("no realm is named:\n%s", &c.out)
			}
			if status := statusOf(t, url+"/realms/"+realm); status != 404 {
				t.Errorf("realm %s is still there: %d", realm, status)
			}
		})
	}
}

// realmOf returns the realm that a demo made.
func realmOf(told string) string {
	_, rest, _ := strings.Cut(told, "keycloak/realm/")
	realm, _, _ := strings.Cut(rest, " ")
	return realm
}
