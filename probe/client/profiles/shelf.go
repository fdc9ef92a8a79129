package profiles

import (
	"cmp"
	"encoding/json"
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
	// broken are files that were to be profiles, by the id they would have; what has that id otherwise is not what is wanted.
	broken map[string]error
}

// NewShelf returns one with the profiles of this package.
func NewShelf() *Shelf {
	s := &Shelf{from: map[string]string{}, broken: map[string]error{}}
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
	delete(s.broken, p.ID)
}

// PutFile puts the profile of a file on the shelf, and returns it.
func (s *Shelf) PutFile(file string) (*probe.Profile, error) {
	p, err := readFile(file)
	if err != nil {
		return nil, err
	}
	s.put(p, file)
	return p, nil
}

func readFile(file string) (*probe.Profile, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read a profile: %w", err)
	}
	return Parse(file, data)
}

// PutDir puts the profiles of a directory on the shelf, its *.json files, and returns what is wrong with those that are none: they
// stop nobody who does not ask for them. A directory that is not there has none; of two files with one id neither counts, for which of
// them did would be a matter of their names.
func (s *Shelf) PutDir(dir string) (faults []error, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the profiles of %s: %w", dir, err)
	}
	read := map[string]*probe.Profile{}
	file := map[string]string{}
	fault := func(id string, err error) {
		faults = append(faults, err)
		s.broken[id] = err
	}
	for _, e := range entries {
		if e.IsDir() || filepath.Ext(e.Name()) != ".json" {
			continue
		}
		p, err := readFile(filepath.Join(dir, e.Name()))
		switch {
		case err != nil:
			fault(idOf(filepath.Join(dir, e.Name())), err)
		case file[p.ID] != "":
			fault(p.ID, fmt.Errorf("%s: %s and %s are both the profile %s", dir, file[p.ID], e.Name(), p.ID))
		default:
			read[p.ID], file[p.ID] = p, e.Name()
		}
	}
	for id, p := range read {
		if s.broken[id] == nil {
			s.put(p, filepath.Join(dir, file[id]))
		}
	}
	return faults, nil
}

// idOf is the id that a broken profile would have: the one it says, else its file's name.
func idOf(file string) string {
	var says struct {
		ID string `json:"id"`
	}
	if data, err := os.ReadFile(file); err == nil && json.Unmarshal(data, &says) == nil && says.ID != "" {
		return says.ID
	}
	return strings.TrimSuffix(filepath.Base(file), ".json")
}

// Broken is what is wrong with the file that would be a profile, nil where none would.
func (s *Shelf) Broken(id string) error { return s.broken[id] }

// Load returns a profile by its id.
func (s *Shelf) Load(id string) (*probe.Profile, error) {
	if err := s.broken[id]; err != nil {
		return nil, err
	}
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
