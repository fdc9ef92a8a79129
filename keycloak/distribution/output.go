package distribution

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"sync"
)

// output passes on what a server logs, keeps the last lines for an error, and notes where it listens.
type output struct {
	listening chan string

	mu   sync.Mutex
	log  io.Writer
	line []byte
	last []string
}

const lastLines = 15

func newOutput(log io.Writer) *output {
	return &output{listening: make(chan string, 1), log: log}
}

// listens is Quarkus's own word, on which port the kernel put it.
var listens = regexp.MustCompile(`Listening on: (http://[0-9.]+:[0-9]+)`)

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.log != nil {
		if _, err := o.log.Write(p); err != nil {
			o.log = nil // who cannot take the log must not stop the server
		}
	}
	o.line = append(o.line, p...)
	for {
		i := bytes.IndexByte(o.line, '\n')
		if i < 0 {
			break
		}
		o.take(string(bytes.TrimRight(o.line[:i], "\r")))
		o.line = o.line[i+1:]
	}
	if len(o.line) > 1<<16 {
		o.line = nil
	}
	return len(p), nil
}

func (o *output) take(line string) {
	o.last = append(o.last, line)
	if n := len(o.last) - lastLines; n > 0 {
		o.last = o.last[n:]
	}
	if m := listens.FindStringSubmatch(line); m != nil {
		select {
		case o.listening <- m[1]:
		default:
		}
	}
}

func (o *output) tail() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.last, "\n")
}
