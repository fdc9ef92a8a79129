package main

import (
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client/profiles"
)

// shelf returns the profiles that are known here, the same at each call.
func (p *program) shelf() (*profiles.Shelf, error) {
	if p.shelved == nil {
		return profiles.NewShelf(), nil
	}
	return p.shelved()
}

// allProfiles are those of the shelf, or of this program where the shelf cannot be read, which was said before.
func (p *program) allProfiles() []*probe.Profile {
	s, err := p.shelf()
	if err != nil {
		return profiles.All()
	}
	return s.All()
}

const profileHint = "mcpwiz profiles show ID --format json prints a whole one"

// readShelf returns the profiles that are known here: those of this program, and over them those of the user's directory. What
// is wrong with a file of the user's is said; it stops whoever asks for that very profile.
func (p *program) readShelf() (*profiles.Shelf, error) {
	s := profiles.NewShelf()
	faults, err := p.putOwn(s)
	for _, fault := range faults {
		p.say("not used: %s", fault)
	}
	return s, err
}

// putOwn puts the profiles of the user's directory on a shelf.
func (p *program) putOwn(s *profiles.Shelf) (faults []error, err error) {
	dir := p.profilesDir()
	if dir == "" {
		return nil, nil
	}
	if faults, err = s.PutDir(dir); err != nil {
		return nil, usage(profileHint, "%w", err)
	}
	return faults, nil
}

// profilesDir is where the user's own profiles are, "" for nowhere (XDG Base Directory Specification: a relative path is
// not to be used).
func (p *program) profilesDir() string {
	if p.env == nil {
		return ""
	}
	config := p.setting("XDG_CONFIG_HOME")
	if !filepath.IsAbs(config) {
		home := p.setting("HOME")
		if !filepath.IsAbs(home) {
			return ""
		}
		config = filepath.Join(home, ".config")
	}
	return filepath.Join(config, "mcpwiz", "profiles")
}

// putProfiles puts files on the shelf and returns their profiles' ids.
func (p *program) putProfiles(files []string) ([]string, error) {
	s, err := p.shelf()
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, file := range files {
		one, err := s.PutFile(file)
		if err != nil {
			return nil, usage(profileHint, "%w", err)
		}
		ids = append(ids, one.ID)
	}
	return ids, nil
}

// profile returns how a client behaves.
func (p *program) profile(id string) (*probe.Profile, error) {
	s, err := p.shelf()
	if err != nil {
		return nil, err
	}
	if one, err := s.Load(id); err == nil {
		return one, nil
	}
	if broken := s.Broken(id); broken != nil {
		return nil, usage(profileHint, "%w", broken)
	}
	hint := "known are " + strings.Join(s.IDs(), ", ")
	if near := nearest(id, s.IDs()); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?\n" + hint
	}
	return nil, usage(hint, "no profile is named %q", id)
}

// profileOf returns how a client behaves, for the rooms that take a function.
func (p *program) profileOf(id string) (*probe.Profile, error) {
	s, err := p.shelf()
	if err != nil {
		return nil, err
	}
	return s.Load(id)
}

// profileIDs complete a flag, so nothing is said of what is wrong.
func (p *program) profileIDs() []string {
	s := profiles.NewShelf()
	if _, err := p.putOwn(s); err != nil {
		return nil
	}
	return s.IDs()
}

// now is the clock by which profiles age. SOURCE_DATE_EPOCH holds it still (reproducible-builds.org).
func (p *program) now() time.Time {
	if p.env != nil {
		if at, err := strconv.ParseInt(p.setting("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
			return time.Unix(at, 0).UTC()
		}
	}
	return time.Now()
}

// sayAge says of a profile that it is old.
func (p *program) sayAge(one *probe.Profile) {
	if now := p.now(); probe.Stale(one.Date, now) {
		p.say("the profile %s is %d days old: the client may behave otherwise by now; mcpwiz profiles show %s says what it rests on",
			one.ID, probe.Days(one.Date, now), one.ID)
	}
}
