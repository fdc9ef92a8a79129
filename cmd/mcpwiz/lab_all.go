package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/mcpwiz/mcpwiz/probe/client/profiles"
	"github.com/mcpwiz/mcpwiz/server/lab"
)

// An errand is one experiment to be made.
type errand func(context.Context) (*experiment, error)

// errands are all that the lab has: faults, pairs, and the healthy servers as every client.
func (l *laboratory) errands() (faults, pairs, healthy []errand) {
	for _, f := range lab.Faults {
		faults = append(faults, func(ctx context.Context) (*experiment, error) { return l.try(ctx, f, f.Profile(), nil) })
	}
	for _, p := range lab.Pairs {
		pairs = append(pairs, func(ctx context.Context) (*experiment, error) { return l.tryKnownPair(ctx, p) })
	}
	for _, f := range lab.Healthy {
		for _, as := range profiles.IDs() {
			healthy = append(healthy, func(ctx context.Context) (*experiment, error) { return l.try(ctx, f, as, nil) })
		}
	}
	return faults, pairs, healthy
}

func (l *laboratory) tryKnownPair(ctx context.Context, p lab.Pair) (*experiment, error) {
	first, known := lab.Lookup(p.First)
	second, alsoKnown := lab.Lookup(p.Second)
	if !known || !alsoKnown {
		return nil, fmt.Errorf("the pair %s and %s names a fault that is not there", p.First, p.Second)
	}
	sees := visible
	if p.Hidden {
		sees = hidden
	}
	return l.tryPair(ctx, first, second, sees, nil)
}

// runAll makes them all, several at once, and prints the table in the order of the lab.
func (l *laboratory) runAll(ctx context.Context) error {
	faults, pairs, healthy := l.errands()
	wrong := 0
	for _, part := range []struct {
		title string
		all   []errand
	}{{"faults", faults}, {"pairs", pairs}, {"healthy servers, as every client", healthy}} {
		fmt.Fprintf(l.out, "%s\n", part.title)
		n, err := l.table(ctx, part.all)
		if err != nil {
			return err
		}
		fmt.Fprintf(l.out, "%d of %d right\n\n", len(part.all)-n, len(part.all))
		wrong += n
	}
	if wrong > 0 {
		return ended(exitFailed)
	}
	return nil
}

// table prints what comes of errands, and counts what is wrong.
func (l *laboratory) table(ctx context.Context, all []errand) (wrong int, err error) {
	made := make([]chan *experiment, len(all))
	failures := make([]error, len(all))
	turns := make(chan struct{}, 2*runtime.GOMAXPROCS(0))
	var running sync.WaitGroup
	defer running.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for i, do := range all {
		made[i] = make(chan *experiment, 1)
		running.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			x, err := do(ctx)
			failures[i] = err
			made[i] <- x
		})
	}
	for i := range all {
		x := <-made[i]
		if failures[i] != nil {
			return wrong, failures[i]
		}
		if _, err := fmt.Fprintln(l.out, x.row(32, l.width())); err != nil {
			return wrong, err
		}
		if len(x.wrong) > 0 {
			wrong++
		}
	}
	return wrong, nil
}
