package checks

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// endpointsUsed are the members whose URLs the client, its user's browser or the MCP server talks to.
func endpointsUsed(t *probe.Trace) []string {
	if machine(t) {
		return []string{"token_endpoint"}
	}
	return []string{"authorization_endpoint", "token_endpoint", "registration_endpoint"}
}

const hostnameSetting = "start Keycloak with KC_HOSTNAME=https://<public name>, KC_PROXY_HEADERS=xforwarded and without hostname-backchannel-dynamic; " +
	"elsewhere set the authorization server's public URL"

func endpointsHTTPS(t *probe.Trace, d *probe.Document) probe.Verdict {
	if t.Rehearsal() {
		return probe.Skip(rehearsal)
	}
	var plain []string
	for _, name := range append(endpointsUsed(t), "issuer", "jwks_uri") {
		if u := absolute(d.String(name)); u != nil && u.Scheme != "https" {
			plain = append(plain, name+" is "+d.String(name))
		}
	}
	if len(plain) == 0 {
		return probe.Pass("no endpoint is http").On(d.Exchange)
	}
	v := probe.Fail("%s", list(plain)).On(d.Exchange).Who(served(t, d.Exchange)).
		So("%s refuses to send codes and secrets in the clear; several clients drop the whole document", clientName(t)).Mend(hostnameSetting)
	if u := absolute(d.String("issuer")); u != nil && u.Scheme != "https" {
		return v.Because("server-metadata.issuer-matches") // the server does not know its public name: one setting mends both
	}
	return v
}

func endpointsPublic(t *probe.Trace, d *probe.Document) probe.Verdict {
	issuer := absolute(d.String("issuer"))
	hosted := (t.Profile.Hosted || t.Profile.ID == "") && !t.Rehearsal()
	var internal, ports []string
	plain := true
	for _, name := range endpointsUsed(t) {
		u := absolute(d.String(name))
		if u == nil {
			continue
		}
		// Who reaches an internal issuer from where it runs reaches its endpoints too; under another name they are a mistake.
		if t.Rehearsal() && probe.Loopback(u.Hostname()) {
			continue
		}
		if why := secluded(u); why != "" && (hosted || issuer == nil || host(issuer) != host(u)) {
			internal = append(internal, fmt.Sprintf("%s is %s, %s", name, d.String(name), why))
			plain = plain && u.Scheme == "http"
		} else if port := u.Port(); hosted && port != "" && port != defaultPort(u.Scheme) {
			ports = append(ports, fmt.Sprintf("%s is %s, on port %s", name, d.String(name), port))
		}
	}
	v := func(detail []string, effect string) probe.Verdict {
		return probe.Fail("%s", list(detail)).On(d.Exchange).Who(served(t, d.Exchange)).So("%s", effect)
	}
	switch {
	case len(internal) > 0 && plain:
		return v(internal, clientName(t)+" and its user's browser cannot reach it").Mend(hostnameSetting).Because("server-metadata.endpoints-https")
	case len(internal) > 0:
		return v(internal, clientName(t)+" and its user's browser cannot reach it").Mend(hostnameSetting)
	case t.Rehearsal():
		return probe.Skip(rehearsal)
	case len(ports) > 0:
		return v(ports, clientName(t)+" talks to port 443 alone").Mend("publish the authorization server on port 443, and take the port out of its public URL (KC_HOSTNAME)")
	}
	return probe.Pass("every endpoint can be reached by its name").On(d.Exchange)
}

// insider names the check on the document that names a host of an internal network, "" where none does: there is no name to
// be made for it, it must not be named.
func insider(t *probe.Trace, name string) string {
	inside := func(d *probe.Document, members ...string) bool {
		return d != nil && slices.ContainsFunc(members, func(member string) bool {
			return slices.ContainsFunc(d.Strings(member), func(s string) bool {
				u := absolute(s)
				return u != nil && strings.EqualFold(u.Hostname(), name) && secluded(u) != "" && !strings.EqualFold(name, t.URL().Hostname())
			})
		})
	}
	switch {
	case inside(resourceDocument(t), "authorization_servers"):
		return "resource-metadata.names-authorization-server"
	case inside(serverDocument(t), endpointsUsed(t)...):
		return "server-metadata.endpoints-public"
	}
	return ""
}

func keysUsable(t *probe.Trace) probe.Verdict {
	x := latest(t, probe.JWKS, func(x *probe.Exchange) bool { return x.Answer().Object()["keys"] != nil })
	v := func(format string, args ...any) probe.Verdict {
		return probe.Fail(format, args...).On(x).Who(served(t, x)).So("the MCP server can verify no token: it answers 401 or 5xx to good ones")
	}
	keys, isArray := x.Answer().Object()["keys"].([]any)
	switch {
	case x.Status() == 304 || hidden(x.Answer()):
		return probe.Unknown("%s: the keys were not read", bare(x)).On(x)
	case x.Status() != 200 || x.Answer().Object() == nil:
		return inFront(x, v("%s: %s", bare(x), answered(x)).Mend("serve the public keys as JSON at jwks_uri, to anybody"))
	case !isArray || len(keys) == 0:
		return v("%s: keys is %s", bare(x), orMissing(x.Answer().Object()["keys"])).Mend("publish the public signing keys at jwks_uri")
	}
	var good, others []string
	for _, k := range keys {
		key, _ := k.(map[string]any)
		if why := unfit(key); why != "" {
			others = append(others, why)
			continue
		}
		good = append(good, text(key["kid"]))
	}
	switch {
	case len(good) == 0:
		return v("%s: no key can verify a token: %s", bare(x), list(others)).Mend("publish an RS256 or ES256 key for signatures (in Keycloak: Realm settings > Keys > Add provider)")
	case slices.Contains(good, "") && len(good) > 1:
		return probe.Warn("%s: of %d signing keys some have no kid", bare(x), len(good)).On(x).Who(served(t, x)).
			So("a verifier cannot choose the key").Mend("give every key a kid, and write it into the header of tokens")
	}
	return probe.Pass("%d of %d keys can verify a signature", len(good), len(keys)).On(x)
}

func orMissing(v any) string {
	if v == nil {
		return "missing"
	}
	return value(v)
}

// Padding is against RFC 7515 section 2 too, but verifiers drop it.
var notBase64URL = regexp.MustCompile(`[^A-Za-z0-9_=-]`)

// unfit says why a key cannot verify an access token's signature, "" when it can.
func unfit(key map[string]any) string {
	kty, use, alg := text(key["kty"]), text(key["use"]), text(key["alg"])
	switch {
	case kty == "oct":
		return "a symmetric key, which is a secret"
	case kty != "RSA" && kty != "EC" && kty != "OKP":
		return "a key of type " + quoted(kty)
	case use != "" && use != "sig":
		return fmt.Sprintf("a key for use %q", use)
	case alg != "" && !strings.HasPrefix(alg, "RS") && !strings.HasPrefix(alg, "PS") && !strings.HasPrefix(alg, "ES") && alg != "EdDSA" && alg != "Ed25519":
		return "a key for " + quoted(alg)
	}
	for _, member := range []string{"n", "e", "x", "y"} {
		if s := text(key[member]); notBase64URL.MatchString(s) && !strings.HasPrefix(s, "[redacted") {
			return "a key whose " + member + " is not written in base64url (RFC 7518 section 2)"
		}
	}
	return ""
}
