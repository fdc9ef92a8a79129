package profiles

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// BuiltIn is where the profiles of this package are from.
const BuiltIn = "built in"

// A Shelf holds profiles by their ids. What is put on it stands in the place of what had the same id before. Profiles are
// shared: nobody changes them.
type Shelf struct {
	all  []*probe.Profile
	from map[string]string
}

// NewShelf returns one with the profiles of this package.
func NewShelf() *Shelf {
	s := &Shelf{from: map[string]string{}}
	for _, p := range known() {
		s.put(p, BuiltIn)
	}
	return s
}

func (s *Shelf) put(p *probe.Profile, from string) {
	at, there := slices.BinarySearchFunc(s.all, p, func(a, b *probe.Profile) int { return cmp.Compare(a.ID, b.ID) })
	if there {
		s.all[at] = p
	} else {
		s.all = slices.Insert(s.all, at, p)
	}
	s.from[p.ID] = from
}

// PutFile puts the profile of a file on the shelf, and returns it.
func (s *Shelf) PutFile(file string) (*probe.Profile, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read a profile: %w", err)
	}
	p, err := Parse(file, data)
	if err != nil {
		return nil, err
	}
	s.put(p, file)
	return p, nil
}

// PutDir puts the profiles of a directory on the shelf, its *.json files. A directory that is not there has none; two files
// with one id are an error, for which of them counts would be a matter of their names.
func (s *Shelf) PutDir(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the profiles of %s: %w", dir, err)
	}
	of := map[string]string{}
	for _, e := range entries {
		if e.IsDir() || filepath.Ext(e.Name()) != ".json" {
			continue
		}
		p, err := s.PutFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		if of[p.ID] != "" {
			return fmt.Errorf("%s: %s and %s are both the profile %s", dir, of[p.ID], e.Name(), p.ID)
		}
		of[p.ID] = e.Name()
	}
	return nil
}

// Load returns a profile by its id.
func (s *Shelf) Load(id string) (*probe.Profile, error) {
	for _, p := range s.all {
		if p.ID == id {
			return p, nil
		}
	}
	return nil, fmt.Errorf("no profile %q: known are %s", id, strings.Join(s.IDs(), ", "))
}

// All returns every profile, sorted by id.
func (s *Shelf) All() []*probe.Profile { return slices.Clone(s.all) }

// IDs returns the ids of all profiles, sorted.
func (s *Shelf) IDs() []string {
	ids := make([]string, len(s.all))
	for i, p := range s.all {
		ids[i] = p.ID
	}
	return ids
}

// From says where a profile is from: BuiltIn, or its file.
func (s *Shelf) From(id string) string { return s.from[id] }

// Recognise is as the function of this package, among the profiles of the shelf.
func (s *Shelf) Recognise(userAgent, clientName string) *probe.Profile {
	return recognise(s.all, userAgent, clientName)
}
