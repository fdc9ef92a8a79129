package checks

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// rows are how many known failures the catalogue has of each kind.
var rows = map[string]int{"A": 22, "B": 32, "C": 18, "D": 16, "E": 28, "K": 42, "F": 39, "G": 30}

// docs/catalogue.md accounts for every known failure: each row is there once, and names checks that exist or says why none can.
func TestCatalogueAccountsForEveryFailure(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/catalogue.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`^\| ([A-Z])(\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$`)
	named := regexp.MustCompile("`([a-z-]+\\.[a-z0-9-]+)`")
	seen := map[string]int{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| id ") {
			continue
		}
		m := row.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("not a row of four cells: %s", line)
			continue
		}
		seen[m[1]+m[2]]++
		told := named.FindAllStringSubmatch(m[4], -1)
		for _, id := range told {
			if Lookup(id[1]) == nil {
				t.Errorf("%s%s names %s, which is no check", m[1], m[2], id[1])
			}
		}
		if len(told) == 0 && !strings.Contains(m[4], "not visible: ") {
			t.Errorf("%s%s names no check and does not say why it is not visible", m[1], m[2])
		}
	}
	for kind, n := range rows {
		for i := 1; i <= n; i++ {
			if id := fmt.Sprint(kind, i); seen[id] == 0 {
				t.Errorf("%s is not in the catalogue", id)
			}
		}
	}
	for id, n := range seen {
		if n > 1 {
			t.Errorf("%s is in the catalogue %d times", id, n)
		}
	}
}
