package bridge

import (
	"os/exec"
	"syscall"
)

// group gives a command a process group of its own, so that Ctrl-C is for us alone and what it starts can be ended with it. Should
// we die, its stdin ends, which is the end for a server (MCP, stdio).
func group(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

// end ends what is left of a command's process group.
func end(c *exec.Cmd) {
	if c.Process != nil {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) // where nothing is left there is nothing to end
	}
}
