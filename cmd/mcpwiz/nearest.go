package main

import (
	"slices"
	"strings"
)

// nearest returns up to three of names that word may have been meant to be, the nearest first.
func nearest(word string, names []string) []string {
	type near struct {
		name string
		far  int
	}
	var all []near
	word = strings.ToLower(word)
	for _, name := range names {
		far := distance(word, name)
		switch {
		case far <= max(2, len(word)/3):
		case len(word) > 2 && strings.Contains(name, word):
			far = len(word)
		default:
			continue
		}
		all = append(all, near{name, far})
	}
	slices.SortStableFunc(all, func(a, b near) int { return a.far - b.far })
	var found []string
	for _, n := range all[:min(3, len(all))] {
		found = append(found, n.name)
	}
	return found
}

// distance is how many letters must be put in, taken out or exchanged to make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
