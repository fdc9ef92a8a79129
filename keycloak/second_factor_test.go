package keycloak

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// totp is the code of a time (RFC 6238, SHA-1, 30 s, 6 digits).
func totp(key string, at time.Time) plan.Secret {
	mac := hmac.New(sha1.New, []byte(key))
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix()/30)))
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	return plan.Secret(fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[offset:])&0x7fffffff)%1e6))
}

// An administrator with a second factor signs in with one code, which is good for the whole run: it is asked for where it lacks.
func TestAdministratorWithASecondFactor(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		if strings.HasPrefix(kc.Name, "small") {
			t.Skip("the small Keycloak knows no second factor at the token endpoint")
		}
		const key = "a-key-of-a-second-factor"
		b := newBench(t, kc)
		b.c.Keycloak.CreateRealm, b.c.Users = false, nil
		b.c.Clients = b.c.Clients[:1]
		b.makeRealm(nil)
		b.administrator("ada", "canary-of-ada", key)

		now := time.Now()
		o := Options{AdminURL: kc.URL, Realm: b.realm, User: "ada", Password: "canary-of-ada", Now: func() time.Time { return now }}
		_, err := Login(t.Context(), o)
		if !MayLackCode(err) || !strings.Contains(err.Error(), plan.EnvCode) || strings.Contains(err.Error(), "canary") {
			t.Errorf("without a code: %v", err)
		}
		o.OneTimeCode = totp(key, time.Now()) // Keycloak takes the one before too
		ada, err := Login(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		b.as(ada, func() {
			p := b.look()
			now = now.Add(295 * time.Second) // the token is too old, and the code was used
			if err := plan.Apply(t.Context(), b.resources(), p, plan.OpenJournal(b.journal), nil); err != nil {
				t.Error(err)
			}
		})
		ada.session = session{}
		if _, err := ada.realm(t.Context(), b.realm); !MayLackCode(err) {
			t.Errorf("the code a second time: %v", err)
		}
	})
}

// administrator makes one of the realm, with a second factor.
func (b *bench) administrator(name, password, key string) {
	b.t.Helper()
	b.call(http.MethodPost, map[string]any{"username": name, "enabled": true, "email": name + "@example.com", "emailVerified": true,
		"firstName": name, "lastName": name, "credentials": []map[string]any{
			{"type": "password", "value": password},
			{"type": "otp", "secretData": `{"value":"` + key + `"}`, "credentialData": `{"subType":"totp","digits":6,"counter":0,"period":30,"algorithm":"HmacSHA1"}`},
		}}, nil, "realms", b.realm, "users")
	var users, clients []map[string]any
	b.call(http.MethodGet, nil, &users, "realms", b.realm, "users")
	b.call(http.MethodGet, nil, &clients, "realms", b.realm, "clients")
	for _, c := range clients {
		if c["clientId"] != "realm-management" {
			continue
		}
		id := c["id"].(string)
		var role map[string]any
		b.call(http.MethodGet, nil, &role, "realms", b.realm, "clients", id, "roles", "manage-clients")
		b.call(http.MethodPost, []any{role}, nil, "realms", b.realm, "users", users[0]["id"].(string), "role-mappings", "clients", id)
	}
}
