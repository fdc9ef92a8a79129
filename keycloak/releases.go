package keycloak

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// releases are what is known of Keycloak's, until the day that stands there.
//
//go:embed releases.json
var releasesFile []byte

var releases = readReleases()

type releaseNotes struct {
	Known  string `json:"known"`
	Newest string `json:"newest"`
	Lines  []struct {
		Line     string `json:"line"`
		Released string `json:"released"`
	} `json:"lines"`
	Holes []knownHole `json:"holes"`
}

// A knownHole is one that releases mended, each the first of its line.
type knownHole struct {
	IDs    []string `json:"ids"`
	Effect string   `json:"effect"`
	Fixed  []string `json:"fixed"`
}

func readReleases() (r releaseNotes) {
	if err := json.Unmarshal(releasesFile, &r); err != nil {
		panic(fmt.Sprintf("releases.json: %v", err))
	}
	known := advisories.Registration
	r.Holes = append([]knownHole{{known.Advisories, known.Effect, known.Fixed}}, r.Holes...)
	return r
}

// lineOf is the line of a version: "26.7" of 26.7.3.
func lineOf(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// released is the day on which a version's line came out, "" where that is not known.
func released(version string) string {
	for _, l := range releases.Lines {
		if l.Line == lineOf(version) {
			return l.Released
		}
	}
	return ""
}

// holesIn are the known holes of a version; of each the release of its own line that mends it, else the newest.
func holesIn(version string) []any {
	all := []any{}
	for _, h := range releases.Holes {
		if fixedIn(version, h.Fixed) {
			continue
		}
		fixed := h.Fixed[len(h.Fixed)-1]
		if i := slices.IndexFunc(h.Fixed, func(f string) bool { return lineOf(f) == lineOf(version) }); i >= 0 {
			fixed = h.Fixed[i]
		}
		all = append(all, map[string]any{"ids": h.IDs, "effect": h.Effect, "fixed": fixed})
	}
	return all
}
