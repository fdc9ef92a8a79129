package tui

import (
	"encoding/base64"
	"fmt"
	"os"
	"sync"
)

// writing is held while something is written to the terminal, of which a process has one: what is sent to the clipboard
// does not come into the middle of a page.
var writing sync.Mutex

// screen is the terminal as both the pages and the clipboard write to it.
type screen struct{ *os.File }

func (s screen) Write(b []byte) (int, error) {
	writing.Lock()
	defer writing.Unlock()
	return s.File.Write(b)
}

// Copy sends text to the clipboard of whoever sits at the terminal (OSC 52). Nothing tells whether it came there: say
// "sent", and keep the text readable.
func (t Terminal) Copy(text string) error {
	_, err := screen{t.Out}.Write([]byte("\x1b]52;c;" + base64.StdEncoding.EncodeToString([]byte(text)) + "\x07"))
	if err != nil {
		return fmt.Errorf("send to the clipboard: %w", err)
	}
	return nil
}
