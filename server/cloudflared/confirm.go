package cloudflared

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/mcpwiz/mcpwiz/server/cloudflare"
)

// Confirm has cloudflared itself read rules and say which holds for each URL; an error says where it is of another opinion than we
// are. It asks nobody else: both commands work on a file alone.
func Confirm(ctx context.Context, program string, rules cloudflare.Ingress, urls []string) error {
	dir, err := os.MkdirTemp("", "mcpwiz-ingress-")
	if err != nil {
		return fmt.Errorf("have cloudflared confirm the rules: %w", err)
	}
	defer os.RemoveAll(dir)
	text, err := yaml.Marshal(map[string]any{"ingress": rules})
	if err != nil {
		return fmt.Errorf("have cloudflared confirm the rules: %w", err)
	}
	file := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return fmt.Errorf("have cloudflared confirm the rules: %w", err)
	}
	ask := func(args ...string) (string, error) {
		out, err := exec.CommandContext(ctx, program, append([]string{"tunnel", "--config", file, "ingress"}, args...)...).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("cloudflared tunnel ingress %s: %w: %s", args[0], err, strings.TrimSpace(string(out)))
		}
		return string(out), nil
	}
	if _, err := ask("validate"); err != nil {
		return err
	}
	for _, one := range urls {
		u, err := url.Parse(one)
		if err != nil {
			return err
		}
		n, _, ok := rules.Match(u.Host, u.Path) // it matches the path as decoded
		said, err := ask("rule", one)
		if err != nil {
			return err
		}
		if !ok || !strings.Contains(said+"\n", fmt.Sprintf("Matched rule #%d\n", n)) {
			return fmt.Errorf("cloudflared tunnel ingress rule %s: %s; we take rule #%d for it", one, strings.Join(strings.Fields(said), " "), n)
		}
	}
	return nil
}
