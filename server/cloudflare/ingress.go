package cloudflare

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"golang.org/x/net/idna"
)

// A Rule is one of cloudflared's ingress rules: what a request for the hostname and the path is answered by. An empty hostname
// or path is every one. Path is a regular expression that need not match the whole.
type Rule struct {
	Hostname string `json:"hostname,omitempty" yaml:"hostname,omitempty"`
	Path     string `json:"path,omitempty" yaml:"path,omitempty"`
	Service  string `json:"service" yaml:"service"`
}

// An Ingress is the rules of a tunnel; the first that matches holds.
type Ingress []Rule

// ParseIngress reads the rules of a config.yml of cloudflared's, and checks them.
func ParseIngress(config []byte) (Ingress, error) {
	var doc struct {
		Ingress Ingress `yaml:"ingress"`
	}
	if err := yaml.Unmarshal(config, &doc); err != nil {
		return nil, fmt.Errorf("read the ingress rules: %w", err)
	}
	return doc.Ingress, doc.Ingress.Validate()
}

// Validate says which rule cloudflared would not take, and why. No rules are none to complain of: then every request is answered
// with 503.
func (in Ingress) Validate() error {
	for i, r := range in {
		if err := r.validate(i == len(in)-1); err != nil {
			return fmt.Errorf("ingress rule %d: %w", i+1, err)
		}
	}
	return nil
}

func (r Rule) all() bool { return (r.Hostname == "" || r.Hostname == "*") && r.Path == "" }

func (r Rule) validate(last bool) error {
	_, _, hasPort := net.SplitHostPort(r.Hostname)
	switch {
	case hasPort == nil:
		return fmt.Errorf("hostname %q has a port: rules know none", r.Hostname)
	case strings.LastIndex(r.Hostname, "*") > 0:
		return fmt.Errorf("hostname %q: a wildcard stands for the first label alone, like *.example.com", r.Hostname)
	case last && !r.all():
		return errors.New("the last rule must match everything: give it neither hostname nor path")
	case !last && r.all():
		return errors.New("it matches everything, so that those after it never hold")
	}
	if _, err := regexp.Compile(r.Path); err != nil {
		return fmt.Errorf("path: %w", err)
	}
	return validService(r.Service)
}

func validService(service string) error {
	if status, ok := strings.CutPrefix(service, "http_status:"); ok {
		if n, err := strconv.Atoi(status); err != nil || n < 100 || n > 999 {
			return fmt.Errorf("service %q: no HTTP status", service)
		}
		return nil
	}
	switch service {
	case "hello_world", "hello-world", "bastion", "socks-proxy":
		return nil
	}
	if strings.HasPrefix(service, "unix:") || strings.HasPrefix(service, "unix+tls:") {
		return nil
	}
	u, err := url.Parse(service)
	switch {
	case err != nil:
		return err
	case u.Scheme == "" || u.Hostname() == "":
		return fmt.Errorf("service %q: want a scheme and a host, like http://localhost:8080", service)
	case u.Path != "":
		return fmt.Errorf("service %q: a rule cannot change the path", service)
	}
	return nil
}

// Match returns the first rule that holds for a request, and its number from 0. The path is the decoded one.
func (in Ingress) Match(host, path string) (int, Rule, bool) {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	for i, r := range in {
		if r.matches(host, path) {
			return i, r, true
		}
	}
	return 0, Rule{}, false
}

func (r Rule) matches(host, path string) bool {
	if !r.names(host) {
		return false
	}
	if r.Path == "" {
		return true
	}
	of, err := regexp.Compile(r.Path)
	return err == nil && of.MatchString(path)
}

// names reports whether a rule is for a host. Its hostname holds as it is written, and as DNS has it: in lower case and in ASCII.
func (r Rule) names(host string) bool {
	if r.Hostname == "" || r.Hostname == "*" || namedSo(r.Hostname, host) {
		return true
	}
	ascii, err := idna.Lookup.ToASCII(r.Hostname)
	return err == nil && ascii != "" && namedSo(ascii, host)
}

func namedSo(pattern, host string) bool {
	rest, wild := strings.CutPrefix(pattern, "*.")
	return pattern == host || wild && strings.HasSuffix(host, "."+rest)
}

// sameService reports whether two services are the same address: this machine has several names.
func sameService(a, b string) bool {
	return canonicalService(a) == canonicalService(b)
}

func canonicalService(service string) string {
	u, err := url.Parse(service)
	if err != nil || u.Host == "" {
		return service
	}
	host, port := u.Hostname(), u.Port()
	if host == "localhost" || host == "::1" {
		host = "127.0.0.1"
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + host + ":" + port
}
