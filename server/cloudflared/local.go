package cloudflared

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/mcpwiz/mcpwiz/server/cloudflare"
)

// A Running is a connector that tells of itself on this host.
type Running struct {
	// Metrics is where it does.
	Metrics     string
	Version     string
	Connections int
	Connector   string
	Tunnel      string
	// Hostname is a quick tunnel's.
	Hostname string
	// Ingress are the rules in force; ConfigVersion is -1 where they are of a file.
	Ingress       cloudflare.Ingress
	ConfigVersion int
}

// ErrNotRunning: no connector tells of itself on this host.
var ErrNotRunning = errors.New("no cloudflared runs on this host, as far as its metrics tell")

// askLimit is for one question: what is asked is on this host.
const askLimit = 2 * time.Second

// localPorts are where a connector tells of itself unless it is told otherwise.
var localPorts = []int{20241, 20242, 20243, 20244, 20245}

// Local asks the connectors of this host: that at the URL, else those at the ports where they tell of themselves.
func Local(ctx context.Context, metrics string) ([]Running, error) {
	at := []string{strings.TrimRight(metrics, "/")}
	if metrics == "" {
		at = nil
		for _, port := range localPorts {
			at = append(at, fmt.Sprintf("http://localhost:%d", port))
		}
	}
	found := make([]*Running, len(at))
	var asking sync.WaitGroup
	for i, one := range at {
		asking.Go(func() { found[i] = ask(ctx, one) })
	}
	asking.Wait()
	var all []Running
	for _, one := range found {
		if one != nil {
			all = append(all, *one)
		}
	}
	if len(all) == 0 {
		return nil, ErrNotRunning
	}
	return all, nil
}

// ask returns nil where no connector answers.
func ask(ctx context.Context, at string) *Running {
	state, err := ready(ctx, at)
	if err != nil {
		return nil
	}
	r := &Running{Metrics: at, Connections: state.connections, Connector: state.connector}
	var config struct {
		Version int `json:"version"`
		Config  struct {
			Ingress []struct {
				Hostname string  `json:"hostname"`
				Path     *string `json:"path"`
				Service  string  `json:"service"`
			} `json:"ingress"`
		} `json:"config"`
	}
	if get(ctx, at+"/config", &config) == nil {
		r.ConfigVersion = config.Version
		for _, one := range config.Config.Ingress {
			rule := cloudflare.Rule{Hostname: one.Hostname, Service: one.Service}
			if one.Path != nil {
				rule.Path = *one.Path
			}
			r.Ingress = append(r.Ingress, rule)
		}
	}
	var tunnel struct {
		TunnelID string `json:"tunnelID"`
	}
	if get(ctx, at+"/diag/tunnel", &tunnel) == nil {
		r.Tunnel = tunnel.TunnelID
	}
	r.Hostname = hostnameAt(ctx, at)
	r.Version = versionAt(ctx, at)
	return r
}

type readiness struct {
	connections int
	connector   string
}

// ready is what /ready says; 503 is an answer too.
func ready(ctx context.Context, at string) (readiness, error) {
	var said struct {
		Connections *int   `json:"readyConnections"`
		Connector   string `json:"connectorId"`
	}
	if err := get(ctx, at+"/ready", &said); err != nil {
		return readiness{}, err
	}
	if said.Connections == nil {
		return readiness{}, fmt.Errorf("%s is no cloudflared", at)
	}
	return readiness{*said.Connections, said.Connector}, nil
}

func hostnameAt(ctx context.Context, at string) string {
	var said struct {
		Hostname string `json:"hostname"`
	}
	_ = get(ctx, at+"/quicktunnel", &said) // one that has none says so
	return said.Hostname
}

// quickURL is a quick tunnel's, "" while it is not known.
func quickURL(ctx context.Context, at string) string {
	if host := hostnameAt(ctx, at); host != "" {
		return "https://" + host
	}
	return ""
}

// versionAt takes it from the metrics: build_info{...,version="2026.8.2"} 1.
func versionAt(ctx context.Context, at string) string {
	text, err := read(ctx, at+"/metrics")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(text), "build_info{")
	labels, _, _ := strings.Cut(rest, "}")
	_, version, _ := strings.Cut(","+labels, `,version="`) // there is a goversion too
	version, _, _ = strings.Cut(version, `"`)
	return version
}

func get(ctx context.Context, at string, into any) error {
	text, err := read(ctx, at)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// direct asks this host itself, whatever proxy the environment names, and goes nowhere else: what listens there may be anybody's.
var direct = &http.Client{
	Timeout: askLimit, Transport: &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func read(ctx context.Context, at string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	resp, err := direct.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(io.LimitReader(resp.Body, 4<<20))
}

// A RunToken is what the token says that a tunnel runs with; the secret in it is left out.
type RunToken struct{ Account, Tunnel string }

// DecodeRunToken reads a token. Its errors never quote it.
func DecodeRunToken(token string) (RunToken, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(token))
	if err != nil {
		return RunToken{}, errors.New("the token that a tunnel runs with is base64, and this is not")
	}
	var claims struct{ A, T, S string }
	if json.Unmarshal(raw, &claims) != nil || claims.T == "" || claims.S == "" {
		return RunToken{}, errors.New("the token that a tunnel runs with names an account, a tunnel and a secret, and this does not")
	}
	return RunToken{claims.A, claims.T}, nil
}
