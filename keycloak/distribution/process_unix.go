//go:build unix

package distribution

import (
	"os/exec"
	"syscall"
)

// ownGroup makes the process the head of a group of its own: the JVM is its child, and Ctrl-C is for us.
func ownGroup(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return nil
}

// signalGroup ends a group, in order or at once. One that is gone already is what was wanted.
func signalGroup(cmd *exec.Cmd, atOnce bool) {
	signal := syscall.SIGTERM
	if atOnce {
		signal = syscall.SIGKILL
	}
	_ = syscall.Kill(-cmd.Process.Pid, signal)
}
