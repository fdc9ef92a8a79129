package cloudflaretest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary be the small cloudflared.
func TestMain(m *testing.M) {
	if os.Getenv("MCPWIZ_TEST_AS") == "cloudflared" {
		os.Exit(Cloudflared(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// command runs the small cloudflared, connected to the small Cloudflare at edge.
func command(t *testing.T, edge string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, args...)
	c.Env = append(os.Environ(), "MCPWIZ_TEST_AS=cloudflared", EdgeEnv+"="+edge)
	return c
}

// lines gathers what a process says.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var startsMetrics = regexp.MustCompile(`Starting metrics server on (\S+)/metrics`)

// begun starts it and returns where its metrics are; it is ended with the test.
func begun(t *testing.T, edge string, args ...string) (*exec.Cmd, *lines, string) {
	t.Helper()
	c, log := command(t, edge, args...), &lines{}
	c.Stderr = log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if c.ProcessState == nil {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	})
	var metrics string
	eventually(t, "metrics server: "+log.String(), func() bool {
		m := startsMetrics.FindStringSubmatch(log.String())
		if m != nil {
			metrics = "http://" + m[1]
		}
		return m != nil
	})
	return c, log, metrics
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatal("never: ", what)
}

func fetch(t *testing.T, through http.RoundTripper, method, url string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", claudeUser)
	res, err := through.RoundTrip(r)
	if err != nil {
		t.Logf("%s %s: %v", method, url, err)
		return 0, ""
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Logf("%s %s: %v", method, url, err)
	}
	return res.StatusCode, string(b)
}

func TestCloudflaredRunsATunnel(t *testing.T) {
	t.Parallel()
	r, _ := start(t, Options{})
	release := make(chan struct{})
	slow := make(chan struct{}, 1)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/slow" {
			slow <- struct{}{}
			<-release
		}
		_, _ = io.WriteString(w, q.Host+" "+q.Header.Get("X-Forwarded-Proto")+" "+q.Header.Get("Cf-Warp-Tag-Id"))
	}))
	defer origin.Close()
	account := "accounts/" + r.AccountID("Home") + "/cfd_tunnel"
	b, err := r.Do("POST", account, map[string]any{"name": "t", "config_src": "cloudflare"})
	var tunnel struct{ ID, Token string }
	if err != nil || json.Unmarshal(b, &tunnel) != nil {
		t.Fatal(err)
	}
	if _, err := r.Do("POST", "zones/"+r.ZoneID("example.com")+"/dns_records", map[string]any{"type": "CNAME", "proxied": true, "name": "mcp", "content": tunnel.ID + tunnelDomain}); err != nil {
		t.Fatal(err)
	}
	edge := r.Transport()
	defer edge.CloseIdleConnections()
	if status, body := fetch(t, edge, "GET", "https://mcp.example.com/"); status != 530 || body != "error code: 1033" {
		t.Errorf("before: %d %s", status, body)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(tunnel.Token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, log, metrics := begun(t, r.URL, "tunnel", "--no-autoupdate", "--metrics", "127.0.0.1:0", "run", "--token-file", file)
	ready := func(n string) func() bool {
		return func() bool {
			_, body := fetch(t, http.DefaultTransport, "GET", metrics+"/ready")
			return strings.Contains(body, `"readyConnections":`+n)
		}
	}
	eventually(t, "four connections", ready("4"))
	if status, body := fetch(t, edge, "GET", "https://mcp.example.com/"); status != 503 || body != "" {
		t.Errorf("without rules: %d %s", status, body)
	}
	config := map[string]any{"config": map[string]any{"ingress": []any{map[string]any{"hostname": aHost, "service": origin.URL}, map[string]any{"service": "http_status:404"}}}}
	if _, err := r.Do("PUT", account+"/"+tunnel.ID+"/configurations", config); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the origin through the tunnel", func() bool {
		status, body := fetch(t, edge, "GET", "https://mcp.example.com/")
		return status == 200 && strings.HasPrefix(body, "mcp.example.com https ") && len(body) > 50
	})
	if _, body := fetch(t, http.DefaultTransport, "GET", metrics+"/config"); !strings.Contains(body, `"version":1`) || !strings.Contains(body, origin.URL) {
		t.Errorf("config: %s", body)
	}
	if got, err := r.Do("GET", account+"/"+tunnel.ID, nil); err != nil || !strings.Contains(string(got), `"status":"healthy"`) {
		t.Errorf("%s, %v", got, err)
	}
	r.Disconnect("t")
	eventually(t, "connected again", func() bool { return strings.Count(log.String(), "Registered tunnel connection") >= 8 })
	eventually(t, "four again", ready("4"))

	// One request is on its way: the first signal waits for it.
	answered := make(chan int, 1)
	go func() { status, _ := fetch(t, edge, "GET", "https://mcp.example.com/slow"); answered <- status }()
	<-slow
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "shutdown begun", func() bool {
		return strings.Contains(log.String(), "Initiating graceful shutdown due to signal terminated ...")
	})
	close(release)
	if err := c.Wait(); err != nil || <-answered != 200 {
		t.Errorf("ended with %v", err)
	}
	if status, _ := fetch(t, edge, "GET", "https://mcp.example.com/"); status != 530 {
		t.Errorf("after: %d", status)
	}
	if _, _, found := strings.Cut(log.String(), tunnel.Token); found {
		t.Error("the log has the token")
	}
}

func TestCloudflaredQuickTunnel(t *testing.T) {
	t.Parallel()
	r, _ := start(t, Options{})
	end := make(chan struct{})
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, ": one\n\n")
		_ = http.NewResponseController(w).Flush()
		if q.Method == "GET" {
			<-end
		}
	}))
	defer origin.Close()
	_, _, metrics := begun(t, r.URL, "tunnel", "--metrics", "127.0.0.1:0", "--url", origin.URL)
	var q struct{ Hostname string }
	eventually(t, "a name", func() bool {
		_, body := fetch(t, http.DefaultTransport, "GET", metrics+"/quicktunnel")
		return json.Unmarshal([]byte(body), &q) == nil && strings.HasSuffix(q.Hostname, quickDomain)
	})
	edge := r.Transport()
	defer edge.CloseIdleConnections()
	eventually(t, "reachable", func() bool { status, _ := fetch(t, edge, "POST", "https://"+q.Hostname+"/mcp"); return status == 200 })
	// An event stream by GET is held until the origin ends it.
	got := make(chan time.Time, 1)
	go func() { fetch(t, edge, "GET", "https://"+q.Hostname+"/mcp"); got <- time.Now() }()
	time.Sleep(100 * time.Millisecond)
	ended := time.Now()
	close(end)
	if at := <-got; at.Before(ended) {
		t.Error("the stream came before its end")
	}
}

// real returns a real cloudflared where there is one.
func real(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("MCPWIZ_CLOUDFLARED"); path != "" {
		return path
	}
	path, err := exec.LookPath("cloudflared")
	if err != nil {
		t.Skip("skipped: there is no cloudflared on PATH, nor in $MCPWIZ_CLOUDFLARED, to compare with")
	}
	return path
}

// The small cloudflared says what the real one says, where the real one can be asked.
func TestCloudflaredAgreesWithTheRealOne(t *testing.T) {
	t.Parallel()
	path := real(t)
	dir := t.TempDir()
	config := func(name, ingress string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte("tunnel: b7082f28-cd8b-4440-a142-f629840cddc0\ningress:\n"+ingress), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	good := config("good.yml", "- {hostname: a.example.com, path: ^/mcp, service: 'http://localhost:1'}\n- {hostname: '*.example.com', service: 'http://localhost:2'}\n- {path: 'x$', service: 'http_status:410'}\n- {service: 'http_status:404'}\n")
	var all [][]string
	for name, ingress := range map[string]string{
		"last.yml": "- {hostname: a.example.com, service: 'http://localhost:1'}\n", "port.yml": "- {hostname: 'a.example.com:8', service: 'http://localhost:1'}\n- {service: 'http_status:404'}\n",
		"early.yml": "- {service: 'http://localhost:1'}\n- {service: 'http_status:404'}\n", "path.yml": "- {service: 'http://localhost:1/mcp'}\n", "scheme.yml": "- {service: 'localhost:1'}\n",
		"star.yml": "- {hostname: 'a.*.example.com', service: 'http://localhost:1'}\n- {service: 'http_status:404'}\n", "stars.yml": "- {hostname: '*a.example.com', service: 'http://localhost:1'}\n- {service: 'http_status:404'}\n", "status.yml": "- {service: 'http_status:99'}\n",
		"regexp.yml": "- {hostname: a.example.com, path: '(', service: 'http://localhost:1'}\n- {service: 'http_status:404'}\n", "none.yml": "",
	} {
		all = append(all, []string{"tunnel", "--config", config(name, ingress), "ingress", "validate"})
	}
	all = append(all, []string{"tunnel", "--config", good, "ingress", "validate"})
	for _, url := range []string{
		"https://a.example.com/mcp", "https://a.example.com/mcp/x", "https://a.example.com/", "https://a.example.com:8443/mcp", "https://b.example.com/mcp", "https://example.com/mcp",
		"https://x.org/x", "https://x.org/x/", "https://a.b.example.com/", "https://A.example.com/mcp", "x.org/x",
	} {
		all = append(all, []string{"tunnel", "--config", good, "ingress", "rule", url})
	}
	all = append(all, []string{"tunnel", "run", "--metrics", "x"}, []string{"tunnel", "run", "--token", "bad"}, []string{"tunnel", "run", "--token-file", filepath.Join(dir, "none")}, []string{"tunnel", "ready"})
	for _, args := range all {
		said := func(c *exec.Cmd) string {
			b, err := c.CombinedOutput()
			first, _, _ := strings.Cut(string(b), "\n\nNAME")
			if err != nil {
				return first + " (" + err.Error() + ")"
			}
			return first
		}
		if want, got := said(exec.Command(path, args...)), said(command(t, "http://127.0.0.1:1", args...)); got != want {
			t.Errorf("%v:\n%s\nthe real one:\n%s", args[1:], got, want)
		}
	}
}
