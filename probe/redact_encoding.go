package probe

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
)

// maxUnpacked is as much of a body as is unpacked.
const maxUnpacked = 1 << 20

// unpacked undoes a gzip content coding (RFC 9110 section 8.4.1.3), which servers may choose whether or not they were asked.
// It returns false for a body that is none, which a client that goes by the label cannot read.
func unpacked(in rawBody) (rawBody, bool) {
	packed, err := gzip.NewReader(bytes.NewReader(in.data))
	if err != nil {
		return in, false
	}
	data, err := io.ReadAll(io.LimitReader(packed, maxUnpacked+1))
	if err != nil && (in.whole || !errors.Is(err, io.ErrUnexpectedEOF)) {
		return in, false
	}
	in.whole = in.whole && len(data) <= maxUnpacked
	in.data = data[:min(len(data), maxUnpacked)]
	in.marks = nil
	return in, true
}

// readPacked reads a body in a content coding, as far as it is one that can be undone.
func (r *redactor) readPacked(b *Body, in rawBody, t bodyType, side string) {
	if t.encoding != "gzip" && t.encoding != "x-gzip" {
		problem := "is encoded as " + clip(t.encoding, 32) + " and was not read"
		if json.Valid(in.data) { // no compression makes that
			problem = "is labelled Content-Encoding: " + clip(t.encoding, 32) + " and is plain JSON"
		}
		r.wrong(b, in.data, problem)
		return
	}
	plain, ok := unpacked(in)
	if !ok {
		r.wrong(b, in.data, "is labelled Content-Encoding: gzip and cannot be unpacked")
		return
	}
	t.encoding = ""
	if len(plain.data) > 0 {
		r.read(b, plain, t, side)
	}
}
