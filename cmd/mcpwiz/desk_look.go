package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server/expose"
	"github.com/mcpwiz/mcpwiz/tui/wizard"
)

// checkServer tells whether the server can listen, and who answers at the public URL now, or what brings clients there.
func (d *desk) checkServer(ctx context.Context, way, listen, raw string) wizard.Verdict {
	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	u, err := url.Parse(raw)
	if err != nil {
		return wizard.Verdict{Note: "this is no URL"}
	}
	is := listen + " is served by this wizard"
	if !d.listensAt(listen) {
		is = listen + " is free"
		if err := canListen(ctx, listen); err != nil {
			return wizard.Verdict{Note: "cannot listen at " + listen + ": " + err.Error()}
		}
	}
	switch {
	case (plan.Expose{Way: way}).ByAPI():
		return d.checkConnector(ctx, is)
	case trial(u, listen):
		return wizard.Verdict{OK: true, Note: is + ": a trial on this machine"}
	}
	if why := problemOf(ctx, way, raw); why != "" {
		return wizard.Verdict{OK: true, Warn: true, Note: why}
	}
	if why := resolves(ctx, u.Hostname()); why != "" {
		return wizard.Verdict{OK: true, Warn: true, Note: why}
	}
	return answering(ctx, u, listen)
}

// checkConnector tells of what will run beside the server; the plan tells what is there at Cloudflare.
func (d *desk) checkConnector(ctx context.Context, is string) wizard.Verdict {
	version, missing := d.connector(ctx)
	if missing != "" {
		return wizard.Verdict{OK: true, Warn: true, Note: missing}
	}
	return wizard.Verdict{OK: true, Note: is + "; cloudflared " + version + " will run beside it"}
}

// problemOf is what the way's own program on this machine knows against a URL, and what cannot be had that way; "" for nothing.
func problemOf(ctx context.Context, way, raw string) string {
	if way == plan.WayOwn { // who answers is asked itself
		return ""
	}
	w, known := expose.Lookup(way, expose.Local{})
	if !known {
		return ""
	}
	s, err := w.Check(ctx, raw)
	switch {
	case err != nil:
		return err.Error()
	case len(s.Problems) > 0:
		return s.Problems[0]
	case !s.Is:
		return s.Agent
	}
	return ""
}

// trial: the public URL is that of the listening address, on this machine.
func trial(u *url.URL, listen string) bool {
	host, port, err := net.SplitHostPort(listen)
	return err == nil && probe.Loopback(u.Hostname()) && probe.Loopback(host) && u.Port() == port
}

// listensAt reports whether the wizard's own server does.
func (d *desk) listensAt(listen string) bool {
	r := d.runs()
	if r == nil || !r.alive() {
		return false
	}
	for _, at := range r.server.Listens() {
		if at == listen {
			return true
		}
	}
	return false
}

func canListen(ctx context.Context, listen string) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err == nil {
		return l.Close()
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	if server := whoListens(ctx, listen); server != "" {
		return fmt.Errorf("%s listens there", server)
	}
	return err
}

// whoListens is what a web server on this machine calls itself, "" where none answers.
func whoListens(ctx context.Context, listen string) string {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	u := &url.URL{Scheme: "http", Host: listen, Path: "/"}
	x := asked(ctx, u)
	switch {
	case x.Status() == 0:
		return ""
	case x.Header("Server") != "":
		return x.Header("Server")
	}
	return "another web server"
}

// resolves says why a name leads nowhere yet.
func resolves(ctx context.Context, host string) string {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	_, err := net.DefaultResolver.LookupHost(ctx, host)
	var dns *net.DNSError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &dns) && dns.IsNotFound:
		return host + " is no name in DNS yet: it has to be before a client comes"
	}
	return "whether " + host + " is in DNS cannot be found out: " + cut(err.Error())
}

// answering tells who answers at the public URL. That nobody does is as it should be before the server runs.
func answering(ctx context.Context, u *url.URL, listen string) wizard.Verdict {
	warn := func(format string, args ...any) wizard.Verdict {
		return wizard.Verdict{OK: true, Warn: true, Note: fmt.Sprintf(format, args...)}
	}
	x := asked(ctx, u)
	edge, self := checks.Answered(&x)
	name := x.Header("Server")
	switch {
	case x.Error != nil:
		return warn("nobody answers at %s yet: %s", u.Host, cut(x.Error.Text))
	case strings.HasPrefix(name, tool().Name+"/"):
		return wizard.Verdict{OK: true, Note: name + " answers there already"}
	case self && x.Status() >= 500:
		return wizard.Verdict{OK: true, Note: fmt.Sprintf("%s answers, and has nobody behind it yet (%d): bring it to %s", edge, x.Status(), listen)}
	case self:
		return warn("%s answers by itself (%d) and lets nobody through", edge, x.Status())
	case isBehind(ctx, u):
		return wizard.Verdict{OK: true, Note: tool().Name + " answers there already, behind " + edge}
	case x.Status() >= 300 && x.Status() < 400:
		return warn("%s leads on to %s: give the address at its end", u.Host, cut(x.Header("Location")))
	case edge != "":
		return warn("another server answers there (%d), behind %s: bring the URL to %s before a client comes", x.Status(), edge, listen)
	case name != "":
		return warn("another server answers there (%s, %d): bring the URL to %s before a client comes", cut(name), x.Status(), listen)
	}
	return warn("another server answers there (%d): bring the URL to %s before a client comes", x.Status(), listen)
}

// isBehind reports whether mcpwiz answers at a host behind an edge, that puts its own name into the header.
func isBehind(ctx context.Context, u *url.URL) bool {
	resp, err := get(ctx, wire(), &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/health"})
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	var health struct {
		Servers []struct {
			URL string `json:"url"`
		} `json:"servers"`
	}
	if resp.Header.Get("Content-Type") != "application/json" || json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&health) != nil {
		return false
	}
	for _, s := range health.Servers {
		if s.URL == u.String() {
			return true
		}
	}
	return false
}

// asked makes one request, as a browser would that follows nothing.
func asked(ctx context.Context, u *url.URL) (x probe.Exchange) {
	tap := &probe.Tap{To: func(seen probe.Exchange) { x = seen }}
	resp, err := get(ctx, tap.Transport(wire()), u)
	if err == nil {
		if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") { // it would not end
			_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
		}
		resp.Body.Close()
	}
	tap.Close()
	if err != nil && x.Error == nil {
		x.Error = &probe.WireError{Kind: "other", Text: err.Error()}
	}
	return x
}

// wire is for one request.
func wire() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableKeepAlives = true
	return t
}

func get(ctx context.Context, to http.RoundTripper, u *url.URL) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	return to.RoundTrip(req)
}

// cut keeps what a server sent short.
func cut(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:80]) + "..."
	}
	return s
}
