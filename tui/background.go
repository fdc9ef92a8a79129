package tui

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"strconv"
	"time"

	"github.com/muesli/cancelreader"
	"golang.org/x/term"
)

// askFor is how long a terminal has to answer; 20 ms are usual.
const askFor = 250 * time.Millisecond

// askBackground asks with OSC 11 for the background and with DA1 for what every terminal answers, so that one that does
// not know OSC 11 is not waited for. ok is false where no colour came.
func askBackground(ctx context.Context, in, out *os.File) (dark, ok bool) {
	was, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return false, false
	}
	defer func() { _ = term.Restore(int(in.Fd()), was) }()
	r, err := cancelreader.NewReader(in)
	if err != nil {
		return false, false
	}
	defer r.Close()
	if _, err := out.WriteString("\x1b]11;?\x1b\\\x1b[c"); err != nil {
		return false, false
	}
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	defer context.AfterFunc(ctx, func() { r.Cancel() })()
	var got []byte
	for buf := make([]byte, 256); len(got) < 4096; {
		n, err := r.Read(buf)
		got = append(got, buf[:n]...)
		if err != nil || attributes.Match(got) {
			break
		}
	}
	return darkAnswer(got)
}

var (
	// attributes is the answer to DA1, background that to OSC 11: rgb:RRRR/GGGG/BBBB with one to four digits each.
	attributes = regexp.MustCompile(`\x1b\[\?[0-9;]*c`)
	background = regexp.MustCompile(`\x1b\]11;rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})`)
)

func darkAnswer(got []byte) (dark, ok bool) {
	m := background.FindSubmatch(bytes.TrimSpace(got))
	if m == nil {
		return false, false
	}
	var light float64
	for i, weight := range []float64{0.299, 0.587, 0.114} {
		digits := string(m[i+1])
		n, err := strconv.ParseUint(digits, 16, 16)
		if err != nil {
			return false, false
		}
		light += weight * float64(n) / float64(uint64(1)<<(4*len(digits))-1)
	}
	return light < 0.5, true
}
