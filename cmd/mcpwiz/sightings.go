package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/renameio/v2"

	"github.com/mcpwiz/mcpwiz/keycloak"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server/record"
)

// A sighting is a callback that a client came with and its profile does not know. Whoever reaches the server can send one: it
// is shown, and never registered unless somebody writes it into the file.
type sighting struct {
	Profile     string    `json:"profile"`
	RedirectURI string    `json:"redirect_uri"`
	Seen        time.Time `json:"seen"`
}

// sightingsMost bounds what is kept, the newest; sightingsSize what is read.
const (
	sightingsMost = 32
	sightingsSize = 1 << 20
)

// sightingsPath is where those of the connection at path are kept, beside the journal.
func sightingsPath(path string) string {
	return filepath.Join(filepath.Dir(path), ".mcpwiz", "sightings.json")
}

// loadSightings returns what is kept; a file that is not there has none.
func loadSightings(path string) ([]sighting, error) {
	f, err := os.Open(sightingsPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what clients were seen to do: %w", err)
	}
	defer f.Close()
	var all []sighting
	if err := json.NewDecoder(io.LimitReader(f, sightingsSize)).Decode(&all); err != nil {
		return nil, fmt.Errorf("read what clients were seen to do: %s: %w", f.Name(), err)
	}
	return all, nil
}

// keepSightings returns what keeps the callbacks that a server's witness tells of, beside the file at path.
func (p *program) keepSightings(path string) func(record.Difference) {
	var mu sync.Mutex
	return func(d record.Difference) {
		if d.Knob != record.KnobRedirect || plan.ValidRedirectURI(d.Seen) != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if err := addSighting(path, sighting{d.Profile, d.Seen, d.At}); err != nil {
			p.say("mcpwiz plan will not show it: %s", err)
		}
	}
}

func addSighting(path string, one sighting) error {
	all, err := loadSightings(path)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(s sighting) bool { return s.Profile == one.Profile && s.RedirectURI == one.RedirectURI })
	all = append(all, one)
	all = all[max(0, len(all)-sightingsMost):]
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("keep what clients were seen to do: %w", err)
	}
	file := sightingsPath(path)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("keep what clients were seen to do: %w", err)
	}
	if err := renameio.WriteFile(file, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("keep what clients were seen to do: %w", err)
	}
	return nil
}

// A newCallback is one that a client of the connection was seen with and would not be let in with.
type newCallback struct {
	Client string `json:"client"`
	sighting
}

// newCallbacks returns those that are registered neither by the profile nor by the file.
func (p *program) newCallbacks(c plan.Connection, path string) ([]newCallback, error) {
	seen, err := loadSightings(path)
	if err != nil {
		return nil, err
	}
	c = c.Defaults()
	all := []newCallback{}
	for _, client := range c.Clients {
		for _, s := range seen {
			if s.Profile != client.Profile {
				continue
			}
			r, err := keycloak.RegistrationOf(c, client, p.profileOf)
			if err != nil {
				return nil, err
			}
			known := slices.ContainsFunc(r.RedirectURIs, func(uri string) bool { return record.SameRedirect(uri, s.RedirectURI) })
			if !known {
				all = append(all, newCallback{client.ID, s})
			}
		}
	}
	return all, nil
}

// writeNewCallbacks shows them behind a plan, with what would register them.
func (p *program) writeNewCallbacks(all []newCallback) error {
	var b strings.Builder
	for _, one := range all {
		fmt.Fprintf(&b, "\n%s came with a callback that client %s does not have (serve, %s):\n    + %s\n", one.Profile, one.Client,
			one.Seen.Format(time.DateOnly), strings.Trim(strconv.QuoteToASCII(one.RedirectURI), `"`))
		fmt.Fprintf(&b, "  Anybody can send one. If it is the vendor's, register it: redirect_uris of client %s in mcpwiz.yaml.\n", one.Client)
	}
	_, err := io.WriteString(p.out, b.String())
	return err
}
