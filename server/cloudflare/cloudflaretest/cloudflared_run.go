package cloudflaretest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A daemon is a small cloudflared at work.
type daemon struct {
	flags    *tunnelFlags
	log      *daemonLog
	edge     string
	token    string
	tunnel   string
	id       string
	hostname string
	services *services

	mu    sync.Mutex
	conns map[int]word
	// carrying are the requests that a shutdown waits for.
	carrying int
	total    int
}

func quickCommand(t *tunnelFlags, stderr io.Writer) int {
	d := &daemon{flags: t, log: newDaemonLog(t, stderr), edge: os.Getenv(EdgeEnv)}
	d.log.info("Thank you for trying Cloudflare Tunnel. Doing so, without a Cloudflare account, is a quick way to experiment and try it out.")
	d.log.info("Requesting new quick Tunnel on trycloudflare.com...")
	res, err := http.Post(strings.TrimSuffix(t.quickService, "/")+"/tunnel", "application/json", nil)
	if err != nil {
		fmt.Fprintln(stderr, "failed to request quick Tunnel:", err)
		return 1
	}
	defer res.Body.Close()
	var b struct {
		Result struct {
			ID, Hostname, Secret string
			AccountTag           string `json:"account_tag"`
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&b); err != nil {
		fmt.Fprintln(stderr, "failed to unmarshal quick Tunnel:", err)
		return 1
	}
	d.hostname, d.tunnel, t.connections = b.Result.Hostname, b.Result.ID, 1
	d.token = base64.StdEncoding.EncodeToString(encode(map[string]string{"a": b.Result.AccountTag, "t": b.Result.ID, "s": b.Result.Secret}))
	d.log.info("+--------------------------------------------------------------------------------------------+")
	d.log.info("|  Your quick Tunnel has been created! Visit it at (it may take some time to be reachable):  |")
	d.log.info(fmt.Sprintf("|  %-90s|", "https://"+d.hostname))
	d.log.info("+--------------------------------------------------------------------------------------------+")
	return d.run(map[string]any{"ingress": []any{map[string]any{"service": t.url}}}, stderr)
}

// runCommand runs a named tunnel: by its token, or by its credentials with the rules of a file.
func runCommand(t *tunnelFlags, args []string, stderr io.Writer) int {
	fail := func(message string) int {
		fmt.Fprintf(stderr, "%s\nSee 'cloudflared tunnel run --help'.\n", message)
		return 255
	}
	if t.tokenFile != "" && t.token == "" {
		b, err := os.ReadFile(t.tokenFile)
		if err != nil {
			return fail("Failed to read token file: " + err.Error())
		}
		t.token = strings.TrimSpace(string(b))
	}
	var config map[string]any
	if t.config != "" {
		c, err := readConfig(t.config)
		if err != nil {
			fmt.Fprintln(stderr, err)
			return 1
		}
		config = c
	}
	if t.token == "" {
		token, err := fromCredentials(t, config)
		if err != nil {
			return fail(err.Error())
		}
		t.token = token
	}
	var claims struct{ A, T, S string }
	raw, err := base64.StdEncoding.DecodeString(t.token)
	if err != nil || json.Unmarshal(raw, &claims) != nil || claims.T == "" {
		return fail("Provided Tunnel token is not valid.")
	}
	d := &daemon{flags: t, log: newDaemonLog(t, stderr), edge: os.Getenv(EdgeEnv), token: t.token, tunnel: claims.T}
	return d.run(config, stderr)
}

func fromCredentials(t *tunnelFlags, config map[string]any) (string, error) {
	file := t.credentials
	if file == "" {
		file = text(config, "credentials-file")
	}
	if file == "" {
		return "", complaint(`"cloudflared tunnel run" requires the ID or name of the tunnel to run as the last command line argument or in the configuration file.`)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", complainf("Tunnel credentials file '%s' doesn't exist or is not a file", file)
	}
	var c struct{ AccountTag, TunnelID, TunnelSecret string }
	if err := json.Unmarshal(b, &c); err != nil {
		return "", complainf("Invalid JSON when parsing tunnel credentials file: %v", err)
	}
	return base64.StdEncoding.EncodeToString(encode(map[string]string{"a": c.AccountTag, "t": c.TunnelID, "s": c.TunnelSecret})), nil
}

func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// run serves until a signal: the first lets requests end within the grace period, a second ends at once.
func (d *daemon) run(config map[string]any, stderr io.Writer) int {
	if _, err := url.Parse(d.edge); err != nil || d.edge == "" {
		fmt.Fprintf(stderr, "%s has to be the URL of the small Cloudflare\n", EdgeEnv)
		return 1
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)
	if err := d.prepare(config); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	carrier := &http.Server{Handler: http.HandlerFunc(d.carry), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = carrier.Serve(listener) }() // ends with Close
	defer carrier.Close()
	metrics, err := d.serveMetrics()
	if err != nil {
		fmt.Fprintln(stderr, "Error opening metrics server listener:", err)
		return 1
	}
	defer metrics.Close()
	if d.flags.pidfile != "" {
		defer os.Remove(d.flags.pidfile)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for i := range d.flags.connections {
		all.Go(func() { d.stay(ctx, i, listener.Addr().String()) })
	}
	s := <-signals
	d.log.info(fmt.Sprintf("Initiating graceful shutdown due to signal %s ...", s))
	d.drain(signals)
	cancel()
	all.Wait()
	d.log.info("Tunnel server stopped")
	d.log.info("Metrics server stopped")
	return 0
}

// prepare takes the rules that are known before the edge tells of any.
func (d *daemon) prepare(config map[string]any) error {
	d.id, d.conns = newUUID(), map[int]word{}
	d.services = newServices(nil)
	d.services.connector, d.services.complain = d.id, d.log.line
	d.log.info("Starting tunnel", "tunnelID", d.tunnel)
	d.log.info("Version " + connectorVersion)
	d.log.info("Generated Connector ID: " + d.id)
	rules, err := readIngress(orEmpty(config))
	switch {
	case err != nil:
		return err
	case len(rules) == 0:
		d.log.warn("No ingress rules were defined in provided config (if any) nor from the cli, cloudflared will return 503 for all incoming HTTP requests")
	default:
		d.services.configure(-1, config)
	}
	return nil
}

// drain waits for what is in flight, as long as the grace period, and not after a second signal.
func (d *daemon) drain(signals <-chan os.Signal) {
	end := time.After(d.flags.grace)
	for d.busy() {
		select {
		case <-signals:
			return
		case <-end:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (d *daemon) busy() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.carrying > 0
}

func (d *daemon) carry(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	d.carrying++
	d.total++
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.carrying--
	}()
	if n := r.ContentLength; n > 0 && n <= maxBody {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler) // the edge gave up in the middle of its request
		}
		r.Body = whole(b)
	}
	d.services.ServeHTTP(w, r)
}

// stay holds one connection, and makes it anew with back-off when it is lost.
func (d *daemon) stay(ctx context.Context, index int, address string) {
	wait := 50 * time.Millisecond
	for ctx.Err() == nil {
		err := dialEdge(ctx, d.edge, hello{Token: d.token, Connector: d.id, Version: connectorVersion, Address: address}, func(x word) {
			d.hear(index, x)
			wait = 50 * time.Millisecond
		})
		d.mu.Lock()
		_, was := d.conns[index]
		delete(d.conns, index)
		d.mu.Unlock()
		switch {
		case ctx.Err() != nil:
			d.log.info("Unregistered tunnel connection", "connIndex", index, "event", 0, "ip", "198.41.200.33")
			return
		case was:
			d.log.err("Serve tunnel error", "error", err, "connIndex", index, "event", 0, "ip", "198.41.200.33")
		case errors.Is(err, errRefused):
			d.log.err("Register tunnel error from server side", "error", strings.TrimPrefix(err.Error(), errRefused.Error()+": "), "connIndex", index, "event", 0, "ip", "198.41.200.33")
		default:
			d.log.err("Unable to establish connection with Cloudflare edge", "error", err, "connIndex", index, "event", 0, "ip", "198.41.200.33")
		}
		d.log.info(fmt.Sprintf("Retrying connection in up to %s", wait), "connIndex", index, "event", 0, "ip", "198.41.200.33")
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		wait = min(2*wait, 2*time.Second)
	}
}

// hear takes what the edge says.
func (d *daemon) hear(index int, x word) {
	if x.Connection != "" {
		d.mu.Lock()
		first := len(d.conns) == 0
		d.conns[index] = x
		d.mu.Unlock()
		d.log.info("Registered tunnel connection", "connIndex", index, "connection", x.Connection, "event", 0, "ip", "198.41.200.33", "location", x.Location, "protocol", "http2")
		if first && d.flags.pidfile != "" {
			_ = os.WriteFile(d.flags.pidfile, fmt.Appendf(nil, "%d", os.Getpid()), 0o644) // who waits for it sees that it lacks
		}
		return
	}
	if d.services.newer(x.Version) {
		d.services.configure(x.Version, x.Config)
		d.log.info("Updated to new configuration", "config", string(encode(x.Config)), "version", x.Version)
	}
}
