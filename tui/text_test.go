package tui

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPlain(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain ✓ text":          "plain ✓ text",
		"a\tb\nc":               "a b c",
		"\x1b[2J\r\b\x00\x7f":   `\x1b[2J\x0d\x08\x00\x7f`,
		"\u009b31m\u0085":       `\x9b31m\x85`,
		"a\u202eb\u2066c\u200f": `a\u202eb\u2066c\u200f`,
		"✓\ufe0f\u200b":         `✓\ufe0f\u200b`,
		"\xff\xfe":              "\ufffd",
	} {
		if got := Plain(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in    string
		width int
		want  []string
	}{
		{"one two three", 7, []string{"one two", "three"}},
		{"a well-known-id stays", 10, []string{"a", "well-known", "-id stays"}},
		{"https://x.example/a-b c", 21, []string{"https://x.example/a-b", "c"}},
		{"", 5, []string{""}},
		{"日本語 x", 4, []string{"日本", "語 x"}},
		{"日本", 1, []string{"日本"}},
		{"x", 0, nil},
	} {
		if got := Wrap(c.in, c.width); !slices.Equal(got, c.want) {
			t.Errorf("%q in %d: %q, want %q", c.in, c.width, got, c.want)
		}
	}
}

func FuzzPlainWrap(f *testing.F) {
	f.Add("a \x1b[31m b \u202e 日本語 \U0001f1e9\U0001f1ea", 7)
	f.Fuzz(func(t *testing.T, s string, width int) {
		width = min(max(width, 2), 200)
		plain := Plain(s)
		if strings.ContainsFunc(plain, acts) || !utf8.ValidString(plain) {
			t.Fatalf("%q is not plain", plain)
		}
		for _, line := range Wrap(plain, width) {
			if cells(line) > width && len([]rune(line)) > 1 {
				t.Errorf("%q is %d cells, want %d", line, cells(line), width)
			}
		}
		if got := NewTheme(Look{}).Fit(plain, width); cells(got) != width {
			t.Errorf("%q fit into %d is %q: %d cells", plain, width, got, cells(got))
		}
	})
}
