package cloudflare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/cloudflare/cloudflare-go/v7/accounts"
	"github.com/cloudflare/cloudflare-go/v7/user"
	"github.com/cloudflare/cloudflare-go/v7/zones"
)

// An Account owns tunnels and zones.
type Account struct{ ID, Name string }

// A Zone is a domain whose names Cloudflare answers for.
type Zone struct {
	ID, Name               string
	AccountID, AccountName string
	// Plan is Cloudflare's name of it: "Free Website". Status is active, or why it is not.
	Plan, Status string
}

const permZone = "Zone · Zone"

// verify asks whether the token is good: its user, else each account that it may see.
func (a *API) verify(ctx context.Context) error {
	const call = "verify the API token"
	said, err := user.NewTokenService(a.options()...).Verify(ctx)
	if err == nil {
		return active(string(said.Status))
	}
	if statusOf(err) != http.StatusUnauthorized {
		return a.failed(call, "", err)
	}
	// It may be owned by an account, which verifies it then.
	all, listed := a.Accounts(ctx)
	if listed != nil {
		return a.failed(call, "", err)
	}
	for _, one := range all {
		var p accounts.TokenVerifyParams
		p.AccountID.Value, p.AccountID.Present = one.ID, true
		said, refused := accounts.NewTokenService(a.options()...).Verify(ctx, p)
		if refused == nil {
			a.account = one.ID
			return active(string(said.Status))
		}
	}
	return a.failed(call, "", err)
}

func active(status string) error {
	if status == "active" {
		return nil
	}
	return fmt.Errorf("verify the API token: it is %s: make another in Cloudflare's dashboard, My Profile, API Tokens", status)
}

// Accounts are those that the token may do anything in.
func (a *API) Accounts(ctx context.Context) ([]Account, error) {
	var all []Account
	pages := accounts.NewAccountService(a.options()...).ListAutoPaging(ctx, accounts.AccountListParams{})
	for pages.Next() {
		one := pages.Current()
		all = append(all, Account{one.ID, one.Name})
	}
	return all, a.failed("list the accounts", "", pages.Err())
}

// Zones are those that the token may see, by name.
func (a *API) Zones(ctx context.Context) ([]Zone, error) {
	var all []Zone
	var p zones.ZoneListParams
	p.PerPage.Value, p.PerPage.Present = 50, true
	pages := zones.NewZoneService(a.options()...).ListAutoPaging(ctx, p)
	for pages.Next() {
		one := pages.Current()
		all = append(all, Zone{one.ID, one.Name, one.Account.ID, one.Account.Name, planOf(one.JSON.RawJSON()), string(one.Status)})
	}
	slices.SortFunc(all, func(x, y Zone) int { return strings.Compare(x.Name, y.Name) })
	return all, a.failed("list the zones", permZone+levelRead, pages.Err())
}

// planOf is the name of a zone's plan; the SDK has the member down as deprecated for who would change it.
func planOf(raw string) string {
	var z struct {
		Plan struct {
			Name string `json:"name"`
		} `json:"plan"`
	}
	_ = json.Unmarshal([]byte(raw), &z) // a zone without one has none that is known
	return z.Plan.Name
}

// ErrNoZone: none that the token may see has the host in it.
var ErrNoZone = errors.New("no zone for it")

// ZoneOf returns the zone that a host is in: the one of that name or id, else the longest that the host ends in.
func ZoneOf(all []Zone, named, host string) (Zone, error) {
	best := Zone{}
	var seen []string
	for _, z := range all {
		seen = append(seen, z.Name)
		within := host == z.Name || strings.HasSuffix(host, "."+z.Name)
		switch {
		case named != "" && named != z.Name && named != z.ID:
		case named != "" && !within:
			return Zone{}, fmt.Errorf("%s is not in the zone %s: %w", host, z.Name, ErrNoZone)
		case within && len(z.Name) > len(best.Name):
			best = z
		}
	}
	switch {
	case best.ID != "":
		return best, nil
	case len(seen) == 0:
		return best, fmt.Errorf("%s: %w: the token may see no zone at all (it takes %s)", host, ErrNoZone, permZone+levelRead)
	}
	return best, fmt.Errorf("%s: %w among those that the token may see: %s", host, ErrNoZone, strings.Join(seen, ", "))
}

// Place is what is changed, for the journal.
func (z Zone) Place() string { return "cloudflare account " + z.AccountID }
