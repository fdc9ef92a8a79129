package checks

import (
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// certificates returns the last certificate seen at each host and port.
func certificates(t *probe.Trace) []probe.Fact {
	return lastOf(t.FactsOf("certificate"), "host", "port")
}

func certificateVerifies(t *probe.Trace) probe.Verdict {
	if t.Rehearsal() {
		return probe.Skip(rehearsal)
	}
	var names []string
	for _, f := range certificates(t) {
		if good, _ := f.Data["verified"].(bool); good {
			names = append(names, text(f.Data["host"])+" by "+clipped(text(f.Data["issuer"]), 80))
			continue
		}
		return unverified(t, f)
	}
	return probe.Pass("%s", strings.Join(names, "; ")).OnFact(certificates(t)...)
}

func unverified(t *probe.Trace, f probe.Fact) probe.Verdict {
	name, kind := text(f.Data["host"]), text(f.Data["kind"])
	judged := probe.Fail
	if !t.Profile.Hosted && (kind == "self-signed" || kind == "untrusted") {
		judged = probe.Warn // a user's machine may trust an authority of its own
	}
	v := judged("%s: %s (%s)", name, kind, clipped(text(f.Data["error"]), 160)).OnFact(f).Who(servedAt(t, f)).
		So("%s refuses the connection before any request", clientName(t))
	if kind == "other" && !strings.Contains(text(f.Data["error"]), "tls:") {
		return v.Because("network.connected").Mend("look what cuts the connection to %s before a certificate is shown", name)
	}
	switch kind {
	case "expired":
		return v.Mend("renew the certificate of %s, which ended %s, and see that the server loads the new one", name, text(f.Data["not_after"]))
	case "not-yet-valid":
		return v.Mend("wait until %s or set the clock right: the certificate is not valid yet", text(f.Data["not_before"]))
	case "name":
		return v.Mend("get a certificate for %s (this one is for %s); Cloudflare's own covers one level of sub-domains, deeper names need Advanced Certificate Manager",
			name, orNobody(texts(f.Data["names"])))
	case "incomplete-chain":
		return v.Mend("serve the intermediate certificates too: fullchain.pem instead of cert.pem")
	case "other":
		return v.Because("network.tls-version").
			Mend("look why %s shows no certificate: the port must speak TLS, and the edge must have one for this name (Cloudflare's own covers one level of sub-domains)", name)
	}
	return v.Mend("use a certificate of a public authority (Let's Encrypt), or publish %s through a tunnel or proxy that has one", name)
}

func orNobody(names []string) string {
	if len(names) == 0 {
		return "no name at all"
	}
	return list(names)
}

func certificateFresh(t *probe.Trace) probe.Verdict {
	if t.Rehearsal() {
		return probe.Skip(rehearsal)
	}
	var first time.Time
	for _, f := range certificates(t) {
		end, err := time.Parse(time.RFC3339, text(f.Data["not_after"]))
		if err != nil {
			continue
		}
		if left := end.Sub(t.Now); left < due(f, end) {
			return probe.Fail("the certificate of %s ends %s, in %s", text(f.Data["host"]), end.Format(time.RFC3339), span(left)).OnFact(f).Who(servedAt(t, f)).
				So("from then on %s refuses the connection", clientName(t)).
				Mend("look why it was not renewed (certbot renew --dry-run, the log of the ACME client), and see that the server loads the new one")
		}
		if first.IsZero() || end.Before(first) {
			first = end
		}
	}
	if first.IsZero() {
		return probe.Unknown("nothing tells when a certificate ends")
	}
	return probe.Pass("the first ends %s", first.Format(time.RFC3339)).OnFact(certificates(t)...)
}

// due is how long before its end a certificate ought to have been replaced: a tenth of its life, since some live for six
// days and some for a year.
func due(f probe.Fact, end time.Time) time.Duration {
	begin, err := time.Parse(time.RFC3339, text(f.Data["not_before"]))
	if err != nil {
		return 7 * 24 * time.Hour
	}
	return end.Sub(begin) / 10
}

// span tells a duration by the unit that counts.
func span(d time.Duration) string {
	if d >= 48*time.Hour {
		return value(int(d/(24*time.Hour))) + " days"
	}
	return d.Round(time.Minute).String()
}
