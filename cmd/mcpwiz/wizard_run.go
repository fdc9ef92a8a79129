package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/report"
	"github.com/mcpwiz/mcpwiz/tui"
	"github.com/mcpwiz/mcpwiz/tui/wizard"
)

// inLines asks in plain lines. The exit code is that of the last handshake.
func (p *program) inLines(ctx context.Context, d *desk, o wizard.Options) error {
	if err := wizard.Accessible(ctx, p.in, p.out, o); err != nil {
		if errors.Is(err, wizard.ErrNoAnswer) {
			return usage("mcpwiz wizard --help names the flags for each answer", "%w", err)
		}
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last == nil {
		return nil
	}
	return ended(report.Exit(*d.last))
}

// onPages shows the wizard. What is to stay is printed to the ordinary screen when it has ended.
func (p *program) onPages(ctx context.Context, d *desk, t tui.Terminal, o wizard.Options, trial bool) error {
	w := wizard.New(o)
	app := tui.NewApp(tui.NewTheme(t.Look(ctx)), w.Pages(), d.leaving)
	_, err := tui.Run(ctx, t, app)
	if w.Applying() {
		p.say("Finishing the change that is under way, for %.0f seconds at most ...", tui.Patience.Seconds())
	}
	notApplied, undoing := w.Applied()
	sum, events := w.Result()
	told := p.tellAgain(events)
	switch {
	case o.DryRun:
		p.say("Nothing was touched and nothing written: this was a dry run.")
	case !trial:
		p.say("%s", strings.Join(d.written(), "\n"))
	}
	if w.Undone() {
		p.say("What was changed is undone; a handshake that is told here was made before.")
	}
	if w.Unproved() && len(events) > 0 {
		p.say("The handshake told here was made before the last change; mcpwiz doctor -f %s makes one anew.", d.path)
	}
	left := errors.Is(err, tui.ErrLeft) || errors.Is(app.Err(), tui.ErrLeft)
	err = errors.Join(p.left(err, app.Err()), told)
	switch {
	case left && notApplied != nil:
		p.say("%s", halfway(notApplied, undoing, d.path))
		return err
	case err != nil && errors.Is(err, notApplied):
		return failed(err, goesOn(undoing, d.path))
	case err == nil && notApplied != nil: // left on another page
		return failed(notApplied, goesOn(undoing, d.path))
	case err != nil || len(events) == 0:
		return err
	}
	return ended(report.Exit(sum))
}

// halfway says of a plan that was left while it was applied, or undone, how to go on. That it was left is no news to who left
// it.
func halfway(why error, undoing bool, path string) string {
	said := "Not all of the plan is in place"
	if undoing {
		said = "Not all of it is undone"
	}
	if !errors.Is(why, context.Canceled) {
		said += ": " + why.Error()
	}
	return said + "; " + goesOn(undoing, path) + "."
}

func goesOn(undoing bool, path string) string {
	command := "setup"
	if undoing {
		command = "undo"
	}
	return "mcpwiz " + command + " -f " + quoted(path) + " goes on where this stopped"
}

// tellAgain prints what the live probe showed, as the doctor would have.
func (p *program) tellAgain(events []probe.Event) error {
	if len(events) == 0 {
		return nil
	}
	text := p.text(p.out, tellingOptions{})
	for _, e := range events {
		text.Sink(e)
	}
	return text.Err()
}

// left is what the pages ended with: run is of the terminal, page what the page at hand said.
func (p *program) left(run, page error) error {
	var broken *tui.Broken
	switch {
	case errors.As(page, &broken), errors.As(run, &broken):
		return p.brokenPage(broken)
	case errors.Is(run, tui.ErrLeft), errors.Is(page, tui.ErrLeft):
		return ended(exitInterrupted)
	case run != nil:
		return run
	}
	return page
}

// brokenPage tells of a mistake of the program in a goroutine of a page, as broke does.
func (p *program) brokenPage(b *tui.Broken) error {
	return &failure{exitBroken, fmt.Errorf("internal error: panic at %s", placeIn(string(b.Stack))), brokenHint}
}

// placeIn is the innermost place in our own code that a stack tells, behind the panic.
func placeIn(stack string) string {
	_, stack, _ = strings.Cut(stack, "\npanic(")
	for line := range strings.Lines(stack) {
		file, isPlace := strings.CutPrefix(line, "\t")
		if isPlace && strings.Contains(file, "mcpwiz") {
			file, _, _ = strings.Cut(strings.TrimSpace(file), " ")
			return file[strings.LastIndexByte(file, '/')+1:]
		}
	}
	return "an unknown place"
}
