// Package profiles holds how each client behaves, one file each: what it sends, what it demands, and where and when that was seen.
package profiles

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/mcpwiz/mcpwiz/probe"
)

//go:embed *.json
var files embed.FS

// Load returns a profile by its id.
func Load(id string) (*probe.Profile, error) {
	for _, p := range known() {
		if p.ID == id {
			return p, nil
		}
	}
	return nil, fmt.Errorf("no profile %q: known are %s", id, strings.Join(IDs(), ", "))
}

// All returns every profile, sorted by id. Profiles are shared: nobody changes them.
func All() []*probe.Profile { return slices.Clone(known()) }

// IDs returns the ids of all profiles, sorted.
func IDs() []string {
	var ids []string
	for _, p := range known() {
		ids = append(ids, p.ID)
	}
	return ids
}

// known parses the files of this package once. That they can be parsed is held by a test.
var known = sync.OnceValue(func() []*probe.Profile {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err)
	}
	all := make([]*probe.Profile, 0, len(entries))
	for _, e := range entries {
		data, err := files.ReadFile(e.Name())
		if err != nil {
			panic(err)
		}
		p, err := Parse(e.Name(), data)
		if err != nil {
			panic(err)
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *probe.Profile) int { return strings.Compare(a.ID, b.ID) })
	return all
})
