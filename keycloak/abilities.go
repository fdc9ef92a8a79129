package keycloak

import (
	"context"
	"net/http"
	"slices"
)

// abilities are what a Keycloak can do: its version where it is told, the features that are on, and the options of what
// client policies execute.
type abilities struct {
	version  string
	features map[string]bool
	options  map[string][]string
}

// The features, off by default, that change how clients get their id and what they are granted.
const (
	featureDocuments = "CIMD"
	featureResources = "RESOURCE_INDICATORS"
)

const executorProvider = "org.keycloak.services.clientpolicy.executor.ClientPolicyExecutorProvider"

// Learn asks what this Keycloak can do, which decides on resources: before that no feature counts as on. An account without
// any right is not told; what follows tells it what it lacks.
func (a *Admin) Learn(ctx context.Context) error {
	var info struct {
		System struct {
			Version string `json:"version"`
		} `json:"systemInfo"`
		Features []struct {
			Name    string `json:"name"`
			Enabled bool   `json:"enabled"`
		} `json:"features"`
		Components map[string][]struct {
			ID         string `json:"id"`
			Properties []struct {
				Name string `json:"name"`
			} `json:"properties"`
		} `json:"componentTypes"`
	}
	err := a.raw(ctx, "ask what Keycloak can do", http.MethodGet, nil, &info, "serverinfo")
	if isStatus(err, http.StatusForbidden) {
		return nil
	}
	if err != nil {
		return err
	}
	can := abilities{version: info.System.Version, features: map[string]bool{}, options: map[string][]string{}}
	for _, f := range info.Features {
		can.features[f.Name] = f.Enabled
	}
	for _, e := range info.Components[executorProvider] {
		for _, p := range e.Properties {
			can.options[e.ID] = append(can.options[e.ID], p.Name)
		}
	}
	a.can = can
	return nil
}

func (a *Admin) executes(executor, option string) bool {
	return a != nil && slices.Contains(a.can.options[executor], option)
}

// Version returns the version of Keycloak; "" before Learn, and when this account is not told it (an account of a realm other than
// master is not, before 26.7).
func (a *Admin) Version() string { return a.can.version }

// on reports whether a feature is on, as far as is known; where there is no Keycloak at all none is.
func (a *Admin) on(feature string) bool { return a != nil && a.can.features[feature] }
