package keycloak

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// What gocloak asks for itself has known holes (docs/decisions/0001-dependencies.md): go.mod must not fall back to it.
func TestVersionsBelowGocloakAreSafe(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile(filepath.Join("..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for module, least := range map[string]string{
		"github.com/go-resty/resty/v2":  "2.17.2",
		"github.com/golang-jwt/jwt/v5":  "5.3.1",
		"golang.org/x/net":              "0.62.0",
		"github.com/Nerzal/gocloak/v13": "13.9.0",
	} {
		m := regexp.MustCompile(`(?m)^\s+` + regexp.QuoteMeta(module) + ` v([0-9.]+)\b`).FindSubmatch(file)
		if m == nil {
			t.Errorf("go.mod does not ask for %s", module)
			continue
		}
		if older(string(m[1]), least) {
			t.Errorf("%s is v%s, safe is v%s", module, m[1], least)
		}
	}
}

func older(version, than string) bool {
	have, want := strings.Split(version, "."), strings.Split(than, ".")
	for i := range min(len(have), len(want)) {
		h, _ := strconv.Atoi(have[i])
		if w, _ := strconv.Atoi(want[i]); h != w {
			return h < w
		}
	}
	return len(have) < len(want)
}
