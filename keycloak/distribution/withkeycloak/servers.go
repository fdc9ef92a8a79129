package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/mcpwiz/mcpwiz/keycloak/distribution"
)

// What the tests read: the servers, and the administrator that they have in common.
const (
	envServers  = "MCPWIZ_TEST_KEYCLOAK"
	envFeatures = "MCPWIZ_TEST_KEYCLOAK_FEATURES"
	envAdmin    = "MCPWIZ_TEST_KEYCLOAK_ADMIN"
	envPassword = "MCPWIZ_TEST_KEYCLOAK_PASSWORD"
)

type started struct {
	name string
	*distribution.Running
}

type servers []started

// startAll starts them side by side and returns those that run, and why the others do not.
func startAll(ctx context.Context, versions []string) (servers, error) {
	began := time.Now()
	running, failed := make([]*distribution.Running, len(versions)), make([]error, len(versions))
	var all sync.WaitGroup
	for i, name := range versions {
		all.Go(func() {
			version, features, _ := strings.Cut(name, "+")
			o := distribution.Options{Version: version, Told: func(s string) { fmt.Fprintln(os.Stderr, s) }}
			if features != "" {
				o.Features = strings.Split(features, "+")
			}
			r, err := distribution.Start(ctx, o)
			if err == nil {
				fmt.Fprintf(os.Stderr, "Keycloak %s at %s after %.1f s\n", name, r.URL, time.Since(began).Seconds())
			}
			running[i], failed[i] = r, err
		})
	}
	all.Wait()
	var s servers
	for i, r := range running {
		if r != nil {
			s = append(s, started{versions[i], r})
		}
	}
	return s, errors.Join(failed...)
}

func (s servers) env() []string {
	if len(s) == 0 {
		return nil
	}
	var plain, featured []string
	for _, one := range s {
		if strings.Contains(one.name, "+") {
			featured = append(featured, one.name+"="+one.URL)
		} else {
			plain = append(plain, one.name+"="+one.URL)
		}
	}
	return []string{envServers + "=" + strings.Join(plain, ","), envFeatures + "=" + strings.Join(featured, ","), envAdmin + "=" + s[0].AdminUser, envPassword + "=" + s[0].AdminPassword}
}

func (s servers) stop() {
	for _, one := range s {
		if err := one.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "withkeycloak:", err)
		}
	}
}
