package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"reflect"
	"syscall"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server"
	"github.com/mcpwiz/mcpwiz/tui"
	"github.com/mcpwiz/mcpwiz/tui/wizard"
)

// A running is the wizard's server under way.
type running struct {
	of     plan.Connection
	server *server.Server
	stop   context.CancelFunc
	// err is there when ended is closed.
	ended chan struct{}
	err   error
}

func (r *running) alive() bool {
	select {
	case <-r.ended:
		return false
	default:
		return true
	}
}

// logPath is where what the server says is kept: the terminal is the wizard's.
func (d *desk) logPath() string {
	return filepath.Join(filepath.Dir(plan.JournalPath(d.path)), "serve.log")
}

// serve does what mcpwiz serve --tunnel does, in the background.
func (d *desk) serve(ctx context.Context, a wizard.Answers, told func(string)) error {
	d.serving.Lock()
	defer d.serving.Unlock()
	if err := d.listens(ctx, a.Connection.Defaults()); err != nil {
		return err
	}
	return d.carry(ctx, a, told)
}

func (d *desk) listens(ctx context.Context, c plan.Connection) error {
	if r := d.runs(); r != nil && r.alive() && reflect.DeepEqual(r.of, c) {
		return nil
	}
	if err := d.stop(); err != nil {
		return err
	}
	r, ready, err := d.begin(c)
	if err != nil {
		return err
	}
	select {
	case <-ready:
		d.mu.Lock()
		d.running = r
		d.mu.Unlock()
		return nil
	case <-r.ended:
		if errors.Is(r.err, syscall.EADDRINUSE) {
			return fmt.Errorf("%w: another program listens there; go back and name another address, or end it", r.err)
		}
		return r.err
	case <-ctx.Done():
		r.stop()
		<-r.ended
		return ctx.Err()
	}
}

// begin serves until the server is stopped; ready is closed when requests are answered.
func (d *desk) begin(c plan.Connection) (*running, <-chan struct{}, error) {
	log, err := d.openLog()
	if err != nil {
		return nil, nil, err
	}
	talks := *d.program
	talks.err = log
	ready := make(chan struct{})
	s, err := talks.server(c, talks.logger("text"), func([]net.Addr) { close(ready) })
	if err != nil {
		return nil, nil, errors.Join(err, log.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &running{of: c, server: s, stop: stop, ended: make(chan struct{})}
	go func() {
		defer close(r.ended)
		r.err = errors.Join(tui.Guard(func() error { return s.Run(ctx) }), log.Close())
	}()
	return r, ready, nil
}

func (d *desk) runs() *running {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.running
}

// stopServer ends the tunnel, so that no request comes any more, then the server, and says what went wrong with them.
func (d *desk) stopServer() error {
	d.serving.Lock()
	defer d.serving.Unlock()
	return errors.Join(d.stopTunnel(), d.stop())
}

func (d *desk) stop() error {
	d.mu.Lock()
	r := d.running
	d.running = nil
	d.mu.Unlock()
	if r == nil {
		return nil
	}
	r.stop()
	<-r.ended
	return r.err
}

// watch tells of the clients that come. Without a server nobody can.
func (d *desk) watch(ctx context.Context) <-chan probe.Event {
	if r := d.runs(); r != nil {
		return r.server.Watch(ctx)
	}
	nobody := make(chan probe.Event)
	context.AfterFunc(ctx, func() { close(nobody) })
	return nobody
}
