package expose

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"time"
)

// Local says where the programs of the ways are asked on this machine. The zero value is where they are by default.
type Local struct {
	// Ngrok is its agent's API; empty: http://127.0.0.1:4040. Cloudflared are addresses of its metrics server; empty: the first
	// of localhost:20241 to 20245 that answers.
	Ngrok       string
	Cloudflared []string
	// Funnel returns what `tailscale funnel status --json` prints; nil runs it.
	Funnel func(context.Context) ([]byte, error)
}

// patience is how long a program on this machine may take to answer.
const patience = 3 * time.Second

// told is as much as one of them may say.
const told = 1 << 20

// A tunnel is what ngrok's agent carries.
type tunnel struct{ URL, Addr string }

func (l Local) ngrokTunnels(ctx context.Context) ([]tunnel, error) {
	var said struct {
		Tunnels []struct {
			URL    string `json:"public_url"`
			Config struct {
				Addr string `json:"addr"`
			} `json:"config"`
		} `json:"tunnels"`
	}
	if err := get(ctx, strings.TrimSuffix(cmp.Or(l.Ngrok, "http://127.0.0.1:4040"), "/")+"/api/tunnels", &said); err != nil {
		return nil, fmt.Errorf("ask ngrok's agent: %w", err)
	}
	var all []tunnel
	for _, t := range said.Tunnels {
		all = append(all, tunnel{t.URL, t.Config.Addr})
	}
	return all, nil
}

// A rule is one of cloudflared's ingress rules, as far as it is needed here.
type rule struct{ Hostname, Path, Service string }

func (l Local) ingress(ctx context.Context) ([]rule, error) {
	var said struct {
		Config struct {
			Ingress []rule `json:"ingress"`
		} `json:"config"`
	}
	err := l.cloudflared(ctx, "/config", &said, func() bool { return true })
	return said.Config.Ingress, err
}

func (l Local) quickName(ctx context.Context) (string, error) {
	var said struct{ Hostname string }
	err := l.cloudflared(ctx, "/quicktunnel", &said, func() bool { return said.Hostname != "" })
	return said.Hostname, err
}

// cloudflared asks the metrics servers one after the other, until one says what is looked for. It is no error when one
// answered and it was something else.
func (l Local) cloudflared(ctx context.Context, path string, into any, found func() bool) error {
	at := l.Cloudflared
	if len(at) == 0 {
		for port := 20241; port <= 20245; port++ {
			at = append(at, fmt.Sprintf("http://localhost:%d", port))
		}
	}
	var failures []error
	answered := false
	for _, base := range at {
		err := get(ctx, strings.TrimSuffix(base, "/")+path, into)
		if err == nil && found() {
			return nil
		}
		answered = answered || err == nil
		failures = append(failures, err)
	}
	switch {
	case answered:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("no cloudflared tells of itself on this machine: %w", errors.Join(failures...))
}

// served is what tailscale serves (ipn.ServeConfig), as far as it is needed here.
type served struct {
	Web map[string]struct {
		Handlers map[string]struct{ Proxy string }
	}
	AllowFunnel map[string]bool
}

func (l Local) funnel(ctx context.Context) (served, error) {
	ask := l.Funnel
	if ask == nil {
		ask = askTailscale
	}
	var s served
	said, err := ask(ctx)
	if err != nil {
		return s, fmt.Errorf("ask tailscale: %w", err)
	}
	if err := json.Unmarshal(said, &s); err != nil {
		return s, fmt.Errorf("tailscale funnel status --json: %w", err)
	}
	return s, nil
}

func askTailscale(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	said, err := exec.CommandContext(ctx, "tailscale", "funnel", "status", "--json").Output()
	var ended *exec.ExitError
	if errors.As(err, &ended) && len(ended.Stderr) > 0 {
		line, _, _ := strings.Cut(strings.TrimSpace(string(ended.Stderr)), "\n")
		return nil, fmt.Errorf("%s: %w", line, err)
	}
	return said, err
}

// direct goes to this machine: no proxy is asked, no redirect followed.
var direct = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func get(ctx context.Context, at string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/json")
	resp, err := direct.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", at, resp.Status)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, told)).Decode(into); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	return nil
}
