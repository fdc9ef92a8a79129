package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/probe"
)

func (p *program) emulate() *cobra.Command {
	var o handshakeOptions
	c := &cobra.Command{
		Use:   "emulate [URL]",
		Short: "Behave as a client does and tell each step",
		Long: `emulate discovers, registers, authorizes, exchanges and calls exactly as the client's profile says, and tells each step as it is
made; then it says what is wrong. Unlike the doctor it asks nothing that the client would not. What it makes (sessions,
registered clients) it ends again.
` + handshakeHelp,
		Example: `  mcpwiz emulate https://mcp.example.com/mcp --as claude-ai --client-id claude --login alice
  mcpwiz emulate https://mcp.example.com/mcp --as m2m --client-id robot
  mcpwiz emulate -f mcpwiz.yaml --as claude-ai --browser`,
		Args: atMostOne("URL"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.take(args); err != nil {
				return err
			}
			return p.runEmulate(c.Context(), &o)
		},
	}
	o.add(p, c)
	return c
}

func (p *program) runEmulate(ctx context.Context, o *handshakeOptions) error {
	if o.several() {
		return usage("mcpwiz doctor --as "+o.as+" compares them", "emulate behaves as one client at a time")
	}
	all, err := p.handshakes(ctx, o)
	if err != nil {
		return err
	}
	t := p.telling(o.telling)
	if o.telling.format != "text" {
		return p.run(ctx, t, all, t.Sink)
	}
	n := &narration{to: p.out, told: map[int]string{}}
	t.text = p.text(&n.after, o.telling)
	return p.run(ctx, t, all, func(e probe.Event) {
		t.Sink(e)
		n.Sink(e)
	})
}

// A narration tells each step as it is made, and the report after it.
type narration struct {
	to    io.Writer
	after bytes.Buffer
	// stage is the one begun, headed whether it was named.
	stage  probe.Stage
	headed bool
	// told is what was said last of each exchange: its end may come later.
	told map[int]string
}

// Sink takes an event of a session.
func (n *narration) Sink(e probe.Event) {
	switch e := e.(type) {
	case probe.Started:
		clear(n.told)
		n.stage, n.headed = "", true
		fmt.Fprintf(n.to, "%s  as %s\n", e.Target, e.Profile.ID)
	case probe.StageStarted:
		n.headed = n.headed && n.stage == e.Stage
		n.stage = e.Stage
	case probe.Seen:
		n.seen(e.Exchange)
	case probe.Finished:
		if n.after.Len() > 0 {
			fmt.Fprintln(n.to)
		}
		_, _ = n.after.WriteTo(n.to) // what cannot be written is told by the text's own error
	}
}

func (n *narration) seen(x probe.Exchange) {
	came := outcome(x)
	if came == "" || n.told[x.N] == came {
		return
	}
	n.told[x.N] = came
	if !n.headed {
		n.headed = true
		fmt.Fprintf(n.to, "%s\n", n.stage)
	}
	line := fmt.Sprintf("  %3d  %-4s %s", x.N, x.Request.Method, address(x))
	if m := x.Request.Body.Method(); m != "" {
		line += "  " + m
	}
	fmt.Fprintf(n.to, "%s  %s\n", line, came)
}

// address is the URL without its query, which is long.
func address(x probe.Exchange) string {
	u := x.URL()
	grant := x.Request.Body.Form.Get("grant_type")
	if grant != "" {
		grant = "  " + grant
	}
	return fmt.Sprintf("%s://%s%s%s", u.Scheme, u.Host, u.EscapedPath(), grant)
}

// outcome is what came of an exchange, "" while it goes on.
func outcome(x probe.Exchange) string {
	switch {
	case x.Error != nil:
		return x.Error.Kind
	case x.Response != nil:
		return strings.TrimSpace(fmt.Sprintf("%d %s", x.Response.Status, x.Response.Body.Type))
	case x.Open:
		return "handed to the browser"
	}
	return ""
}
