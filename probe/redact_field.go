package probe

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// malformed finds the header line that net/textproto quotes where it cannot read it, by Go's rules.
var malformed = regexp.MustCompile(`(malformed MIME header[a-z :]*)("(?:[^"\\]|\\.)*")`)

// piece is what may be a secret in a line that has no name.
var piece = regexp.MustCompile(`[A-Za-z0-9._~+/%-]{16,}=*`)

// quotedField conceals in an error what it quotes of a header, as field does: one that cannot be read may be a session id.
func (r *redactor) quotedField(complaint string) string {
	return malformed.ReplaceAllStringFunc(complaint, func(found string) string {
		m := malformed.FindStringSubmatch(found)
		line, err := strconv.Unquote(m[2])
		if err != nil {
			return m[1] + r.unlisted(m[2])
		}
		name, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch known := http.CanonicalHeaderKey(name); {
		case !ok:
			line = piece.ReplaceAllStringFunc(line, r.unlisted)
		case known == name && keptHeaders[name] && !textHeaders[name] && !urlHeaders[name]:
		case len(name) <= 80:
			line = name + ": " + r.secret(value)
		default:
			line = r.unlisted(line)
		}
		return m[1] + strconv.Quote(line)
	})
}
