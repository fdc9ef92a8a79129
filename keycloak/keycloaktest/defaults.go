package keycloaktest

import (
	"crypto/rand"
	"embed"
	"encoding/json"
	"fmt"
	"strings"
)

// defaults are what a new realm of the real one holds (26.7.3), without ids.
//
//go:embed defaults
var defaults embed.FS

// readDefaults reads one file; with is what its placeholders stand for.
func readDefaults(name string, into any, with ...string) {
	data, err := defaults.ReadFile("defaults/" + name + ".json")
	if err == nil {
		err = json.Unmarshal([]byte(strings.NewReplacer(with...).Replace(string(data))), into)
	}
	if err != nil {
		panic(fmt.Sprintf("defaults of %s: %v", name, err))
	}
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// newText makes a random text of letters and digits, as Keycloak's secrets are.
func newText(length int) string {
	b := make([]byte, length)
	_, _ = rand.Read(b)
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b)
}
