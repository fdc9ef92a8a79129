package cloudflaretest

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// EdgeEnv names the variable with the base URL of the small Cloudflare that the small cloudflared connects to.
const EdgeEnv = "MCPWIZ_TEST_EDGE"

// Cloudflared is the small cloudflared, to be run as a command by a test binary: it takes arguments as the real one does, each flag
// where that wants it, says what that says, and connects to the small edge. It returns the exit code.
//
//	cloudflared [--]version
//	cloudflared tunnel [--metrics A] [--url URL] ...                 a quick tunnel
//	cloudflared tunnel [--metrics A] ... run [--token-file F] ...    a named one
//	cloudflared tunnel [--config F] ingress validate | rule URL
//	cloudflared tunnel --metrics A ready
func Cloudflared(args []string, stdout, stderr io.Writer) int {
	switch {
	case len(args) == 0:
		fmt.Fprintln(stderr, "NAME:\n   cloudflared - Cloudflare's command-line tool and agent")
		return 0
	case args[0] == "version", args[0] == "--version", args[0] == "-v", args[0] == "-V":
		fmt.Fprintf(stdout, "cloudflared version %s (built 2026-08-18-1102 UTC)\n", connectorVersion)
		return 0
	case args[0] != "tunnel":
		fmt.Fprintf(stderr, "No help topic for '%s'\n", args[0])
		return 3
	}
	t := &tunnelFlags{}
	rest, code, ok := t.parse("cloudflared tunnel", args[1:], t.define, stdout, stderr)
	if !ok {
		return code
	}
	switch {
	case len(rest) > 0 && rest[0] == "ingress":
		return ingressCommand(t.config, rest[1:], stdout, stderr)
	case len(rest) > 0 && rest[0] == "ready":
		return readyCommand(t.metrics, stderr)
	case len(rest) > 0 && rest[0] == "run":
		rest, code, ok = t.parse("cloudflared tunnel run", rest[1:], t.defineRun, stdout, stderr)
		if !ok {
			return code
		}
		return runCommand(t, rest, stderr)
	case len(rest) == 0 && t.url != "":
		return quickCommand(t, stderr)
	}
	fmt.Fprintln(stderr, "Use `cloudflared tunnel run` to start tunnel or `cloudflared tunnel --url` for a quick one")
	return 255
}

// tunnelFlags are those of the small cloudflared, as far as one of both commands knows them.
type tunnelFlags struct {
	config, metrics, url, quickService, output, loglevel, logfile, pidfile string
	token, tokenFile, credentials, protocol                                string
	connections                                                            int
	grace                                                                  time.Duration
	ignored                                                                string
	off                                                                    bool
}

// define names the flags that stand before run. Those without effect here are taken, since the real one takes them.
func (t *tunnelFlags) define(f *flag.FlagSet) {
	f.StringVar(&t.metrics, "metrics", os.Getenv("TUNNEL_METRICS"), "")
	f.StringVar(&t.quickService, "quick-service", os.Getenv(EdgeEnv), "")
	f.IntVar(&t.connections, "ha-connections", 4, "")
	f.DurationVar(&t.grace, "grace-period", 30*time.Second, "")
	f.StringVar(&t.protocol, "protocol", "", "")
	for _, name := range []string{"edge", "edge-ip-version", "edge-bind-address", "cacert", "region", "tag", "label", "retries"} {
		f.StringVar(&t.ignored, name, "", "")
	}
	t.defineShared(f)
}

// defineShared names those that both take.
func (t *tunnelFlags) defineShared(f *flag.FlagSet) {
	f.StringVar(&t.config, "config", t.config, "")
	f.StringVar(&t.url, "url", t.url, "")
	f.StringVar(&t.output, "output", t.output, "")
	f.StringVar(&t.loglevel, "loglevel", t.loglevel, "")
	f.StringVar(&t.logfile, "logfile", t.logfile, "")
	f.StringVar(&t.pidfile, "pidfile", t.pidfile, "")
	for _, name := range []string{"origincert", "autoupdate-freq", "transport-loglevel", "log-directory", "trace-output"} {
		f.StringVar(&t.ignored, name, "", "")
	}
	for _, name := range []string{"no-autoupdate", "no-prechecks", "no-tls-verify", "hello-world"} {
		f.BoolVar(&t.off, name, false, "")
	}
}

// defineRun names those that stand after run, and only there where they are its own. --metrics does too in the real help text of the
// tunnel command, but run refuses it.
func (t *tunnelFlags) defineRun(f *flag.FlagSet) {
	f.StringVar(&t.token, "token", os.Getenv("TUNNEL_TOKEN"), "")
	f.StringVar(&t.tokenFile, "token-file", os.Getenv("TUNNEL_TOKEN_FILE"), "")
	f.StringVar(&t.credentials, "credentials-file", "", "")
	f.StringVar(&t.credentials, "cred-file", "", "")
	f.StringVar(&t.protocol, "protocol", t.protocol, "")
	f.BoolVar(&t.off, "post-quantum", false, "")
	f.BoolVar(&t.off, "pq", false, "")
	f.StringVar(&t.ignored, "features", "", "")
	t.defineShared(f)
}

func (t *tunnelFlags) parse(name string, args []string, define func(*flag.FlagSet), stdout, stderr io.Writer) (rest []string, code int, ok bool) {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	define(f)
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(stdout, "NAME:\n   %s\n", name)
		return nil, 0, false
	case err != nil:
		// The real one says so on its standard output and ends with 0.
		fmt.Fprintf(stdout, "Incorrect Usage: %v\n\nNAME:\n  %s\n", err, name)
		return nil, 0, false
	}
	return f.Args(), 0, true
}

// readConfig reads a config.yml as JSON would have it.
func readConfig(file string) (map[string]any, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, complainf("Cannot read config file: %v", err)
	}
	var m map[string]any
	if err := yaml.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("error parsing YAML in config file at %s: %w", file, err)
	}
	return copied(orEmpty(m)), nil
}

// ingressCommand is offline: it judges a file's rules, and says which holds for a URL.
func ingressCommand(file string, args []string, stdout, stderr io.Writer) int {
	fail := func(err error) int {
		fmt.Fprintln(stderr, err)
		return 1
	}
	if file == "" {
		return fail(complaint("No configuration file was found. Please create one, or use the --config flag to specify its filepath. You can use the help command to learn more about configuration files"))
	}
	config, err := readConfig(file)
	if err != nil {
		return fail(err)
	}
	var u *url.URL
	switch {
	case len(args) == 1 && args[0] == "validate":
		fmt.Fprintln(stdout, "Validating rules from", file)
	case len(args) == 2 && args[0] == "rule":
		if u, err = url.Parse(args[1]); err != nil || u.Hostname() == "" {
			return fail(fmt.Errorf("%s doesn't have a hostname, consider adding a scheme", args[1]))
		}
		fmt.Fprintln(stdout, "Using rules from", file)
	default:
		return fail(errors.New("cloudflared tunnel ingress validate or rule URL"))
	}
	rules, err := readIngress(config)
	switch {
	case err == nil && len(rules) == 0:
		return fail(complaint("Validation failed: The config file doesn't contain any ingress rules"))
	case err != nil:
		return fail(complainf("Validation failed: %v", err))
	case u == nil:
		fmt.Fprintln(stdout, "OK")
		return 0
	}
	i, _ := matchIngress(rules, u.Host, u.Path) // the last rule holds for all
	fmt.Fprintf(stdout, "Matched rule #%d\n%s", i, rules[i])
	return 0
}

// String is as the real one prints a rule.
func (r ingressRule) String() string {
	var b strings.Builder
	if r.hostname != "" {
		fmt.Fprintf(&b, "\thostname: %s\n", r.hostname)
	}
	if r.path != nil {
		fmt.Fprintf(&b, "\tpath: %s\n", r.path)
	}
	fmt.Fprintf(&b, "\tservice: %s\n", r.service)
	return b.String()
}

func readyCommand(metrics string, stderr io.Writer) int {
	if metrics == "" {
		fmt.Fprintln(stderr, "--metrics has to be provided")
		return 1
	}
	res, err := http.Get("http://" + metrics + "/ready")
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusOK {
		return 0
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, inspected))
	fmt.Fprintf(stderr, "http://%s/ready endpoint returned status code %d\n%s\n", metrics, res.StatusCode, errors.Join(errors.New(string(body)), err))
	return 1
}
