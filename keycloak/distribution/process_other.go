//go:build !unix

package distribution

import (
	"errors"
	"os/exec"
)

// ownGroup: without process groups nothing could promise that the JVM is not left running.
func ownGroup(*exec.Cmd) error {
	return errors.New("a Keycloak is started on Unix only: start one yourself and give its address")
}

func signalGroup(*exec.Cmd, bool) {}
