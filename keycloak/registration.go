package keycloak

import "github.com/mcpwiz/mcpwiz/probe/plan"

// A Registration is how a client of a connection is registered, its profile taken into account.
type Registration struct {
	// RedirectURIs are complete; there are none where no user signs in.
	RedirectURIs []string
	// Secret and Key say how it shows who it is; a public client has neither, and of one that registers itself it is not ours.
	Secret, Key bool
}

// RegistrationOf returns how a client is registered, or what its profile does not allow. The connection is taken with its
// defaults.
func RegistrationOf(c plan.Connection, want plan.Client, profiles Profiles) (Registration, error) {
	if want.RegistersItself() {
		return Registration{}, nil
	}
	r, err := newClient(nil, c.Defaults(), nil, profiles, want)
	if err != nil {
		return Registration{}, err
	}
	return Registration{r.redirectURIs, r.hasSecret(), r.signsWithKey()}, nil
}
