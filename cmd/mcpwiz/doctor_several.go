package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/mcpwiz/mcpwiz/probe/checks"
	"github.com/mcpwiz/mcpwiz/probe/client"
	"github.com/mcpwiz/mcpwiz/probe/report"
)

// compareClients makes the handshakes of several clients and tells who connects, who does not, and why. With --wide or --verbose
// each handshake is told too.
func (p *program) compareClients(ctx context.Context, o *doctorOptions, all []client.Options) error {
	t := p.telling(o.telling)
	var each bytes.Buffer
	asText := o.telling.format == "text"
	if asText {
		t.text = p.text(&each, o.telling)
	}
	sums, err := p.makeTogether(ctx, all, t.Sink)
	if asText {
		err = errors.Join(err, p.writeCompared(t, &each))
	}
	if ctx.Err() != nil {
		p.say("interrupted: this is what was seen until then%s", notAsked(len(all)-len(t.collector.Reports())))
		return errors.Join(t.close(), ended(exitInterrupted))
	}
	if err != nil {
		return errors.Join(err, t.close())
	}
	return finish(t, sums...)
}

// notAsked adds how many clients an interrupt came before.
func notAsked(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf("; clients that were not asked for yet: %d", n)
}

// writeCompared writes the table, and before it each handshake where that is asked for.
func (p *program) writeCompared(t *telling, each *bytes.Buffer) error {
	if t.o.wide || t.o.verbose {
		each.WriteByte('\n')
		if _, err := each.WriteTo(p.out); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	return report.WriteCompared(p.out, t.collector.Reports(), report.TextOptions{
		Width: p.width(), Color: p.colors(), ASCII: p.plainMarks(), Checks: checks.All,
	})
}
