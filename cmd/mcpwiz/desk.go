package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"sync"

	"github.com/mcpwiz/mcpwiz/keycloak"
	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
	"github.com/mcpwiz/mcpwiz/probe/client/browser"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/tui/wizard"
)

// A desk does what the wizard asks for, by what setup, serve and doctor do. While it works the terminal is the wizard's:
// its program asks nobody and talks to nobody.
type desk struct {
	*program
	// path is the connection's file, beside which secrets, journal and log are kept.
	path string

	serving  sync.Mutex // held while the server is begun or stopped
	mu       sync.Mutex
	own      bool // the file is to be replaced: the wizard was begun from it, or wrote it
	saved    plan.Connection
	wrote    bool
	looked   map[string]looked // by what was looked at alone
	made     []deskRun
	before   string                        // the run that is gone on from; "" for none
	standing map[string]keycloak.Lifetimes // of realms that were looked at, by issuer
	running  *running
	tunnels  *tunnelling
	last     *probe.Summary
}

// newDesk is for the connection at path; own says that the wizard begins from that file.
func (p *program) newDesk(path string, own bool) *desk {
	quiet := *p
	quiet.in, quiet.err = nil, io.Discard
	return &desk{program: &quiet, path: path, own: own, looked: map[string]looked{}, standing: map[string]keycloak.Lifetimes{}}
}

// desk is the wizard's view of it; copies sends to the clipboard.
func (d *desk) desk(copies func(string) error) wizard.Desk {
	return wizard.Desk{
		Profiles: d.allProfiles, Checks: checks.All,
		CheckServer: d.checkServer, CheckKeycloak: d.checkKeycloak, Lifetimes: d.lifetimes,
		CheckCloudflare: d.checkCloudflare, QuickTunnel: d.quickTunnel, Carrier: d.carrier,
		Plan: d.look, Apply: d.apply, May: d.may, Proof: d.proof, Save: d.save,
		Past: d.pastOf, Reversal: d.reversal, Undo: d.undoes,
		Serve: d.serve, Watch: d.watch, Handshake: d.handshakeAs,
		Values: d.values, Where: d.where, Page: d.page, Open: browser.OpenSystem, Copy: copies,
		Report:  func(to io.Writer) probe.Sink { return d.text(to, tellingOptions{}).Sink },
		Written: d.written,
	}
}

// signsIn is how the answers say that the administrator signs in.
func signsIn(k plan.Keycloak, secret plan.Secret) keycloak.Options {
	o := keycloak.Options{AdminURL: k.AdminURL, CAFile: k.CAFile, Realm: k.Admin.Realm, User: k.Admin.User, ClientID: k.Admin.ClientID}
	switch {
	case o.User != "":
		o.Password = secret
	case o.ClientID != "":
		o.ClientSecret = secret
	default:
		o.Token = secret
	}
	return o
}

// save writes the connection whole. A file that somebody else wrote stays, and so does one that says the same already: its
// comments are kept.
func (d *desk) save(a wizard.Answers) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.fromFile(a.Connection)
	there, err := plan.Load(d.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case !d.own:
		return d.path, fmt.Errorf("write %s: there is one, that the wizard was not begun from: begin it again with -f", d.path)
	case err == nil && reflect.DeepEqual(there.Defaults(), c.Defaults()):
		d.saved, d.wrote = c, true
		return d.path, nil
	}
	if err := c.Save(d.path); err != nil {
		return d.path, err
	}
	d.saved, d.wrote, d.own = c, true, true
	return d.path, nil
}

// fromFile names files as the connection's file does: from where it is.
func (d *desk) fromFile(c plan.Connection) plan.Connection {
	if ca := c.Keycloak.CAFile; ca != "" && !filepath.IsAbs(ca) {
		if rel, err := filepath.Rel(filepath.Dir(d.path), ca); err == nil {
			c.Keycloak.CAFile = rel
		}
	}
	return c
}

// leaving says what becomes of the answers when the wizard is left now.
func (d *desk) leaving() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.wrote {
		return "The answers are in " + d.path + "."
	}
	return "The answers are not written yet."
}

// written says where everything is, and how to go on without a question.
func (d *desk) written() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.wrote {
		return []string{"No connection was written."}
	}
	all := []string{"Written:"}
	for _, file := range [][2]string{
		{d.path, "the connection"}, {plan.SecretsPath(d.path), "the secrets, for your eyes alone"},
		{plan.JournalPath(d.path), "what was changed, and how it was before"}, {d.logPath(), "what the server had to say"},
	} {
		if _, err := os.Stat(file[0]); err == nil {
			all = append(all, fmt.Sprintf("  %-24s %s", file[0], file[1]))
		}
	}
	all = append(all, "The same without a question:")
	for _, command := range d.commands() {
		all = append(all, "  "+command)
	}
	return all
}

// commands are how to go on. What a tunnel carries comes up in one.
func (d *desk) commands() []string {
	f := &connectionFlags{file: d.path}
	all := (&provisioning{connection: d.saved}).next(f)
	if e := d.saved.Expose; e.ByAPI() || e.Way == plan.WayQuickTunnel {
		return append([]string{"mcpwiz up " + f.flags()}, all[:len(all)-1]...)
	}
	return append([]string{"mcpwiz setup " + f.flags()}, all...)
}

// lifetimes are those of the realm as far as they are known before it is planned.
func (d *desk) lifetimes(k plan.Keycloak) wizard.Lifetimes {
	d.mu.Lock()
	l, known := d.standing[k.Issuer]
	d.mu.Unlock()
	if k.CreateRealm {
		l = keycloak.OwnLifetimes()
	} else if !known {
		return wizard.Lifetimes{}
	}
	return wizard.Lifetimes{Idle: l.Idle, Max: l.Max, OfflineIdle: l.OfflineIdle, OfflineMax: l.OfflineMax}
}

func (d *desk) close() error { return d.stopServer() }
