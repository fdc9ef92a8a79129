package keycloak

import (
	"strings"
	"testing"

	"github.com/Nerzal/gocloak/v13"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// Since 26.8 an account that may only look is shown stars for a secret. Sent back, they would become the secret.
func TestHiddenSecretIsNeitherKeptNorSentBack(t *testing.T) {
	t.Parallel()
	secrets, err := plan.LoadSecrets("")
	if err != nil {
		t.Fatal(err)
	}
	yes := true
	c := &client{secrets: secrets, want: plan.Client{ID: "claude", Confidential: &yes}, kind: login}
	have := &gocloak.Client{Secret: gocloak.StringP(hidden)}
	if note := c.secretNote(have); !strings.Contains(note, "not told by Keycloak") {
		t.Errorf("note %q", note)
	}
	var sent gocloak.Client
	if err := c.setCredential(&sent, have); err != nil {
		t.Fatal(err)
	}
	kept, ok := secrets.Get(plan.ClientSecret("claude"))
	if !ok || kept == hidden || *sent.Secret != kept.Reveal() {
		t.Errorf("kept %v, sent the same: %v", ok, *sent.Secret == kept.Reveal())
	}
	// What is kept cannot be compared with stars, so there is nothing to do.
	var f fields
	if c.compareCredential(&f, have); len(f) > 0 {
		t.Errorf("%v", f)
	}
}

func TestKeysThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for _, key := range []plan.Secret{"", "no PEM", "-----BEGIN PRIVATE KEY-----\nbm90aGluZw==\n-----END PRIVATE KEY-----\n"} {
		if got, err := publicJWKS(key); err == nil {
			t.Errorf("%s", got)
		}
	}
	key, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	one, err := publicJWKS(key)
	two, _ := publicJWKS(key)
	if err != nil || one != two || strings.Contains(one, `"d"`) {
		t.Errorf("%s, %v", one, err)
	}
}
