package report

import "github.com/mcpwiz/mcpwiz/probe"

// The exit codes that a judgement has: healthy, failed, and incomplete where something expected was not reached.
const (
	ExitHealthy    = 0
	ExitFailed     = 1
	ExitIncomplete = 3
)

// Exit returns the exit code of several handshakes: a failure outweighs what is incomplete. No handshake at all is
// incomplete.
func Exit(all ...probe.Summary) int {
	code := ExitHealthy
	if len(all) == 0 {
		code = ExitIncomplete
	}
	for _, s := range all {
		switch s.Status {
		case probe.Unhealthy:
			return ExitFailed
		case probe.Incomplete:
			code = ExitIncomplete
		}
	}
	return code
}
