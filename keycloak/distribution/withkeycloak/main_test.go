package main

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/keycloak/distribution"
)

func TestExitCodeIsPassedOn(t *testing.T) {
	t.Parallel()
	for want, command := range map[int][]string{
		0:  {"sh", "-c", "exit 0"},
		7:  {"sh", "-c", "exit 7"},
		1:  {"/nowhere/at/all"},
		42: {"sh", "-c", `test "$MCPWIZ_X" = y && exit 42`},
	} {
		if got := run(t.Context(), command, []string{"MCPWIZ_X=y"}); got != want {
			t.Errorf("%q: %d", command, got)
		}
	}
}

func TestInterruptEndsTheCommand(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	if got := run(ctx, []string{"sleep", "60"}, nil); got != interrupted {
		t.Errorf("exit code %d", got)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestWhatTheCommandIsTold(t *testing.T) {
	t.Parallel()
	if got := (servers)(nil).env(); got != nil {
		t.Errorf("without a server: %v", got)
	}
	s := servers{
		{"26.7.3", &distribution.Running{URL: "http://127.0.0.1:1", AdminUser: "admin", AdminPassword: "secret"}},
		{"26.4.7", &distribution.Running{URL: "http://127.0.0.1:2", AdminUser: "admin", AdminPassword: "secret"}},
		{"26.7.3+cimd", &distribution.Running{URL: "http://127.0.0.1:3", AdminUser: "admin", AdminPassword: "secret"}},
	}
	want := []string{"MCPWIZ_TEST_KEYCLOAK=26.7.3=http://127.0.0.1:1,26.4.7=http://127.0.0.1:2",
		"MCPWIZ_TEST_KEYCLOAK_FEATURES=26.7.3+cimd=http://127.0.0.1:3", "MCPWIZ_TEST_KEYCLOAK_ADMIN=admin", "MCPWIZ_TEST_KEYCLOAK_PASSWORD=secret"}
	if got := s.env(); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}
