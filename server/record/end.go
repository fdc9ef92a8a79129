package record

import (
	"context"
	"slices"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A Handshake is what is told of one.
type Handshake struct {
	ID      string
	Client  Client
	Profile *probe.Profile
	// Subject is the fingerprint of the token's sub, "" when none was let in.
	Subject string
	Started time.Time
	// Open is true while it goes on; Stopped is the stage after which nothing came, "" when the tools were listed.
	Open    bool
	Stopped probe.Stage
	// Stray is true where there were only tokens that were tried beside good ones and refused, as is right.
	Stray   bool
	Summary probe.Summary
	// Findings are all of them, in the order of stages.
	Findings []probe.Finding
	// Seen counts the exchanges, Past those after the tools were listed, which were only counted, Dropped what there was no
	// room for.
	Seen, Past, Dropped int
}

// Run ends what has gone quiet, until ctx ends.
func (w *Witness) Run(ctx context.Context) {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			w.Tick()
		case f := <-w.failing:
			w.takeFailed(f)
		case <-ctx.Done():
			return
		}
	}
}

// Tick tells the log of handshakes that pause and ends those that have been quiet for ten minutes.
func (w *Witness) Tick() {
	w.drain()
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.opts.Now()
	for _, h := range slices.Clone(w.open) {
		switch {
		case now.Sub(h.heard()) >= quiet:
			w.end(h, now)
		case now.Sub(h.stirred) >= settle && !h.settled:
			h.settled = true
			w.compare(h, now)
			w.complain(h, h.session.Findings(), now)
		}
	}
	w.ledger.expire(now)
	for what, at := range w.said {
		if now.Sub(at) >= quiet {
			delete(w.said, what)
		}
	}
}

// drain takes what failed past the gate and waits.
func (w *Witness) drain() {
	for {
		select {
		case f := <-w.failing:
			w.takeFailed(f)
		default:
			return
		}
	}
}

// end closes a handshake and keeps what is told of it.
func (w *Witness) end(h *handshake, now time.Time) {
	w.open = slices.DeleteFunc(w.open, func(o *handshake) bool { return o == h })
	for _, g := range h.grants {
		delete(w.byGrant, g)
	}
	for _, t := range h.tokens {
		w.byToken.Delete(t)
	}
	if w.preludes[h.place] == h {
		delete(w.preludes, h.place)
	}
	w.size -= h.size
	w.compare(h, now)
	w.noteStopped(h, now)
	summary := h.session.Close()
	findings := h.session.Findings()
	if !h.settled {
		w.complain(h, findings, now)
	}
	k := w.told(h, summary, findings)
	if k.Stopped != "" && !k.Stray {
		w.mention(h, k, now)
	}
	w.kept = append(w.kept, kept{k, h.size})
	w.keptSize += h.size
	for len(w.kept) > keptMost || w.keptSize > bytesMost && len(w.kept) > 1 {
		w.telling.forget(w.kept[0].ID)
		w.keptSize -= w.kept[0].size
		w.kept = slices.Delete(w.kept, 0, 1)
	}
}

// noteStopped notes that a client got no further: it was given the time in which its own next request would have been taken for its.
func (w *Witness) noteStopped(h *handshake, now time.Time) {
	waited := now.Sub(h.heard())
	if h.tools || waited < quiet || w.stray(h) {
		return
	}
	others := slices.ContainsFunc(w.admitted, func(a admission) bool {
		return a.agent != "" && slices.Contains(h.agents, a.agent) && now.Sub(a.to) < 2*quiet
	})
	h.session.Note(probe.Fact{Kind: probe.ClientStopped, Source: "witness", At: now.UTC().Round(0), Data: map[string]any{
		"after": string(h.reached), "quiet_s": int(waited.Seconds()), "others": others,
	}})
}

func (w *Witness) told(h *handshake, s probe.Summary, findings []probe.Finding) Handshake {
	k := Handshake{
		ID: h.id, Client: h.client, Profile: h.profile, Subject: h.subject, Started: h.started,
		Stray: w.stray(h), Summary: s, Findings: findings, Seen: h.seen, Past: int(h.gate.past.Load()), Dropped: h.dropped,
	}
	if !h.tools {
		k.Stopped = h.reached
	}
	return k
}

// Handshakes returns those that go on and those that ended, newest first.
func (w *Witness) Handshakes() []Handshake {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []Handshake
	for _, k := range w.kept {
		all = append(all, k.Handshake)
	}
	for _, h := range w.open {
		findings := h.session.Findings()
		k := w.told(h, probe.Summarise(findings), findings)
		k.Open = true
		all = append(all, k)
	}
	slices.SortStableFunc(all, func(a, b Handshake) int { return b.Started.Compare(a.Started) })
	return all
}

// Recent returns a subject's handshakes, newest first.
func (w *Witness) Recent(subject string) []Handshake {
	is := w.opts.Fingerprints.Of(subject)
	return slices.DeleteFunc(w.Handshakes(), func(h Handshake) bool { return h.Subject == "" || h.Subject != is })
}

// Close ends all handshakes and all watching.
func (w *Witness) Close() {
	w.mu.Lock()
	now := w.opts.Now()
	for len(w.open) > 0 {
		w.end(w.open[0], now)
	}
	w.closed = true
	w.mu.Unlock()
	w.telling.close()
}
