package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// defaultFile is what the connection's file is called. It is read only where it is named: what a command does must not
// depend on where it is called.
const defaultFile = "mcpwiz.yaml"

// A connectionFlags is mcpwiz.yaml and the flags that stand for its keys, which are laid over it.
type connectionFlags struct {
	file string
	over []overlaid
	// untouched: a file of an older version is read without being migrated.
	untouched bool
}

// An overlaid key is one that a flag was given for.
type overlaid struct {
	flag, value string
	set         func(*plan.Connection, string) error
}

// path is beside what the secrets and the journal are kept.
func (f *connectionFlags) path() string {
	if f.file == "" {
		return defaultFile
	}
	return f.file
}

// flags are how to call another command, which has the flags named, for the same connection.
func (f *connectionFlags) flags(names ...string) string {
	var all []string
	if f.file != "" {
		all = append(all, "-f "+quoted(f.file))
	}
	for _, o := range f.over {
		switch {
		case !slices.Contains(names, o.flag):
		case keys[o.flag].kind == "bool":
			all = append(all, "--"+o.flag+"="+o.value)
		default:
			all = append(all, "--"+o.flag+" "+quoted(o.value))
		}
	}
	return strings.Join(all, " ")
}

// quoted is a word for a shell.
func quoted(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=,@+%", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

func (f *connectionFlags) given() bool { return f.file != "" || len(f.over) > 0 }

// add adds -f and the flags of the keys named.
func (f *connectionFlags) add(c *cobra.Command, names ...string) {
	c.Flags().StringVarP(&f.file, "file", "f", "", "the connection: a `mcpwiz.yaml`; flags win over it")
	for _, name := range names {
		k := keys[name]
		flag := c.Flags().VarPF(&keyFlag{k, f, name, ""}, name, "", k.usage)
		if k.kind == "bool" {
			flag.NoOptDefVal = "true"
		}
	}
}

// load returns the connection as the file and the flags have it, checked.
func (p *program) load(f *connectionFlags) (plan.Connection, error) {
	c, err := p.lay(f)
	if err != nil {
		return plan.Connection{}, err
	}
	if err := errors.Join(c.Validate(), p.knownProfiles(c)); err != nil {
		return plan.Connection{}, usage("", "%s is not a connection yet:\n%w", f.source(), err)
	}
	return c, nil
}

// lay returns the connection as the file and the flags have it.
func (p *program) lay(f *connectionFlags) (plan.Connection, error) {
	if !f.given() {
		hint := "-f mcpwiz.yaml, or --url and --issuer"
		if _, err := os.Stat(defaultFile); err == nil {
			hint = "there is a mcpwiz.yaml here: -f mcpwiz.yaml"
		}
		return plan.Connection{}, usage(hint, "which connection?")
	}
	c, err := p.read(f)
	if err != nil {
		return plan.Connection{}, err
	}
	for _, over := range f.over {
		if err := over.set(&c, over.value); err != nil {
			return plan.Connection{}, usage("", "%w", err)
		}
	}
	return c, nil
}

func (f *connectionFlags) source() string {
	if f.file == "" {
		return "what the flags say"
	}
	return f.file
}

// read reads the file, where one is named. Paths in it are meant from where it is.
func (p *program) read(f *connectionFlags) (plan.Connection, error) {
	if f.file == "" {
		return plan.Connection{}, nil
	}
	before := kept(f.file)
	load := plan.Load
	if f.untouched {
		load = parsed
	}
	c, err := load(f.file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return c, usage("mcpwiz setup --help says how to do without a file", "%w", err)
	case err != nil:
		return c, usage("", "%w", err)
	}
	for _, old := range kept(f.file) {
		if !slices.Contains(before, old) {
			p.say("%s was of an older version and is now of version %d; the old one is kept as %s", f.file, plan.FormatVersion, old)
		}
	}
	c.Keycloak.CAFile = beside(f.file, c.Keycloak.CAFile)
	for i := range c.Servers {
		if u := c.Servers[i].Upstream; u != nil {
			u.TokenFile, u.HeaderFile = beside(f.file, u.TokenFile), beside(f.file, u.HeaderFile)
		}
	}
	return c, nil
}

// beside is a path that a file names, from where the file is.
func beside(file, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}

// parsed reads a file as it is.
func parsed(file string) (plan.Connection, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return plan.Connection{}, fmt.Errorf("read the connection: %w", err)
	}
	return plan.Parse(filepath.Base(file), data)
}

// kept lists the copies that migrations have kept of a file.
func kept(file string) []string {
	all, _ := filepath.Glob(file + ".v*") // a pattern that is none matches nothing
	return all
}

// knownProfiles tells which clients behave as nobody we know.
func (p *program) knownProfiles(c plan.Connection) error {
	s, err := p.shelf()
	if err != nil {
		return err
	}
	var all error
	for i, client := range c.Clients {
		if client.Profile == "" || client.Profile == plan.Introspection {
			continue
		}
		if _, err := s.Load(client.Profile); err != nil {
			all = errors.Join(all, fmt.Errorf("clients[%d].profile: %q is not known: %s", i, client.Profile,
				strings.Join(append(s.IDs(), plan.Introspection), ", ")))
		}
	}
	return all
}
