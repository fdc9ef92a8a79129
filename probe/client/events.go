package client

import (
	"bufio"
	"bytes"
	"io"
)

// events reads a stream of server-sent events (WHATWG HTML section 9.2) and hands on each one's data, until more says no
// or the stream ends.
func events(body io.Reader, more func(data []byte) bool) {
	lines := bufio.NewScanner(io.LimitReader(body, maxBody))
	lines.Buffer(nil, maxBody)
	var data []byte
	for lines.Scan() {
		line := lines.Bytes()
		if len(line) == 0 {
			if data != nil && !more(data) {
				return
			}
			data = nil
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if string(name) != "data" {
			continue
		}
		if data != nil {
			data = append(data, '\n')
		}
		data = append(append([]byte{}, data...), bytes.TrimPrefix(value, []byte(" "))...)
	}
	if data != nil {
		more(data)
	}
}
