package cloudflaretest

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
)

// A target is where a request goes on to: a connector, or an address.
type target struct {
	connector *Connector
	address   string
	// gone: nothing answers at the name, since its record does not lead to the edge.
	gone bool
}

const tunnelDomain = ".cfargotunnel.com"

// recordsOf returns the records of the host, those of a wildcard where it has none of its own.
func (v *visit) recordsOf() (l []*document) {
	_, parent, _ := strings.Cut(v.host, ".")
	for _, name := range []string{v.host, "*." + parent} {
		for _, d := range v.zone.records {
			if d.text("name") == name && slices.Contains(hosts, d.text("type")) {
				l = append(l, d)
			}
		}
		if len(l) > 0 {
			return l
		}
	}
	return nil
}

// proxied: the host has a record that leads to the edge.
func (v *visit) proxied() bool {
	return slices.ContainsFunc(v.recordsOf(), func(d *document) bool { return d.truth("proxied") })
}

// cloudflaresOwn are some of the networks that a record must not point to.
var cloudflaresOwn = []netip.Prefix{
	netip.MustParsePrefix("104.16.0.0/13"), netip.MustParsePrefix("172.64.0.0/13"), netip.MustParsePrefix("188.114.96.0/20"), netip.MustParsePrefix("2606:4700::/32"),
}

// resolve finds what stands behind the host.
func (v *visit) resolve() (*page, target) {
	record := v.recordsOf()[0]
	content := record.text("content")
	if id, ok := strings.CutSuffix(content, tunnelDomain); ok {
		return v.resolveTunnel(id)
	}
	if a, err := netip.ParseAddr(content); err == nil {
		switch {
		case slices.ContainsFunc(cloudflaresOwn, func(n netip.Prefix) bool { return n.Contains(a) }):
			return v.fault(1000), target{}
		case a.IsLoopback() || a.IsPrivate() || a.IsUnspecified():
			return v.fault(1002), target{}
		}
	} else if content == v.host || v.c.zoneOf(content) == nil && v.c.o.Origin == nil {
		return v.fault(1016), target{}
	}
	return nil, target{address: content}
}

func (v *visit) resolveTunnel(id string) (*page, target) {
	for _, a := range v.c.accounts {
		for _, t := range a.tunnels {
			switch {
			case t.id != id || !t.deleted.IsZero():
			case a != v.zone.owner:
				return v.fault(1014), target{}
			case len(t.connectors) == 0:
				return v.fault(1033), target{}
			default:
				return nil, target{connector: t.connectors[0]}
			}
		}
	}
	return v.fault(1016), target{}
}

// forward asks the origin and brings its answer back.
func (v *visit) forward(w http.ResponseWriter, to target) {
	if to.gone {
		panic(http.ErrAbortHandler)
	}
	ctx, cancel := context.WithCancelCause(v.r.Context())
	defer cancel(nil)
	out := v.outgoing(ctx)
	through := v.origin(out, to)
	v.carry(ctx, w, cancel, func() (*http.Response, error) { return through.RoundTrip(out) })
}

// outgoing is the request as the origin gets it.
func (v *visit) outgoing(ctx context.Context) *http.Request {
	out := v.r.Clone(ctx)
	out.RequestURI, out.Host = "", v.r.Host
	out.URL = &url.URL{Scheme: "http", Host: v.r.Host, Path: v.r.URL.Path, RawPath: v.r.URL.RawPath, RawQuery: v.r.URL.RawQuery}
	h := out.Header
	for _, name := range []string{
		"Connection", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Cf-Access-Jwt-Assertion", "Cf-Warp-Tag-Id",
	} {
		h.Del(name)
	}
	h.Set("X-Forwarded-Proto", v.scheme)
	h.Set("Cf-Visitor", `{"scheme":"`+v.scheme+`"}`)
	h.Set("Cf-Connecting-Ip", v.from.IP.String())
	h.Set("Cf-Ipcountry", v.from.Country)
	h.Set("Cf-Ray", v.ray+"-FRA")
	h.Set("Cdn-Loop", "cloudflare; loops=1")
	h.Set("Accept-Encoding", "gzip")
	forwarded := v.from.IP.String()
	if before := v.r.Header.Get("X-Forwarded-For"); before != "" {
		forwarded = before + "," + forwarded
	}
	h.Set("X-Forwarded-For", forwarded)
	if v.assertion != "" {
		h.Set("Cf-Access-Jwt-Assertion", v.assertion)
	}
	if v.r.ContentLength == 0 {
		out.Body = http.NoBody
	}
	return out
}

// origin is what reaches the target, and points the request at it.
func (v *visit) origin(out *http.Request, to target) http.RoundTripper {
	if to.connector != nil {
		return to.connector.reach
	}
	out.URL.Scheme, out.URL.Host = "https", to.address
	if mode := v.ssl; mode == "flexible" || mode == "off" || v.scheme == "http" {
		out.URL.Scheme = "http"
	}
	if v.c.o.Origin != nil {
		return v.c.o.Origin
	}
	return &http.Transport{DisableCompression: true, DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: v.ssl != "strict", ServerName: v.host}}
}

// originFault says which error an origin without a tunnel brings about.
func originFault(err error) int {
	var (
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		record  tls.RecordHeaderError
		alert   tls.AlertError
		dns     *net.DNSError
		timeout net.Error
	)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return 521
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return 523
	case errors.As(err, &unknown), errors.As(err, &name), errors.As(err, &invalid):
		return 526
	case errors.As(err, &record), errors.As(err, &alert):
		return 525
	case errors.As(err, &dns):
		return cmp.Or(map[bool]int{true: 522}[dns.IsTimeout], 1016)
	case errors.As(err, &timeout) && timeout.Timeout():
		return 522
	}
	return 520
}
