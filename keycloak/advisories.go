package keycloak

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// advisories are what is known of versions; they age, so they are data.
//
//go:embed advisories.json
var advisoriesFile []byte

var advisories = readAdvisories()

type advice struct {
	Registration struct {
		// Fixed are the first versions of their line without it; so is every newer line.
		Fixed      []string `json:"fixed"`
		Advisories []string `json:"advisories"`
		Effect     string   `json:"effect"`
		Source     string   `json:"source"`
		Seen       string   `json:"seen"`
	} `json:"registration"`
	Documents []documentAdvice `json:"documents"`
}

// documentAdvice says what a client's metadata document asks of Keycloak: an option of the executor, or, without one, that
// there is no way.
type documentAdvice struct {
	Document string `json:"document"`
	Option   string `json:"option"`
	Since    string `json:"since"`
	Why      string `json:"why"`
	Source   string `json:"source"`
	Seen     string `json:"seen"`
}

func readAdvisories() (a advice) {
	if err := json.Unmarshal(advisoriesFile, &a); err != nil {
		panic(fmt.Sprintf("advisories.json: %v", err))
	}
	return a
}

// fixedIn reports whether a version is at or behind the first fixed one of its line, or of a line newer than all of them.
func fixedIn(version string, fixed []string) bool {
	v := numbers(version)
	if v == nil {
		return false
	}
	newest := slices.MaxFunc(fixed, func(a, b string) int { return slices.Compare(numbers(a), numbers(b)) })
	return slices.Compare(v, numbers(newest)) >= 0 || slices.ContainsFunc(fixed, func(f string) bool {
		n := numbers(f)
		return len(v) > 1 && slices.Equal(v[:2], n[:2]) && slices.Compare(v, n) >= 0
	})
}

// numbers of a version; nil for what is none. A build such as 26.4.7.redhat-00001 counts as what it was made of.
func numbers(version string) (all []int) {
	for part := range strings.SplitSeq(version, ".") {
		digits, _, _ := strings.Cut(part, "-")
		n, err := strconv.Atoi(digits)
		if err != nil {
			break
		}
		all = append(all, n)
	}
	return all
}

// documentNeeds returns what is known of a metadata document.
func documentNeeds(document string) (documentAdvice, bool) {
	i := slices.IndexFunc(advisories.Documents, func(d documentAdvice) bool { return d.Document == document })
	if i < 0 {
		return documentAdvice{}, false
	}
	return advisories.Documents[i], true
}
