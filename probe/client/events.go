package client

import (
	"bufio"
	"bytes"
	"io"
)

// events reads a stream of server-sent events (WHATWG HTML section 9.2) and hands on the data of each that is a message, until
// more says no or the stream ends: of other types clients take none.
func events(body io.Reader, more func(data []byte) bool) {
	lines := bufio.NewScanner(io.LimitReader(body, maxBody))
	lines.Buffer(nil, maxBody)
	var data []byte
	kind := ""
	for lines.Scan() {
		line := lines.Bytes()
		if len(line) == 0 {
			if data != nil && isMessage(kind) && !more(data) {
				return
			}
			data, kind = nil, ""
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if string(name) == "event" {
			kind = string(bytes.TrimPrefix(value, []byte(" ")))
		}
		if string(name) != "data" {
			continue
		}
		if data != nil {
			data = append(data, '\n')
		}
		data = append(append([]byte{}, data...), bytes.TrimPrefix(value, []byte(" "))...)
	}
	if data != nil && isMessage(kind) {
		more(data)
	}
}

// isMessage reports whether an event of a type is dispatched as a message.
func isMessage(kind string) bool { return kind == "" || kind == "message" }
