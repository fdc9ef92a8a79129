package main

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
	"github.com/mcpwiz/mcpwiz/probe/report"
)

// runRead judges a capture again, with the checks of this binary.
func (p *program) runRead(o *doctorOptions) (err error) {
	r := report.ReadOptions{Checks: checks.All, Tool: tool(), Target: o.target, Told: func(what string) { p.say("%s: %s", o.read, what) }}
	if _, err := p.putProfiles(o.profiles); err != nil {
		return err
	}
	if o.several() {
		return usage("--as takes one client with --read", "a capture is of one client")
	}
	if o.as != "" {
		if r.Profile, err = p.profile(o.as); err != nil {
			return err
		}
	}
	in, err := p.open(o.read)
	if err != nil {
		return usage("", "%w", err)
	}
	t := p.telling(o.telling)
	sums, err := report.Read(in, r, t.Sink)
	if errors.Is(err, report.ErrTarget) {
		return usage("leave the URL out", "%w", errors.Join(err, in.Close()))
	}
	if err = errors.Join(err, in.Close()); err != nil {
		return usage("mcpwiz doctor --format json, --format jsonl or --out writes one", "%s: %w", o.read, err)
	}
	return finish(t, sums...)
}

// open opens a file, of a bundle the capture; "-" is what comes in.
func (p *program) open(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(p.lines), nil
	}
	if strings.EqualFold(filepath.Ext(name), ".zip") {
		return openBundle(name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read a capture: %w", err)
	}
	return f, nil
}

// A bundled capture closes its archive with itself.
type bundled struct {
	io.ReadCloser
	archive io.Closer
}

func (b bundled) Close() error { return errors.Join(b.ReadCloser.Close(), b.archive.Close()) }

func openBundle(name string) (io.ReadCloser, error) {
	archive, err := zip.OpenReader(name)
	if err != nil {
		return nil, fmt.Errorf("read a bundle: %w", err)
	}
	capture, err := archive.Open(report.BundledCapture)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s is no bundle of mcpwiz doctor --bundle: %w", name, err), archive.Close())
	}
	return bundled{capture, archive}, nil
}

// finish tells what is told at the end, and ends as the handshakes did.
func finish(t *telling, sums ...probe.Summary) error {
	if err := t.close(); err != nil {
		return err
	}
	return ended(t.exit(sums...))
}
