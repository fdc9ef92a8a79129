package cloudflared

import (
	"os/exec"
	"syscall"
)

// group keeps Ctrl-C from the child: it is stopped in order. Should this process die, the child goes too.
func group(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
