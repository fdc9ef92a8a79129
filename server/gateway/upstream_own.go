package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/textproto"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"
)

// OwnHeaders returns the headers that go to an upstream with every request: a bearer token that a file holds, and the headers of
// another file, one "Name: value" in each line; "" is no file. The files are read anew when they change; where that fails,
// what they held before stays, and the log is told. Now they must be readable.
func OwnHeaders(tokenFile, headerFile string, log *slog.Logger) (func() (http.Header, error), error) {
	if tokenFile == "" && headerFile == "" {
		return nil, nil
	}
	o := &ownHeaders{log: log, files: []ownFile{{path: headerFile, read: parseHeaders}, {path: tokenFile, read: parseToken}}}
	if err := o.look(); err != nil {
		return nil, err
	}
	o.looked = time.Now()
	return o.get, nil
}

type ownHeaders struct {
	log   *slog.Logger
	files []ownFile

	mu     sync.Mutex
	looked time.Time
	header http.Header // never changed, only replaced
}

type ownFile struct {
	path string
	read func(string) (http.Header, error)
	// seen is what the file was like when it was read.
	seen struct {
		size int64
		at   time.Time
	}
	header http.Header
}

// lookEvery is how long a change may go unseen.
const lookEvery = time.Second

func (o *ownHeaders) get() (http.Header, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if now := time.Now(); now.Sub(o.looked) >= lookEvery {
		o.looked = now
		if err := o.look(); err != nil {
			o.log.Error("what goes to the upstream cannot be read anew; what it was before goes on", "error", err)
		}
	}
	return o.header, nil
}

func (o *ownHeaders) look() error {
	changed := false
	for i := range o.files {
		if o.files[i].path == "" {
			continue
		}
		again, err := o.files[i].look()
		if err != nil {
			return err
		}
		changed = changed || again
	}
	if !changed {
		return nil
	}
	all := http.Header{}
	for _, f := range o.files {
		for name, values := range f.header {
			all[name] = values
		}
	}
	o.header = all
	return nil
}

func (f *ownFile) look() (changed bool, err error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return false, err
	}
	if f.header != nil && info.Size() == f.seen.size && info.ModTime().Equal(f.seen.at) {
		return false, nil
	}
	text, err := os.ReadFile(f.path)
	if err != nil {
		return false, err
	}
	header, err := f.read(string(text))
	if err != nil {
		return false, fmt.Errorf("reading %s: %w", f.path, err)
	}
	f.header, f.seen.size, f.seen.at = header, info.Size(), info.ModTime()
	return true, nil
}

func parseToken(text string) (http.Header, error) {
	token := strings.TrimSpace(text)
	if !b64token(token) {
		return nil, errors.New("no bearer token: want one line of letters, digits and -._~+/= (RFC 6750 section 2.1)")
	}
	return http.Header{"Authorization": {"Bearer " + token}}, nil
}

// parseHeaders never quotes a value: it may be secret.
func parseHeaders(text string) (http.Header, error) {
	header := http.Header{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)), strings.TrimSpace(value)
		switch {
		case !ok || !httpguts.ValidHeaderFieldName(name):
			return nil, fmt.Errorf("line %d is no header like Name: value", i+1)
		case !httpguts.ValidHeaderFieldValue(value):
			return nil, fmt.Errorf("line %d: the value of %s has characters that no header may have", i+1, name)
		case hop[name] || name == "Host" || name == "Content-Length":
			return nil, fmt.Errorf("line %d: %s is the connection's own and cannot be set", i+1, name)
		}
		header[name] = append(header[name], value)
	}
	return header, nil
}
