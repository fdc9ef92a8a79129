//go:build !linux

package cloudflared

import "os/exec"

// group: elsewhere the child gets the signals that this process gets.
func group(*exec.Cmd) {}
