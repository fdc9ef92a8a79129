package quiet

import (
	"go/parser"
	"go/token"
	"os"
	"testing"
)

func TestRestore(t *testing.T) {
	for _, c := range []struct {
		term  string
		known bool
	}{{"xterm-256color", true}, {"", true}, {"", false}} {
		t.Setenv("TERM", c.term) // the test's end puts back what was there
		if !c.known {
			os.Unsetenv("TERM")
		}
		term, known = silence()
		if now := os.Getenv("TERM"); now != "dumb" {
			t.Errorf("TERM is %q while the program starts", now)
		}
		Restore()
		if now, there := os.LookupEnv("TERM"); now != c.term || there != c.known {
			t.Errorf("TERM is %q (%t) afterwards, want %q (%t)", now, there, c.term, c.known)
		}
	}
}

// With any other import the package would be ready too late, and the terminal be asked before it.
func TestImportsOsAlone(t *testing.T) {
	t.Parallel()
	f, err := parser.ParseFile(token.NewFileSet(), "quiet.go", nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Imports) != 1 || f.Imports[0].Path.Value != `"os"` {
		t.Errorf("imports %d packages, want os alone", len(f.Imports))
	}
}
