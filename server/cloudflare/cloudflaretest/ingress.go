package cloudflaretest

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// An ingressRule says which service answers for what; see cloudflared's ingress package, whose words the errors have.
type ingressRule struct {
	hostname string
	// punycode is the hostname as DNS has it, where that is another.
	punycode string
	path     *regexp.Regexp
	service  string
	origin   map[string]any
}

// A complaint is an error in cloudflared's own words.
type complaint string

func (c complaint) Error() string { return string(c) }

// complainf builds one.
func complainf(format string, args ...any) complaint { return complaint(fmt.Sprintf(format, args...)) }

// readIngress reads the rules of a configuration; none is no error: every request is then answered with 503.
func readIngress(config map[string]any) (rules []ingressRule, err error) {
	all := list(config, "ingress")
	base := inner(config, "originRequest")
	for i, m := range all {
		r := ingressRule{hostname: text(m, "hostname"), service: text(m, "service"), origin: changed(orEmpty(base), orEmpty(inner(m, "originRequest")))}
		delete(r.origin, "access") // not inherited: cloudflared leaves a top level one out
		if a := inner(inner(m, "originRequest"), "access"); a != nil {
			r.origin["access"] = a
		}
		if err := checkService(r.service); err != nil {
			return nil, err
		}
		if r.path, err = checkRule(r.hostname, text(m, "path"), i, len(all)); err != nil {
			return nil, err
		}
		if ascii, err := idna.Lookup.ToASCII(r.hostname); err == nil && ascii != r.hostname {
			r.punycode = ascii
		}
		rules = append(rules, r)
	}
	return rules, nil
}

func hasPort(host string) bool {
	_, _, err := net.SplitHostPort(host)
	return err == nil
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// checkRule holds what a hostname and a path may be at their place.
func checkRule(hostname, path string, i, of int) (*regexp.Regexp, error) {
	last, all := i == of-1, (hostname == "" || hostname == "*") && path == ""
	switch {
	case hasPort(hostname):
		return nil, complaint("Hostname cannot contain a port")
	case strings.LastIndex(hostname, "*") > 0:
		return nil, complaint("Hostname patterns can have at most one wildcard character (\"*\") and it can only be used for subdomains, e.g. \"*.example.com\"")
	case last && !all:
		return nil, complaint("The last ingress rule must match all URLs (i.e. it should not have a hostname or path filter)")
	case !last && all:
		return nil, complainf("Rule #%d is matching the hostname '%s', but this will match every hostname, meaning the rules which follow it will never be triggered.", i+1, hostname)
	case path == "":
		return nil, nil
	}
	pattern, err := regexp.Compile(path)
	if err != nil {
		return nil, complainf("Rule #%d has an invalid regex: %v", i+1, err)
	}
	return pattern, nil
}

func checkService(service string) error {
	if status, ok := strings.CutPrefix(service, "http_status:"); ok {
		if n, err := strconv.Atoi(status); err != nil || n < 100 || n > 999 {
			return fmt.Errorf("invalid HTTP status code: %s", status)
		}
		return nil
	}
	if service == "hello_world" || service == "hello-world" || service == "bastion" || service == "socks-proxy" ||
		strings.HasPrefix(service, "unix:") || strings.HasPrefix(service, "unix+tls:") {
		return nil
	}
	u, err := url.Parse(service)
	switch {
	case err != nil:
		return err
	case u.Scheme == "" || u.Hostname() == "":
		return fmt.Errorf("%s is an invalid address, please make sure it has a scheme and a hostname", service)
	case u.Path != "":
		return fmt.Errorf("%s is an invalid address, ingress rules don't support proxying to a different path on the origin service. The path will be the same as the eyeball request's path", service)
	}
	return nil
}

// matchIngress returns the number of the first rule, counted from 0, that holds for a request.
func matchIngress(rules []ingressRule, host, path string) (int, bool) {
	if hasPort(host) {
		host, _, _ = net.SplitHostPort(host)
	}
	for i, r := range rules {
		if (matchHost(r.hostname, host) || r.punycode != "" && matchHost(r.punycode, host)) && (r.path == nil || r.path.MatchString(path)) {
			return i, true
		}
	}
	return 0, false
}

func matchHost(pattern, host string) bool {
	if rest, ok := strings.CutPrefix(pattern, "*."); ok {
		return strings.HasSuffix(host, "."+rest)
	}
	return pattern == "" || pattern == "*" || pattern == host
}

// statusOf is the code of a service that is an answer.
func statusOf(service string) (int, bool) {
	s, ok := strings.CutPrefix(service, "http_status:")
	if !ok {
		return http.StatusOK, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}
