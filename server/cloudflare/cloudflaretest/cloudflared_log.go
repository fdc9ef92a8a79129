package cloudflaretest

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// daemonLog writes lines as cloudflared does: for a person, or one JSON object each.
type daemonLog struct {
	mu   sync.Mutex
	to   []io.Writer
	json bool
	from int
}

// levels as they are written and named; those before the one that is wanted are left out.
var levels = []struct{ short, name string }{{"DBG", "debug"}, {"INF", "info"}, {"WRN", "warn"}, {"ERR", "error"}, {"FTL", "fatal"}}

func newDaemonLog(t *tunnelFlags, stderr io.Writer) *daemonLog {
	l := &daemonLog{to: []io.Writer{stderr}, json: t.output == "json", from: 1}
	for i, level := range levels {
		if level.name == t.loglevel {
			l.from = i
		}
	}
	if t.logfile != "" {
		if f, err := os.OpenFile(t.logfile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
			l.to = append(l.to, f)
		}
	}
	return l
}

func (l *daemonLog) info(message string, fields ...any) { l.write(1, message, fields) }
func (l *daemonLog) warn(message string, fields ...any) { l.write(2, message, fields) }
func (l *daemonLog) err(message string, fields ...any)  { l.write(3, message, fields) }

// line takes one that begins with its level.
func (l *daemonLog) line(format string, args ...any) {
	level, message, _ := strings.Cut(fmt.Sprintf(format, args...), " ")
	for i := range levels {
		if levels[i].short == level {
			l.write(i, message, nil)
		}
	}
}

func (l *daemonLog) write(level int, message string, fields []any) {
	if level < l.from {
		return
	}
	now := time.Now().UTC().Format(time.RFC3339)
	out := fmt.Sprintf("%s %s %s%s\n", now, levels[level].short, message, pairs(fields))
	if l.json {
		m := map[string]any{"level": levels[level].name, "message": message, "time": now}
		for i := 0; i+1 < len(fields); i += 2 {
			v := fields[i+1]
			if err, ok := v.(error); ok {
				v = err.Error()
			}
			m[fmt.Sprint(fields[i])] = v
		}
		out = string(encode(m)) + "\n"
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.to {
		_, _ = io.WriteString(w, out) // where nobody reads the log, the tunnel goes on
	}
}

func pairs(fields []any) string {
	var b strings.Builder
	for i := 0; i+1 < len(fields); i += 2 {
		v := fmt.Sprint(fields[i+1])
		if strings.ContainsAny(v, " \"=") {
			v = fmt.Sprintf("%q", v)
		}
		fmt.Fprintf(&b, " %v=%s", fields[i], v)
	}
	return b.String()
}
