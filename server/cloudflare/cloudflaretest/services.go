package cloudflaretest

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

// services answers, as cloudflared does, for what stands behind a tunnel: by the ingress rules it was told.
type services struct {
	connector string
	through   http.RoundTripper

	mu      sync.Mutex
	version int
	config  map[string]any
	rules   []ingressRule
	// seen counts the answers by their code.
	seen map[int]int
	// complain hears of what goes wrong, as cloudflared's log does.
	complain func(format string, args ...any)
}

func newServices(through http.RoundTripper) *services {
	if through == nil {
		through = &http.Transport{DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext, DisableCompression: true, MaxIdleConnsPerHost: 100}
	}
	return &services{through: through, version: -1, seen: map[int]int{}, complain: func(string, ...any) {}}
}

// configure takes a configuration; an invalid one is left, and the one before stays.
func (s *services) configure(version int, config map[string]any) {
	rules, err := readIngress(config)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.complain("ERR Failed to deserialize new configuration error=%q", err)
		return
	}
	s.version, s.config, s.rules = version, config, rules
}

// newer: the version is one after that in force; of several connections each tells of it.
func (s *services) newer(version int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return version > s.version
}

func (s *services) match(r *http.Request) (ingressRule, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := matchIngress(s.rules, r.Host, r.URL.Path)
	if !ok {
		return ingressRule{}, false
	}
	return s.rules[i], true
}

func (s *services) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	seen := &watched{ResponseWriter: w}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.seen[cmp.Or(seen.status, http.StatusOK)]++
	}()
	rule, ok := s.match(r)
	code, isStatus := statusOf(rule.service)
	switch access := inner(rule.origin, "access"); {
	case !ok:
		bare(seen, http.StatusServiceUnavailable)
	case truth(access, "required") && r.Header.Get("Cf-Access-Jwt-Assertion") == "":
		s.complain("INF request filtered by middleware handler (AccessJWTValidator) due to: no access token in request")
		bare(seen, http.StatusForbidden)
	case isStatus:
		bare(seen, code)
	case rule.service == "hello_world", rule.service == "hello-world":
		seen.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(seen, "<!DOCTYPE html>\n<html>\n  <head>\n    <title>\n      Cloudflare Tunnel Connection\n    </title>\n  </head>\n  <body>Congrats! You created a tunnel!</body>\n</html>\n")
	default:
		s.proxy(rule).ServeHTTP(seen, r)
	}
}

// bare is an answer without body and without type, as cloudflared's own are.
func bare(w http.ResponseWriter, status int) {
	w.Header()["Content-Type"] = nil
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
}

// proxy hands a request to a service, its host kept unless the rule names another.
func (s *services) proxy(rule ingressRule) http.Handler {
	to, err := url.Parse(rule.service)
	if err != nil {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { bare(w, http.StatusBadGateway) })
	}
	to.Scheme = strings.Replace(to.Scheme, "ws", "http", 1)
	return &httputil.ReverseProxy{
		Transport: s.reach(rule), FlushInterval: -1, ErrorLog: log.New(io.Discard, "", 0),
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host, p.Out.Host = to.Scheme, to.Host, p.In.Host
			for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto"} {
				if v := p.In.Header[name]; v != nil {
					p.Out.Header[name] = v
				}
			}
			p.Out.Header.Set("Cf-Warp-Tag-Id", s.connector)
			if host := text(rule.origin, "httpHostHeader"); host != "" {
				p.Out.Header.Set("X-Forwarded-Host", p.In.Host)
				p.Out.Host = host
			}
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if errors.Is(err, context.Canceled) {
				return
			}
			s.complain("ERR Request failed error=%q dest=%s", fmt.Sprintf("Unable to reach the origin service. The service may be down or it may not be responding to traffic from cloudflared: %v", err), r.URL)
			w.Header().Set("Cf-Cloudflared-Response-Meta", `{"src":"cloudflared"}`)
			bare(w, http.StatusBadGateway)
		},
	}
}

// reach is the transport of a rule; noTLSVerify leaves out the check of an https service's certificate.
func (s *services) reach(rule ingressRule) http.RoundTripper {
	t, ok := s.through.(*http.Transport)
	if !ok || !truth(rule.origin, "noTLSVerify") && text(rule.origin, "originServerName") == "" {
		return s.through
	}
	c := t.Clone()
	c.DisableKeepAlives = true
	if c.TLSClientConfig == nil {
		c.TLSClientConfig = &tls.Config{}
	}
	c.TLSClientConfig.InsecureSkipVerify, c.TLSClientConfig.ServerName = truth(rule.origin, "noTLSVerify"), text(rule.origin, "originServerName")
	return c
}

// watched remembers the status that went out.
type watched struct {
	http.ResponseWriter
	status int
}

func (w *watched) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }
