package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

const lookLimit = 10 * time.Second

// look finds out, beside the steps, what is to be known of a URL's host: its addresses and its certificate. Loopback is a
// rehearsal and has neither.
func (e *Emulator) look(ctx context.Context, raw string) {
	u := absolute(raw)
	if u == nil || probe.Loopback(u.Hostname()) || e.unseen(u) != "" {
		return
	}
	at := origin(u)
	e.mu.Lock()
	seen := e.looked[at]
	e.looked[at] = true
	e.mu.Unlock()
	if seen {
		return
	}
	if e.opt.Shared != nil {
		e.lookTogether(ctx, u)
		return
	}
	e.lookAt(ctx, u, &e.looking, finds{e.told, e.excuse})
}

// finds is to whom it is told what is found out about a host.
type finds struct {
	fact   func(probe.Fact)
	excuse func(probe.Evidence, string)
}

// note tells a fact of our own.
func (f finds) note(kind, source string, data map[string]any) {
	f.fact(probe.Fact{Kind: kind, Source: source, At: time.Now(), Data: data})
}

// lookAt looks at a host from all sides, each in a goroutine of its own.
func (e *Emulator) lookAt(ctx context.Context, u *url.URL, all *sync.WaitGroup, to finds) {
	side := func(look func(context.Context)) {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, lookLimit)
			defer cancel()
			look(ctx)
		})
	}
	side(func(ctx context.Context) { e.resolve(ctx, u, to) })
	for _, r := range e.opt.Resolvers {
		side(func(ctx context.Context) { e.resolveBy(ctx, r, u.Hostname(), to) })
	}
	side(func(ctx context.Context) { e.certificate(ctx, u, to) })
}

// lookAtTarget looks at the MCP server's own host.
func lookAtTarget(ctx context.Context, e *Emulator) error {
	const rehearsal = "a loopback target is a rehearsal"
	both := []probe.Evidence{probe.OfFact("dns"), probe.OfFact("certificate")}
	host, reason := e.target.Hostname(), e.unseen(e.target)
	switch {
	case probe.Loopback(host):
		e.excuseAll(rehearsal, both)
		return nil
	case reason != "":
		e.excuseAll(reason, both)
		return nil
	case net.ParseIP(host) != nil:
		e.excuse(probe.OfFact("dns"), "the URL names an address, not a host")
	}
	if e.target.Scheme != "https" {
		e.excuse(probe.OfFact("certificate"), "the URL is not https")
	}
	e.look(ctx, e.opt.Target)
	return nil
}

// unseen says why names and certificates cannot be looked at from here, "" when they can.
func (e *Emulator) unseen(u *url.URL) string {
	if e.dial == nil {
		return "connections are made out of sight: names and certificates were not looked at"
	}
	if e.opt.Network != nil {
		return ""
	}
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u}); err == nil && proxy != nil {
		return "a proxy makes the connections: names and certificates were not looked at"
	}
	return ""
}

// resolve notes what the system's resolver says of a host.
func (e *Emulator) resolve(ctx context.Context, u *url.URL, to finds) {
	host := u.Hostname()
	if net.ParseIP(host) != nil {
		return
	}
	data := map[string]any{"host": host, "a": []string{}, "aaaa": []string{}, "not_found": false}
	addrs, err := e.resolver.LookupNetIP(ctx, "ip", host)
	var a, aaaa []string
	for _, addr := range addrs {
		if addr = addr.Unmap(); addr.Is4() {
			a = append(a, addr.String())
		} else {
			aaaa = append(aaaa, addr.String())
		}
	}
	if len(a) > 0 {
		data["a"] = a
	}
	if len(aaaa) > 0 {
		data["aaaa"] = aaaa
	}
	if err != nil {
		var dns *net.DNSError
		data["error"] = err.Error()
		data["not_found"] = errors.As(err, &dns) && dns.IsNotFound
	} else if name, err := e.resolver.LookupCNAME(ctx, host); err == nil && !strings.EqualFold(strings.TrimSuffix(name, "."), host) {
		data["cname"] = strings.TrimSuffix(name, ".")
	}
	if errors.Is(ctx.Err(), context.Canceled) { // we gave up, the resolver did not
		return
	}
	to.note("dns", "system", data)
}

// resolveBy notes what a public name server says of a host, unless its name is nobody else's business.
func (e *Emulator) resolveBy(ctx context.Context, r Resolver, host string, to finds) {
	if !everybodys(host) {
		return
	}
	found, err := r.lookUp(ctx, host)
	if errors.Is(ctx.Err(), context.Canceled) { // we gave up, the name server did not
		return
	}
	data := map[string]any{"host": host, "a": append([]string{}, found.a...), "aaaa": append([]string{}, found.aaaa...), "not_found": found.notFound}
	switch {
	case err != nil:
		data["error"] = err.Error()
	case found.notFound:
		data["error"] = "no such host"
	case found.cname != "":
		data["cname"] = found.cname
	}
	to.note("dns", r.Name, data)
}

// certificate notes what a host shows of itself in a TLS handshake, verified or not.
func (e *Emulator) certificate(ctx context.Context, u *url.URL, to finds) {
	if u.Scheme != "https" {
		return
	}
	data, err := e.handshake(ctx, u)
	switch {
	case errors.Is(ctx.Err(), context.Canceled): // we gave up, the host did not
	case err != nil:
		to.excuse(probe.OfFact("certificate"), e.tap.Sieve(fmt.Sprintf("no certificate was shown: %s", err)))
	default:
		to.note("certificate", "handshake", data)
	}
}

// note tells a fact of our own.
func (e *Emulator) note(kind, source string, data map[string]any) {
	e.told(probe.Fact{Kind: kind, Source: source, At: time.Now(), Data: data})
}

// told tells a fact; secrets are struck out, whoever learnt it.
func (e *Emulator) told(f probe.Fact) {
	f.Data, _ = e.sifted(f.Data).(map[string]any)
	e.session.Note(f)
}

func (e *Emulator) sifted(v any) any {
	switch v := v.(type) {
	case string:
		return e.tap.Sieve(v)
	case []string:
		all := make([]string, len(v))
		for i, s := range v {
			all[i] = e.tap.Sieve(s)
		}
		return all
	case []any:
		all := make([]any, len(v))
		for i, x := range v {
			all[i] = e.sifted(x)
		}
		return all
	case map[string]any:
		all := make(map[string]any, len(v))
		for name, x := range v {
			all[name] = e.sifted(x)
		}
		return all
	}
	return v
}
