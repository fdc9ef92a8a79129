package main

import (
	"context"
	"errors"
	"slices"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
	"github.com/mcpwiz/mcpwiz/probe/client"
	"github.com/mcpwiz/mcpwiz/tui"
)

// showDoctor makes the handshakes on the live probe's page: the first at once, the others as the user asks. The report of the
// last one is told as without the page.
func (p *program) showDoctor(ctx context.Context, o *doctorOptions) error {
	if err := o.background.check(); err != nil {
		return err
	}
	t, usable := p.pagesOn(o.background)
	switch {
	case !usable || p.setting("TERM") == "dumb":
		return usage("leave --tui out: the report comes as text", "--tui needs a terminal to draw on")
	case o.telling.format != "text":
		return usage("leave --tui or --format out", "--tui shows it on a page, --format %s writes it for programs", o.telling.format)
	}
	all, err := p.examinations(ctx, o)
	if err != nil {
		return err
	}
	quiet := *p
	quiet.in = nil // what is asked is asked on the page
	page := tui.NewProbe(tui.ProbeOptions{
		Target: all[0].Target, Clients: probeClients(all), Checks: checks.All,
		Run: func(ctx context.Context, as tui.ProbeRun, sink probe.Sink) (probe.Summary, error) {
			return quiet.shake(ctx, chosen(all, as.Client), as, sink)
		},
	})
	app := tui.NewApp(tui.NewTheme(t.Look(ctx)), []tui.Page{page}, nil)
	_, err = tui.Run(ctx, t, app)
	sum, events := page.Result()
	told := p.telling(o.telling)
	for _, e := range events {
		told.Sink(e)
	}
	err = p.left(err, app.Err())
	if err == nil {
		err = page.Err()
	}
	switch {
	case errors.Is(err, context.Canceled): // left before its end
		p.say("interrupted: this is what was seen until then")
		return errors.Join(told.close(), ended(exitInterrupted))
	case err != nil:
		return errors.Join(err, told.close())
	}
	return finish(told, sum)
}

// probeClients are as whom handshakes can be made, each profile once.
func probeClients(all []client.Options) []tui.ProbeClient {
	var clients []tui.ProbeClient
	for _, o := range all {
		one := tui.ProbeClient{Profile: o.Profile.ID, Title: o.Profile.Title}
		if !slices.Contains(clients, one) {
			clients = append(clients, one)
		}
	}
	return clients
}

func chosen(all []client.Options, profile string) client.Options {
	for _, o := range all {
		if o.Profile.ID == profile {
			return o
		}
	}
	return all[0]
}
