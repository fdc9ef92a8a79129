package cloudflare_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server/cloudflare"
	"github.com/mcpwiz/mcpwiz/server/cloudflare/cloudflaretest"
)

func TestTokensThatAreNotGood(t *testing.T) {
	t.Parallel()
	mine := func(letter string) string { return strings.Repeat(letter, 40) }
	but := func(lacks ...string) []string {
		var all []string
		for _, p := range cloudflaretest.Everything() {
			kept := true
			for _, l := range lacks {
				kept = kept && !strings.HasPrefix(p, l)
			}
			if kept {
				all = append(all, p)
			}
		}
		return all
	}
	b := newBench(t, cloudflaretest.Options{Tokens: []cloudflaretest.Token{
		{Value: mine("d"), Permissions: cloudflaretest.Everything(), Status: "disabled"},
		{Value: mine("a"), Permissions: cloudflaretest.Everything(), AccountOwned: "Home"},
		{Value: mine("t"), Permissions: but(cloudflaretest.CloudflareTunnel)},
		{Value: mine("z"), Permissions: but("Zone · Zone ·", "Zone · Zone S", cloudflaretest.ZoneZone)},
		{Value: mine("n"), Permissions: append(but(cloudflaretest.ZoneDNS), cloudflaretest.ZoneDNS+" · Read")},
	}})
	for token, want := range map[string]string{
		"": "no token", mine("x"): "verify the API token: Cloudflare answers 401", "short": "verify the API token", mine("d"): "disabled", mine("a"): "",
	} {
		_, err := b.open(token)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("token %.3s: %v, want %q", token, err, want)
		}
		if err != nil && token != "" && strings.Contains(err.Error(), token) {
			t.Errorf("the token is in the error: %v", err)
		}
	}
	for token, want := range map[string]string{
		mine("t"): "lacks the permission Account · Cloudflare Tunnel · Read",
		mine("z"): "Zone · Zone · Read",
		mine("n"): "lacks the permission Zone · DNS · Edit",
	} {
		a, err := b.open(token)
		if err != nil {
			t.Fatal(err)
		}
		all, _, err := a.Resources(t.Context(), connection(nil))
		var p plan.Plan
		if err == nil {
			p, err = plan.Look(t.Context(), all)
		}
		if err == nil {
			err = plan.Apply(t.Context(), all, p, plan.OpenJournal(filepath.Join(t.TempDir(), "journal")), nil)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("token %.3s: %v, want %q", token, err, want)
		}
	}
}

func TestCallsAreRepeatedWhereCloudflareAsksForIt(t *testing.T) {
	t.Parallel()
	for _, status := range []int{429, 500, 502} {
		b := newBench(t, cloudflaretest.Options{})
		a := b.api()
		b.Fail(cloudflaretest.Fault{Status: status, Times: 1, RetryAfter: 2 * time.Second}) // longer than the SDK's own first wait
		begun := time.Now()
		if _, err := a.Zones(t.Context()); err != nil || time.Since(begun) < 2*time.Second {
			t.Errorf("after an answer of %d that asks to wait 2 s: %v after %s", status, err, time.Since(begun))
		}
	}
}

// A wait that is longer than a call may take is told, not sat out: and what somebody has made already is not asked for again.
func TestAWaitThatIsTooLongIsTold(t *testing.T) {
	t.Parallel()
	for status, says := range map[int]string{http.StatusTooManyRequests: "it asks to wait 5m0s", http.StatusConflict: "answers 409"} {
		b := newBench(t, cloudflaretest.Options{})
		a := b.api()
		b.Fail(cloudflaretest.Fault{Status: status, Times: 1, RetryAfter: 5 * time.Minute})
		if _, err := a.Zones(t.Context()); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%d: %v, want %q", status, err, says)
		}
	}
}

// Whatever stands at the API's address: the token is in no error, and nothing that it says drives a terminal.
func TestWhatTheAPISaysIsTamed(t *testing.T) {
	t.Parallel()
	const token = "canary-1f0c9ab2d4e85c77d1b3"
	for name, body := range map[string]string{
		"errors": `{"success":false,"errors":[{"code":1,"message":"bad \u001b[31m Bearer ` + token + `"}]}`, "a page": "<html>\x1b[31m" + token, "nothing": "",
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(body))
		}))
		t.Cleanup(s.Close)
		_, err := cloudflare.Open(t.Context(), cloudflare.Options{BaseURL: s.URL, Token: token})
		if err == nil || strings.Contains(err.Error(), token) || strings.ContainsRune(err.Error(), 0x1b) {
			t.Errorf("%s: %q", name, err)
		}
	}
	for _, base := range []string{"http://cloudflare.example/client/v4", "ftp://127.0.0.1.example", "nowhere"} {
		if _, err := cloudflare.Open(t.Context(), cloudflare.Options{BaseURL: base, Token: token}); err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v", base, err)
		}
	}
}

// Neither the API's token nor the one that the tunnel runs with is in what is planned, shown or written down.
func TestTokensAreInNoPlanAndNoJournal(t *testing.T) {
	t.Parallel()
	b := newBench(t, cloudflaretest.Options{})
	all, p := b.resources(connection(nil))
	journal := filepath.Join(t.TempDir(), "journal")
	if err := plan.Apply(t.Context(), all, p, plan.OpenJournal(journal), nil); err != nil {
		t.Fatal(err)
	}
	run, err := b.api().RunToken(t.Context(), b.AccountID("Home"), b.only())
	if err != nil || len(run.Reveal()) < 40 {
		t.Fatalf("the token that the tunnel runs with: %d bytes, %v", len(run.Reveal()), err)
	}
	written, err := os.ReadFile(journal)
	if err != nil || !bytes.Contains(written, []byte("cloudflare/tunnel/")) {
		t.Fatalf("the journal: %v: %s", err, written)
	}
	var shown bytes.Buffer
	if err := p.Write(&shown); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{cloudflaretest.DefaultToken, run.Reveal(), run.Reveal()[40:]} {
		if bytes.Contains(written, []byte(secret)) || strings.Contains(shown.String(), secret) || strings.Contains(fmt.Sprint(run), secret) {
			t.Error("a token is written down")
		}
	}
}

func TestZonesOfManyPages(t *testing.T) {
	t.Parallel()
	var zones []cloudflaretest.Zone
	for i := range 130 {
		zones = append(zones, cloudflaretest.Zone{Name: fmt.Sprintf("zone-%03d.example", i)})
	}
	zones = append(zones, cloudflaretest.Zone{Name: "deep.zone-007.example"})
	b := newBench(t, cloudflaretest.Options{Zones: zones})
	all, err := b.api().Zones(t.Context())
	if err != nil || len(all) != 131 {
		t.Fatalf("%d zones, %v", len(all), err)
	}
	for host, want := range map[string]string{"mcp.zone-129.example": "zone-129.example", "x.deep.zone-007.example": "deep.zone-007.example", "zone-007.example": "zone-007.example"} {
		if z, err := cloudflare.ZoneOf(all, "", host); err != nil || z.Name != want {
			t.Errorf("%s is in %s, %v", host, z.Name, err)
		}
	}
	if _, err := cloudflare.ZoneOf(all, "", "mcp.elsewhere.example"); !errors.Is(err, cloudflare.ErrNoZone) {
		t.Errorf("a host of no zone: %v", err)
	}
	if _, err := cloudflare.ZoneOf(all, "zone-001.example", "mcp.zone-002.example"); !errors.Is(err, cloudflare.ErrNoZone) {
		t.Errorf("a host of another zone than the one named: %v", err)
	}
}

// The SDK's root package takes minutes to compile and 18 MB: only its service packages are linked.
func TestTheRootOfTheSDKIsNotLinked(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(context.Background(), "go", "list", "-deps", "github.com/mcpwiz/mcpwiz/cmd/mcpwiz", "github.com/mcpwiz/mcpwiz/server/cloudflare").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Fields(string(out)) {
		if line == "github.com/cloudflare/cloudflare-go/v7" {
			t.Error("the root package is linked")
		}
	}
}

// What the token may do of a plan is said before anything is changed, and asking changes nothing.
func TestMay(t *testing.T) {
	t.Parallel()
	every := []string{"cloudflare/tunnel/x", "cloudflare/ingress/x", "cloudflare/dns/x", "cloudflare/rule/x", "cloudflare/access/x", "cloudflare/bots/x", "cloudflare/settings/x"}
	var p plan.Plan
	for _, name := range every {
		p.Changes = append(p.Changes, plan.Change{Resource: name, Action: plan.Create})
	}
	read := func(but string) []string {
		var all []string
		for _, one := range cloudflaretest.Everything() {
			if strings.HasPrefix(one, but) {
				one = strings.Replace(one, " · Edit", " · Read", 1)
			}
			all = append(all, one)
		}
		return all
	}
	for lacks, want := range map[string]int{
		"nothing": 0, cloudflaretest.CloudflareTunnel: 2, cloudflaretest.ZoneDNS: 1, cloudflaretest.ZoneWAF: 1, cloudflaretest.AccessApps: 1,
		cloudflaretest.BotManagement: 1, cloudflaretest.ZoneSettings: 1,
	} {
		token := strings.Repeat("t", 40)
		b := newBench(t, cloudflaretest.Options{Tokens: []cloudflaretest.Token{{Value: token, Permissions: read(lacks)}}})
		a, err := b.open(token)
		if err != nil {
			t.Fatal(err)
		}
		s, err := a.Site(t.Context(), connection(nil))
		if err != nil {
			t.Fatal(err)
		}
		before := b.Snapshot()
		may, err := s.May(t.Context(), p)
		if err != nil || may.Steps != len(every) || len(may.Lacks) != want {
			t.Errorf("without %s: %+v, %v", lacks, may, err)
		}
		if want > 0 && !strings.Contains(may.String(), "the API token may do") {
			t.Errorf("without %s: %s", lacks, may)
		}
		if !bytes.Equal(before, b.Snapshot()) {
			t.Errorf("without %s: asking has changed something", lacks)
		}
	}
}
