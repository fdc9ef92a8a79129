package distribution

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// Options say which Keycloak is started.
type Options struct {
	// Home is an unpacked Keycloak. Empty: the one that Find finds; where Java or Maven is missing, Docker's image.
	Home string
	// Version is for Find; empty as there.
	Version string
	// Features are what is off by default and is to be on, "cimd".
	Features []string
	// Log takes what the server logs; nil: nobody.
	Log io.Writer
	// Told takes what a person may want to know while it takes long; nil: nobody.
	Told func(string)
}

// Running is a Keycloak that runs until it is stopped.
type Running struct {
	// URL is its base, on 127.0.0.1.
	URL     string
	Version string
	// The administrator of the realm master. The password is random, the same for all that this user starts, and never in
	// the arguments of a process.
	AdminUser, AdminPassword string

	once sync.Once
	end  func() error
	err  error
}

// adminUser is the administrator's name.
const adminUser = "admin"

// Start brings a Keycloak up and returns when it answers. The first start of a version builds it and makes its database,
// which takes about 40 s; both are kept in the cache, and the next ones take about 6 s. Any number may run at once from
// one home. It ends with Stop or with ctx, and with this process, however that ends.
func Start(ctx context.Context, o Options) (*Running, error) {
	return here(o.Told).start(ctx, o)
}

func (m machine) start(ctx context.Context, o Options) (*Running, error) {
	home, said, err := m.ground(ctx, o)
	if errors.Is(err, ErrMissing) && o.Home == "" {
		return m.startImage(ctx, o, err)
	}
	if err != nil {
		return nil, err
	}
	p, err := m.prepare(ctx, home, said, o)
	if err != nil {
		return nil, err
	}
	return p.start(ctx, m.temp, o.Log)
}

// ground returns what a start stands on: the home, and what Java says of itself.
func (m machine) ground(ctx context.Context, o Options) (home, said string, err error) {
	if said, err = m.java(ctx); err != nil {
		return "", "", err
	}
	if o.Home != "" {
		return o.Home, said, nil
	}
	home, err = m.find(ctx, o.Version)
	return home, said, err
}

// start runs a prepared server with a copy of its database.
func (p *prepared) start(ctx context.Context, temp string, log io.Writer) (*Running, error) {
	dir, err := os.MkdirTemp(temp, "mcpwiz-keycloak-")
	if err != nil {
		return nil, fmt.Errorf("start Keycloak: %w", err)
	}
	s, url, err := p.launch(ctx, dir, log)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start Keycloak %s: %w", p.version, err), os.RemoveAll(dir))
	}
	r := &Running{URL: url, Version: p.version, AdminUser: adminUser, AdminPassword: p.password}
	r.end = func() error {
		s.kill() // its data are thrown away, so there is nothing to end in order
		return os.RemoveAll(dir)
	}
	context.AfterFunc(ctx, func() { _ = r.Stop() })
	return r, nil
}

func (p *prepared) launch(ctx context.Context, dir string, log io.Writer) (*server, string, error) {
	if err := os.CopyFS(filepath.Join(dir, "data"), os.DirFS(filepath.Join(p.dir, "data"))); err != nil {
		return nil, "", err
	}
	if err := layout(dir, p.home, filepath.Join(p.dir, "lib")); err != nil {
		return nil, "", err
	}
	s, err := launch(dir, p.args, nil, log)
	if err != nil {
		return nil, "", err
	}
	url, err := s.ready(ctx)
	if err != nil {
		s.kill()
	}
	return s, url, err
}

// Stop ends the server and everything that it started, and removes its data. It may be called more than once.
func (r *Running) Stop() error {
	r.once.Do(func() {
		if err := r.end(); err != nil {
			r.err = fmt.Errorf("stop Keycloak %s: %w", cmp.Or(r.Version, r.URL), err)
		}
	})
	return r.err
}
