package probe

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
)

// A Fingerprinter makes fingerprints that can be compared within one run and mean nothing outside it.
type Fingerprinter struct{ key [32]byte }

// NewFingerprinter returns one with a key of its own.
func NewFingerprinter() *Fingerprinter {
	f := new(Fingerprinter)
	rand.Read(f.key[:])
	return f
}

// Of returns the fingerprint of a value: 12 hex digits of HMAC-SHA-256.
func (f *Fingerprinter) Of(value string) string {
	mac := hmac.New(sha256.New, f.key[:])
	mac.Write([]byte(value))
	return hex.EncodeToString(mac.Sum(nil))[:12]
}

// Redact returns what stands in a value's place.
func (f *Fingerprinter) Redact(value string) string { return Secret{len(value), f.Of(value)}.String() }

// A Secret is what is left of a redacted value.
type Secret struct {
	Length      int
	Fingerprint string
}

// String returns the form that Redacted reads: "[redacted 43 0123456789ab]".
func (s Secret) String() string { return fmt.Sprintf("[redacted %d %s]", s.Length, s.Fingerprint) }

// redacted also reads the form as it is escaped in a URL.
var redacted = regexp.MustCompile(`(?:\[|%5B)redacted[ +](\d+)[ +]([0-9a-f]{12})(?:\]|%5D)`)

// Redacted finds the first redacted value in s.
func Redacted(s string) (Secret, bool) {
	all := AllRedacted(s)
	if len(all) == 0 {
		return Secret{}, false
	}
	return all[0], true
}

// AllRedacted finds every redacted value in s, in order.
func AllRedacted(s string) []Secret {
	var all []Secret
	for _, m := range redacted.FindAllStringSubmatch(s, -1) {
		n, _ := strconv.Atoi(m[1])
		all = append(all, Secret{n, m[2]})
	}
	return all
}
