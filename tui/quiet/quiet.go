// Package quiet keeps libraries from asking the terminal for its colours while the program starts.
package quiet

import "os"

// This package imports os alone, so that its init runs before that of every terminal library: Go initialises packages
// whose imports are ready in the order of their import paths, and bubbletea's init writes an escape to the terminal and
// waits up to 5 s for the answer, unless TERM says that it is dumb.
var term, known = silence()

func silence() (string, bool) {
	was, known := os.LookupEnv("TERM")
	os.Setenv("TERM", "dumb")
	return was, known
}

// Restore gives the environment its TERM back; it is to be the first line of main.
func Restore() {
	if known {
		os.Setenv("TERM", term)
		return
	}
	os.Unsetenv("TERM")
}
