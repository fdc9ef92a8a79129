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

// readShelf returns the profiles that are known here: those of this program, and over them those of the user's directory. What
// a broken file of the user's would say is not passed over in silence.
func (p *program) readShelf() (*profiles.Shelf, error) {
	s := profiles.NewShelf()
	if dir := p.profilesDir(); dir != "" {
		if err := s.PutDir(dir); err != nil {
			return nil, usage("mcpwiz profiles show ID --format json prints a whole one", "%w", err)
		}
	}
	return s, nil
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
			return nil, usage("mcpwiz profiles show ID --format json prints a whole one", "%w", err)
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

// profileIDs complete a flag; a shelf that cannot be read completes nothing.
func (p *program) profileIDs() []string {
	if s, err := p.shelf(); err == nil {
		return s.IDs()
	}
	return nil
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
