package cloudflared

import (
	"log/slog"
	"os"
	"regexp"
	"strings"
)

// A line is one of cloudflared's log: "2026-11-25T20:20:42Z ERR message key=value".
type line struct {
	level   slog.Level
	message string
	fields  string
}

var (
	lineForm  = regexp.MustCompile(`^\S+ (DBG|INF|WRN|ERR|FTL) (.*)$`)
	fieldForm = regexp.MustCompile(` ([A-Za-z][A-Za-z0-9_]*)=("(?:[^"\\]|\\.)*"|\S*)`)
	// secretForm is a run token: base64 of a JSON object.
	secretForm = regexp.MustCompile(`eyJ[A-Za-z0-9+/=_-]{20,}`)
)

// parseLine takes what is no line of the log for a message. What looks like a token is struck out.
func parseLine(text string) line {
	text = secretForm.ReplaceAllString(text, "(struck out)")
	m := lineForm.FindStringSubmatch(text)
	if m == nil {
		return line{level: slog.LevelWarn, message: strings.TrimSpace(text)}
	}
	l := line{level: map[string]slog.Level{"DBG": slog.LevelDebug, "INF": slog.LevelDebug, "WRN": slog.LevelInfo, "ERR": slog.LevelWarn, "FTL": slog.LevelError}[m[1]], message: m[2]}
	if m[2] == "Configuration file "+os.DevNull+" was empty" { // as it is meant to be
		l.level = slog.LevelDebug
	}
	if at := fieldForm.FindStringIndex(m[2]); at != nil {
		l.message, l.fields = m[2][:at[0]], m[2][at[0]:]
	}
	if l.message == "precheck" && strings.Contains(l.fields, " status=fail") { // what it tries before it starts, told as mere information
		l.level = slog.LevelWarn
	}
	return l
}

func (l line) attrs() []any {
	var all []any
	for _, m := range fieldForm.FindAllStringSubmatch(l.fields, -1) {
		all = append(all, m[1], strings.Trim(m[2], `"`))
	}
	return all
}

// metricsOf is where it says that it tells of itself.
func metricsOf(message string) (string, bool) {
	rest, ok := strings.CutPrefix(message, "Starting metrics server on ")
	return strings.TrimSuffix(rest, "/metrics"), ok
}

// A cause is what a line of the log means to an operator.
type cause struct {
	// says and with are parts of the message, and of the fields.
	says, with string
	why, mend  string
	// hopeless: starting again would change nothing. field names what of the line belongs to the reason.
	hopeless bool
	field    string
}

const (
	noUDP   = "UDP to Cloudflare's edge does not get through (QUIC)"
	mendUDP = "let UDP port 7844 out; cloudflared goes on over TCP by itself"
)

// causes by what cloudflared writes; the first that fits.
var causes = []cause{
	{says: "Provided Tunnel token is not valid", why: "the token that the tunnel runs with is not one", mend: "mcpwiz expose apply fetches it anew", hopeless: true},
	{says: "Failed to read token file", why: "the file with the token that the tunnel runs with cannot be read", mend: "mcpwiz expose apply fetches it anew", hopeless: true},
	{says: "requires the ID or name of the tunnel to run", why: "the file with the token that the tunnel runs with is empty", mend: "mcpwiz expose apply fetches it anew", hopeless: true},
	{says: "flag provided but not defined", why: "this cloudflared is too old for how it is called", mend: "bring cloudflared up to date", hopeless: true},
	{says: "Register tunnel error from server side", with: "Unauthorized", why: "Cloudflare does not take the token: the tunnel was deleted, or its token was changed", mend: "mcpwiz expose apply fetches it anew"},
	{says: "", with: "Tunnel not found", why: "the tunnel is not there any more", mend: "mcpwiz expose apply makes it again"},
	{says: "precheck", with: `component="DNS Resolution"`, why: "the addresses of Cloudflare's edge cannot be looked up", mend: "see that this machine resolves region1.v2.argotunnel.com"},
	{says: "precheck", with: `component="UDP Connectivity"`, why: noUDP, mend: mendUDP},
	{says: "precheck", with: `component="TCP Connectivity"`, why: "TCP to Cloudflare's edge does not get through (HTTP/2)", mend: "let TCP port 7844 out", field: "target"},
	{says: "the DNS query failed", why: "the addresses of Cloudflare's edge cannot be looked up", mend: "see that this machine resolves region1.v2.argotunnel.com"},
	{says: "", with: "no recent network activity", why: noUDP, mend: mendUDP},
	{says: "Unable to establish connection with Cloudflare edge", why: "Cloudflare's edge cannot be reached", mend: "let TCP and UDP port 7844 out to region1.v2.argotunnel.com and region2.v2.argotunnel.com", field: "error"},
	{says: "Unable to reach the origin service", why: "what the tunnel leads to does not answer", mend: "start it, or correct the service of the ingress rule", field: "error"},
	{says: "", with: "Unable to reach the origin service", why: "what the tunnel leads to does not answer", mend: "start it, or correct the service of the ingress rule", field: "originService"},
	{says: "failed to unmarshal quick Tunnel", why: "no quick tunnel can be had now", mend: "try again later: there are limits on how many are made"},
	{says: "failed to request quick Tunnel", why: "no quick tunnel can be had now", mend: "see that this machine reaches api.trycloudflare.com", field: "error"},
}

func known(l line) *cause {
	if l.level < slog.LevelWarn {
		return nil
	}
	for i, c := range causes {
		if strings.Contains(l.message, c.says) && strings.Contains(l.fields+l.message, c.with) {
			return &causes[i]
		}
	}
	return nil
}

func (c *cause) reason(l line) string {
	attrs := l.attrs()
	for i := 0; c.field != "" && i+1 < len(attrs); i += 2 {
		if attrs[i] == c.field {
			return c.why + ": " + attrs[i+1].(string)
		}
	}
	return c.why
}
