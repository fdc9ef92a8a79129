package cloudflared

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/server/cloudflare/cloudflaretest"
)

const envBe = "TEST_BE_CLOUDFLARED"

// TestMain is also the small cloudflared, and one that breaks.
func TestMain(m *testing.M) {
	switch os.Getenv(envBe) {
	case "":
		os.Exit(m.Run())
	case "breaks":
		os.Stderr.WriteString("2026-11-25T20:20:42Z ERR Unable to establish connection with Cloudflare edge error=\"DialContext error: dial tcp 192.0.2.1:7844: i/o timeout\" connIndex=0\n")
		os.Exit(1)
	case "old": // as the real one says it: on the standard output, and it ends with 0
		os.Stdout.WriteString("Incorrect Usage: flag provided but not defined: -token-file\n\nNAME:\n  cloudflared tunnel run\n")
		os.Exit(0)
	case "waits", "stubborn":
		wait(os.Getenv(envBe) == "stubborn")
	case "parent":
		own, _ := os.Executable()
		_ = Run(context.Background(), Options{Program: own, Env: append(os.Environ(), envBe+"=waits")})
		os.Exit(1)
	case "storm":
		for range 10_000 {
			os.Stderr.WriteString("2026-11-25T20:20:42Z ERR Serve tunnel error error=\"connection refused\" connIndex=0\n")
		}
		os.Exit(1)
	}
	os.Exit(cloudflaretest.Cloudflared(os.Args[1:], os.Stdout, os.Stderr))
}

// A rig is a small Cloudflare with a tunnel to a server, and what was told of the connector.
type rig struct {
	*cloudflaretest.Running
	o   Options
	log *buffer

	mu     sync.Mutex
	states []State
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) { b.mu.Lock(); defer b.mu.Unlock(); return b.b.Write(p) }
func (b *buffer) String() string              { b.mu.Lock(); defer b.mu.Unlock(); return b.b.String() }

func newRig(t *testing.T, be string) *rig {
	t.Helper()
	c, err := cloudflaretest.Start(cloudflaretest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("from the origin")) }))
	t.Cleanup(origin.Close)
	tunnels := "accounts/" + c.AccountID("Home") + "/cfd_tunnel"
	var made struct{ ID, Token string }
	do := func(method, path string, body, into any) {
		t.Helper()
		got, err := c.Do(method, path, body)
		if err == nil && into != nil {
			err = json.Unmarshal(got, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	do(http.MethodPost, tunnels, map[string]any{"name": "x", "config_src": "cloudflare"}, &made)
	do(http.MethodPut, tunnels+"/"+made.ID+"/configurations", map[string]any{"config": map[string]any{"ingress": []any{
		map[string]any{"hostname": "mcp.example.com", "service": origin.URL}, map[string]any{"service": "http_status:404"}}}}, nil)
	do(http.MethodPost, "zones/"+c.ZoneID("example.com")+"/dns_records", map[string]any{"type": "CNAME", "proxied": true, "name": "mcp.example.com", "content": made.ID + ".cfargotunnel.com"}, nil)
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(made.Token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &rig{Running: c, log: &buffer{}}
	r.o = Options{
		Program: own, TokenFile: file, Grace: time.Second, First: 50 * time.Millisecond, Most: 200 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Env:    append(os.Environ(), envBe+"="+be, cloudflaretest.EdgeEnv+"="+c.URL, "TUNNEL_TOKEN=another", "MCPWIZ_CLOUDFLARE_TOKEN=never-told"),
		Told: func(s State) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.states = append(r.states, s)
		},
	}
	return r
}

func (r *rig) told(is func(State) bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.states, is)
}

func (r *rig) phase(p Phase) func() bool {
	return func() bool { return r.told(func(s State) bool { return s.Phase == p }) }
}

func eventually(t *testing.T, r *rig, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			r.mu.Lock()
			defer r.mu.Unlock()
			t.Fatalf("not within 30 s: %s; told %+v\n%s", what, r.states, r.log)
		}
	}
}

func (r *rig) start(t *testing.T) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, r.o) }()
	var once sync.Once
	var err error
	stop = func() error {
		once.Do(func() { cancel(); err = <-ended })
		return err
	}
	t.Cleanup(func() { _ = stop() })
	return stop
}

func TestATunnelCarriesAndIsStoppedInOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t, "small")
	stop := r.start(t)
	eventually(t, r, "connected", r.phase(Connected))
	resp, err := (&http.Client{Transport: r.Transport()}).Get("https://mcp.example.com/x")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("through the tunnel: %d", resp.StatusCode)
	}
	if err := stop(); err != nil {
		t.Errorf("stopped: %v", err)
	}
	if !r.phase(Stopped)() {
		t.Error("the end is not told")
	}
	if l := parseLine("2026-11-25T20:36:57Z ERR Configuration file " + os.DevNull + " was empty"); l.level != slog.LevelDebug {
		t.Errorf("the configuration that is kept out is told at %s", l.level)
	}
	for _, secret := range []string{"never-told", "eyJ"} {
		if strings.Contains(r.log.String(), secret) {
			t.Errorf("the log has %q: %s", secret, r.log)
		}
	}
}

func TestARunningOneIsAsked(t *testing.T) {
	t.Parallel()
	r := newRig(t, "small")
	r.start(t)
	at := ""
	eventually(t, r, "connected", func() bool {
		return r.told(func(s State) bool { at = s.Metrics; return s.Phase == Connected && s.Connections > 0 })
	})
	all, err := Local(t.Context(), at)
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	one := all[0]
	if one.Connections == 0 || one.Connector == "" || one.Tunnel == "" || one.Version == "" {
		t.Errorf("%+v", one)
	}
	if _, rule, _ := one.Ingress.Match("mcp.example.com", "/mcp"); !strings.HasPrefix(rule.Service, "http://127.0.0.1:") {
		t.Errorf("the rules in force: %+v", one.Ingress)
	}
	if _, err := Local(t.Context(), "http://127.0.0.1:1"); !errors.Is(err, ErrNotRunning) {
		t.Errorf("where nobody is: %v", err)
	}
}

func TestAQuickTunnelTellsItsURL(t *testing.T) {
	t.Parallel()
	r := newRig(t, "small")
	r.o.TokenFile, r.o.QuickURL = "", "http://127.0.0.1:1"
	r.start(t)
	eventually(t, r, "its url", func() bool {
		return r.told(func(s State) bool { return strings.HasPrefix(s.URL, "https://") && s.Phase == Connected })
	})
}

func TestOneThatEndsIsStartedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, "breaks")
	stop := r.start(t)
	eventually(t, r, "the waits grow", func() bool {
		return r.told(func(s State) bool { return s.Phase == Waiting && s.Retry == 200*time.Millisecond })
	})
	if !r.told(func(s State) bool {
		return strings.Contains(s.Reason, "i/o timeout") && strings.Contains(s.Mend, "7844")
	}) {
		t.Errorf("told %+v", r.states)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestWhatIsHopelessIsGivenUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, "small")
	if err := os.WriteFile(r.o.TokenFile, []byte("no token"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Run(t.Context(), r.o); !errors.Is(err, ErrHopeless) || !r.told(func(s State) bool { return strings.Contains(s.Mend, "expose apply") }) {
		t.Errorf("%v; told %+v", err, r.states)
	}
	r.o.Program = filepath.Join(t.TempDir(), "none")
	if err := Run(t.Context(), r.o); !errors.Is(err, ErrHopeless) {
		t.Errorf("a program that is not there: %v", err)
	}
	r.o.Program = ""
	if err := Run(t.Context(), r.o); !errors.Is(err, ErrNone) {
		t.Errorf("no program: %v", err)
	}
}

func TestOneThatDoesNotTakeItsArgumentsIsGivenUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, "old")
	if err := Run(t.Context(), r.o); !errors.Is(err, ErrHopeless) || !strings.Contains(err.Error(), "too old") {
		t.Errorf("%v; told %+v", err, r.states)
	}
}

func TestAStormOfOneLineIsLoggedOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, "storm")
	stop := r.start(t)
	eventually(t, r, "ended", r.phase(Waiting))
	_ = stop()
	if n := strings.Count(r.log.String(), "Serve tunnel error"); n == 0 || n > 10 { // once for each life
		t.Errorf("logged %d times", n)
	}
}

// The real one ends before it reaches for the edge when its token is none.
func TestTheRealOneIsGivenUpWithoutAToken(t *testing.T) {
	t.Parallel()
	program, err := Find(os.LookupEnv)
	if err != nil {
		t.Skip("no cloudflared on PATH or in MCPWIZ_CLOUDFLARED")
	}
	file := filepath.Join(t.TempDir(), "token")
	for content, want := range map[string]string{"no token": "is not one", "": "is empty"} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Run(t.Context(), Options{Program: program, TokenFile: file}); !errors.Is(err, ErrHopeless) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", content, err)
		}
	}
	if err := Run(t.Context(), Options{Program: program, TokenFile: file + "-none"}); !errors.Is(err, ErrHopeless) {
		t.Errorf("no file: %v", err)
	}
}

// The real one is only asked for its version: run, it would reach for Cloudflare's edge.
func TestTheRealOneTellsItsVersion(t *testing.T) {
	t.Parallel()
	program, err := Find(os.LookupEnv)
	if err != nil {
		t.Skip("no cloudflared on PATH or in MCPWIZ_CLOUDFLARED")
	}
	if v, err := Version(t.Context(), program); err != nil || v == "" {
		t.Errorf("version %q, %v", v, err)
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct{ message, reason string }{
		`2026-11-25T20:20:42Z INF Starting metrics server on 127.0.0.1:43995/metrics`:                                                                               {"Starting metrics server on 127.0.0.1:43995/metrics", ""},
		`2026-11-25T20:20:42Z ERR  error="Unable to reach the origin service. The service may be down" connIndex=0 originService=http://localhost:80`:               {"", "what the tunnel leads to does not answer: http://localhost:80"},
		`2026-11-25T20:20:42Z ERR edge discovery: the DNS query failed error="no such host" event=0`:                                                                {"edge discovery: the DNS query failed", "the addresses of Cloudflare's edge cannot be looked up"},
		`2026-11-25T20:20:42Z INF precheck component="UDP Connectivity" details="QUIC connection failed" run_id=x status=fail target=region1.v2.argotunnel.com`:     {"precheck", noUDP},
		`2026-11-25T20:20:42Z INF precheck component="UDP Connectivity" details="QUIC connection successful" run_id=x status=pass target=region1.v2.argotunnel.com`: {"precheck", ""},
		`Provided Tunnel token is not valid.`:                                      {"Provided Tunnel token is not valid.", "the token that the tunnel runs with is not one"},
		`2026-11-25T20:20:42Z INF token eyJhIjoiYWJjIiwidCI6IjZmZjQyYWUyIn0= seen`: {"token (struck out) seen", ""},
	} {
		l := parseLine(text)
		reason := ""
		if k := known(l); k != nil {
			reason = k.reason(l)
		}
		if strings.TrimSpace(l.message) != want.message || reason != want.reason {
			t.Errorf("%s: message %q, reason %q", text, l.message, reason)
		}
	}
}

func TestRunTokensAreReadWithoutTheirSecret(t *testing.T) {
	t.Parallel()
	got, err := DecodeRunToken("eyJhIjoiYWNjIiwidCI6InR1biIsInMiOiJjMlZqY21WMCJ9\n")
	if err != nil || got != (RunToken{"acc", "tun"}) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "x", "e30=", "eyJ0IjoidHVuIn0="} {
		if _, err := DecodeRunToken(bad); err == nil || bad != "" && bad != "x" && strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestHowToGet(t *testing.T) {
	t.Parallel()
	for release, want := range map[string]string{
		"ID=debian": "apt-get", "ID=linuxmint\nID_LIKE=\"ubuntu debian\"": "apt-get", "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"": "dnf", "ID=arch": "pacman",
		"ID=alpine": "apk", "": "releases", "ID=unheard": "releases",
	} {
		if got := HowToGet("linux", release); !strings.Contains(got, want) {
			t.Errorf("%q: %s", release, got)
		}
	}
	if got := HowToGet("darwin", ""); !strings.Contains(got, "brew") {
		t.Error(got)
	}
}

func FuzzLine(f *testing.F) {
	f.Add(`2026-11-25T20:20:42Z ERR x error="a b" c=d`)
	f.Fuzz(func(t *testing.T, text string) {
		l := parseLine(text)
		if k := known(l); k != nil {
			k.reason(l)
		}
	})
}

func TestTheUnitHasNoToken(t *testing.T) {
	t.Parallel()
	unit, err := Unit("/usr/bin/cloudflared", "/etc/mcpwiz/tunnel.token", "mcpwiz-mcp\nExecStart=/bin/evil")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(unit, "LoadCredential=token:/etc/mcpwiz/tunnel.token\n") || strings.Contains(unit, "\nExecStart=/bin/evil") || strings.Count(unit, "ExecStart=") != 2 {
		t.Errorf("the unit:\n%s", unit)
	}
	for _, path := range []string{"cloudflared", "/opt/my tools/cloudflared", "/x\nExecStart=/bin/evil", "/x%n"} {
		if _, err := Unit(path, "/t", "x"); err == nil {
			t.Errorf("the program %q", path)
		}
		if _, err := Unit("/usr/bin/cloudflared", path, "x"); err == nil {
			t.Errorf("the token file %q", path)
		}
	}
}
