package record

import (
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// complain logs the failures that nothing explains, each check once for a client in ten minutes: a client that tries again
// all day is not news. Tokens that were only tried are folded.
func (w *Witness) complain(h *handshake, findings []probe.Finding, now time.Time) {
	if w.stray(h) {
		w.fold(h, now)
		return
	}
	for _, f := range findings {
		if f.Outcome != probe.Failed || f.Because != "" || !w.news(f.Check+" "+h.name(), now) {
			continue
		}
		w.opts.Logger.Warn("failed: "+f.Title+": "+f.Detail,
			"check", f.Check, "client", h.name(), "owner", f.Owner, "remedy", f.Remedy, "handshake", h.id)
	}
}

// silence is the check on clients that read all they need and never come with a token.
const silence = "token.brought"

// mention logs that a client got no further, which is all there is to see of a failure on its side, and what may be the reason.
func (w *Witness) mention(h *handshake, k Handshake, now time.Time) {
	if !w.news("stopped "+string(k.Stopped)+" "+h.name(), now) {
		return
	}
	told := []any{"client", h.name(), "handshake", h.id}
	for _, f := range k.Findings {
		if f.Check == silence && f.Outcome == probe.Warned {
			told = append(told, "check", f.Check, "remedy", f.Remedy)
		}
	}
	w.opts.Logger.Info("a client stopped after "+string(k.Stopped), told...)
}

func (w *Witness) news(what string, now time.Time) bool {
	if at, ok := w.said[what]; ok && now.Sub(at) < quiet {
		return false
	}
	const most = 1000
	if len(w.said) >= most {
		clear(w.said)
	}
	w.said[what] = now
	return true
}

func (h *handshake) name() string {
	if h.profile != nil {
		return h.profile.ID
	}
	return h.client.String()
}
