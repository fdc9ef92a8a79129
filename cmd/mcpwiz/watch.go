package main

import (
	"context"
	"errors"
	"time"

	"github.com/mcpwiz/mcpwiz/probe/client"
	"github.com/mcpwiz/mcpwiz/probe/report"
)

// watchEvery is how long --watch waits between handshakes where nothing is said, watchLeast how long at least.
const (
	watchEvery = 30 * time.Second
	watchLeast = time.Second
)

// checkWatch holds --watch to what can be done again and again.
func (o *doctorOptions) checkWatch(given bool) error {
	switch {
	case !given:
		return nil
	case o.watch < watchLeast:
		return usage("e.g. --watch=30s", "--watch=%s: at least %s lie between two handshakes", o.watch, watchLeast)
	case o.tui || o.read != "":
		return usage("leave --watch out", "--watch makes handshakes again and again, without a page and not from a file")
	case o.browser:
		return usage("--login USER signs in without you", "--watch would open your browser each time")
	case o.telling.format != "text" && o.telling.format != "jsonl":
		return usage("--format text or jsonl", "--watch has no end, and %s is written whole; --out keeps the last report in any form", o.telling.format)
	}
	return nil
}

// watchDoctor makes the handshakes again and again until it is interrupted: the first are told in full, then what changed.
func (p *program) watchDoctor(ctx context.Context, o *doctorOptions, all []client.Options) error {
	var before []*report.Report
	for {
		t := p.telling(o.telling)
		t.again = before != nil
		_, err := p.make(ctx, all, t.Sink)
		if ctx.Err() != nil {
			p.say("interrupted")
			return ended(exitInterrupted)
		}
		if err = errors.Join(err, p.tellChanges(t, before), t.close()); err != nil {
			return err
		}
		if before == nil {
			p.say("watching, every %s: what changes is told; Ctrl-C ends it", o.watch)
		}
		before = t.collector.Reports()
		select {
		case <-ctx.Done():
			return ended(exitInterrupted)
		case <-time.After(o.watch):
		}
	}
}

// tellChanges tells what came out otherwise than in the round before.
func (p *program) tellChanges(t *telling, before []*report.Report) error {
	if before == nil || t.text == nil {
		return nil
	}
	text := p.text(t.out, t.o)
	for _, after := range t.collector.Reports() {
		for _, b := range before {
			if sameClient(b, after) {
				text.Changed(b, after)
				break
			}
		}
	}
	return text.Err()
}

// sameClient reports whether two handshakes are of the same client with the same server.
func sameClient(a, b *report.Report) bool {
	return a.Target == b.Target && (a.Profile == nil) == (b.Profile == nil) && (a.Profile == nil || a.Profile.ID == b.Profile.ID)
}
