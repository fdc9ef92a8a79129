package probe

import (
	"strings"
	"sync"
)

// known is what a tap remembers of the secrets that passed it: the values themselves for a run of our own, fingerprints
// alone for strangers. Both forget their older half when they are full; what was hidden by name is never forgotten.
type known struct {
	mu     sync.RWMutex
	hidden sieve
	young  *sieve
	old    *sieve

	marks    map[string]string // of pieces, by fingerprint
	oldMarks map[string]string
	values   map[string]bool // the marks of whole values, so that none is taken in twice
	lengths  [maxPiece/64 + 1]uint64
}

const (
	maxValues = 1024
	maxMarks  = 4096
	minPiece  = 16
	maxPiece  = 1024
)

// hide remembers a value for good.
func (k *known) hide(value, mark string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.hidden.add(value, mark)
}

// remember keeps the values of an exchange of our own run.
func (k *known) remember(values map[string]string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for value, mark := range values {
		if k.young == nil || len(k.young.values) >= maxValues {
			k.young, k.old = new(sieve), k.young
		}
		if !k.old.knows(value) {
			k.young.add(value, mark)
		}
	}
}

func (s *sieve) knows(value string) bool { return s != nil && s.values[value] }

// strike strikes out what is remembered by value.
func (k *known) strike(text string) string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.old.strike(k.young.strike(k.hidden.strike(text)))
}

// overhear keeps the fingerprints of the pieces of a stranger's secret, but not of what names the server.
func (k *known) overhear(f *Fingerprinter, value, frame, mark string) {
	if k.heard(mark) {
		return
	}
	if isJWT(value) { // what its header says is no secret, and the same in all tokens
		_, value, _ = strings.Cut(value, ".")
	}
	eachPiece(value, func(from, to int) {
		piece := value[from:to]
		if !telling(piece) || strings.Contains(frame, piece) {
			return
		}
		print := f.Of(piece)
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.marks == nil || len(k.marks) >= maxMarks {
			k.marks, k.oldMarks, k.values = map[string]string{}, k.marks, nil
		}
		k.marks[print] = mark
		k.lengths[len(piece)/64] |= 1 << (len(piece) % 64)
	})
}

// heard reports whether a value with this mark was taken in before, and takes note of it.
func (k *known) heard(mark string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.values[mark] {
		return true
	}
	if k.values == nil || len(k.values) >= maxMarks {
		k.values = map[string]bool{}
	}
	k.values[mark] = true
	return false
}

// strikePieces strikes out the pieces whose fingerprint is known.
func (k *known) strikePieces(f *Fingerprinter, text string) string {
	if len(text) < minPiece {
		return text
	}
	var b strings.Builder
	told := 0
	eachPiece(text, func(from, to int) {
		if mark := k.markOf(f, text[from:to]); mark != "" {
			b.WriteString(text[told:from])
			b.WriteString(mark)
			told = to
		}
	})
	if told == 0 {
		return text
	}
	return b.String() + text[told:]
}

func (k *known) markOf(f *Fingerprinter, piece string) string {
	n := len(piece)
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.lengths[n/64]&(1<<(n%64)) == 0 || !telling(piece) {
		return ""
	}
	print := f.Of(piece)
	if mark := k.marks[print]; mark != "" {
		return mark
	}
	return k.oldMarks[print]
}

// eachPiece visits the longest stretches of [A-Za-z0-9_-] that are neither too short nor too long for a secret's piece.
func eachPiece(text string, visit func(from, to int)) {
	from := 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) && isPiece(text[i]) {
			continue
		}
		if n := i - from; n >= minPiece && n <= maxPiece {
			visit(from, i)
		}
		from = i + 1
	}
}

func isPiece(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}

// telling reports whether a piece can be a secret and not words with hyphens: a stranger must not have the words of the
// protocol struck out by sending them as his state.
func telling(piece string) bool {
	return strings.ContainsAny(piece, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") && !commonplace(piece)
}
