// Package cloudflared runs Cloudflare's connector as a child of this process, and asks one that runs already what it does.
package cloudflared

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// EnvProgram names the program where it is not on PATH.
const EnvProgram = "MCPWIZ_CLOUDFLARED"

// ErrNone: there is no cloudflared here.
var ErrNone = errors.New("cloudflared is not on PATH")

// Find returns where the program is.
func Find(env func(string) (string, bool)) (string, error) {
	if named, given := env(EnvProgram); given && named != "" {
		path, err := exec.LookPath(named)
		if err != nil {
			return "", fmt.Errorf("%s is %q: %w", EnvProgram, named, err)
		}
		return path, nil
	}
	path, err := exec.LookPath("cloudflared")
	if err != nil {
		return "", ErrNone
	}
	return path, nil
}

// Version asks a program for its own.
func Version(ctx context.Context, program string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("ask %s for its version: %w", program, err)
	}
	for word := range strings.FieldsSeq(string(out)) { // cloudflared version 2026.8.2 (built ...)
		if word[0] >= '0' && word[0] <= '9' {
			return word, nil
		}
	}
	return strings.TrimSpace(string(out)), nil
}

// HowToGet says how cloudflared comes onto a system; release is the text of its os-release file.
func HowToGet(goos, release string) string {
	switch goos {
	case "darwin":
		return "brew install cloudflared"
	case "windows":
		return "winget install --id Cloudflare.cloudflared"
	case "freebsd":
		return "pkg install cloudflared"
	case "linux":
	default:
		return elsewhere
	}
	for _, id := range idsOf(release) {
		switch id {
		case "debian", "ubuntu":
			return "add Cloudflare's package repository (pkg.cloudflare.com/cloudflared, suite any), then: apt-get install cloudflared"
		case "fedora", "rhel", "centos", "amzn":
			return "add Cloudflare's package repository (pkg.cloudflare.com/cloudflared-ascii.repo), then: dnf install cloudflared"
		case "arch":
			return "pacman -S cloudflared"
		case "alpine":
			return "apk add cloudflared (repository testing)"
		case "nixos":
			return "nix-env -iA nixos.cloudflared"
		}
	}
	return elsewhere
}

const elsewhere = "it is one program: github.com/cloudflare/cloudflared has releases, and the image cloudflare/cloudflared"

// idsOf are a system's own id and those that it is like, in this order.
func idsOf(release string) []string {
	var own, like []string
	for lines := bufio.NewScanner(strings.NewReader(release)); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), "=")
		value = strings.Trim(value, `"'`)
		switch key {
		case "ID":
			own = strings.Fields(value)
		case "ID_LIKE":
			like = strings.Fields(value)
		}
	}
	return append(own, like...)
}

// Here is HowToGet for this system.
func Here(goos string) string {
	release, _ := os.ReadFile("/etc/os-release") // a system without one is told the general way
	return HowToGet(goos, string(release))
}
