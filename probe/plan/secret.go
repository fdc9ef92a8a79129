package plan

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
)

// A Secret is not printed by accident: only Reveal gives it.
type Secret string

const shown = "(secret)"

// Reveal returns the value.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string               { return shown }
func (s Secret) GoString() string             { return shown }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(shown) }
func (s Secret) MarshalText() ([]byte, error) { return []byte(shown), nil }

// Format covers every verb, %x among them.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, shown) }

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// NewSecret makes 43 characters of [A-Za-z0-9], 256 bits: nothing that HTTP Basic would have to encode.
func NewSecret() Secret {
	var made strings.Builder
	for made.Len() < 43 {
		var b [1]byte
		rand.Read(b[:])
		if n := int(b[0]); n < 256/len(alphabet)*len(alphabet) { // else the first letters would be likelier
			made.WriteByte(alphabet[n%len(alphabet)])
		}
	}
	return Secret(made.String())
}

// What the administrator's secret is called in the environment; each also with _FILE, naming a file that holds it.
const (
	EnvPassword     = "MCPWIZ_KEYCLOAK_PASSWORD"
	EnvCode         = "MCPWIZ_KEYCLOAK_OTP" // the administrator's one-time code; it is good for one run
	EnvClientSecret = "MCPWIZ_KEYCLOAK_CLIENT_SECRET"
	EnvToken        = "MCPWIZ_KEYCLOAK_TOKEN"
)

// EnvIntrospection is the secret of the client that introspects tokens; also with _FILE.
const EnvIntrospection = "MCPWIZ_INTROSPECTION_SECRET"

// ErrNoSecret: it is neither in the environment nor in a file, and there is nobody to ask.
var ErrNoSecret = errors.New("not given")

// Ask looks for a secret in the environment variable name, then in the file that name_FILE names, then asks. A nil
// prompt asks nobody.
func Ask(env func(string) (string, bool), name string, prompt func() (Secret, error)) (Secret, error) {
	if v, ok := env(name); ok && v != "" {
		return Secret(v), nil
	}
	if path, ok := env(name + "_FILE"); ok && path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("read the file of %s_FILE: %w", name, err)
		}
		if s := strings.TrimRight(string(data), "\r\n"); s != "" {
			return Secret(s), nil
		}
		return "", fmt.Errorf("read the file of %s_FILE: %s is empty", name, path)
	}
	if prompt == nil {
		return "", fmt.Errorf("%w: set %s, or %s_FILE to a file that holds it", ErrNoSecret, name, name)
	}
	return prompt()
}
