package tui

import (
	"fmt"
	"slices"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
)

// underWay is a handshake in the middle: two exchanges were seen, and the stages up to the challenge are judged.
func underWay(t testing.TB) []probe.Event {
	t.Helper()
	all := story(t, "operators-story")
	early := []probe.Stage{probe.StageNetwork, probe.StageEdge, probe.StageChallenge}
	some := []probe.Event{all[0]}
	for _, e := range all {
		switch e := e.(type) {
		case probe.Seen:
			if e.Exchange.N <= 2 {
				some = append(some, e)
			}
		case probe.Found:
			if slices.Contains(early, e.Finding.Stage) && e.Finding.Outcome != probe.Skipped {
				some = append(some, e)
			}
		}
	}
	return append(some, probe.StageStarted{Handshake: "h1", Stage: probe.StageResourceMetadata})
}

// untried is a healthy handshake without credentials: nobody logged in, and no tool was seen.
func untried(t testing.TB) []probe.Event {
	t.Helper()
	all := slices.Clone(story(t, "healthy"))
	late := []probe.Stage{probe.StageAuthorization, probe.StageToken, probe.StageTools, probe.StageSession}
	for i, e := range all {
		if e, ok := e.(probe.Found); ok && slices.Contains(late, e.Finding.Stage) {
			e.Finding.Outcome, e.Finding.Detail = probe.Skipped, "not tried without credentials: give --client-id and --login USER, or --login USER alone"
			all[i] = e
		}
	}
	return all
}

// pages are the states in which the live probe is to be seen.
var pages = map[string]func(t *testing.T, l Look, width, height int) *App{
	"running": func(t *testing.T, l Look, width, height int) *App {
		a, _ := fed(t, l, width, height, underWay(t))
		return a
	},
	"failed": func(t *testing.T, l Look, width, height int) *App {
		a, p := fed(t, l, width, height, story(t, "operators-story"))
		end(a, p)
		return a
	},
	"healthy": func(t *testing.T, l Look, width, height int) *App {
		a, p := fed(t, l, width, height, story(t, "healthy"))
		end(a, p)
		return a
	},
	"untried": func(t *testing.T, l Look, width, height int) *App {
		a, p := fed(t, l, width, height, untried(t))
		end(a, p)
		return a
	},
	"edge": func(t *testing.T, l Look, width, height int) *App {
		a, p := fed(t, l, width, height, story(t, "edge-challenges"))
		end(a, p)
		return a
	},
	"stage": func(t *testing.T, l Look, width, height int) *App {
		a, p := fed(t, l, width, height, story(t, "operators-story"))
		end(a, p)
		press(a, "enter")
		return a
	},
	"exchange": func(t *testing.T, l Look, width, height int) *App {
		a, p := fed(t, l, width, height, story(t, "operators-story"))
		end(a, p)
		press(a, "enter", "end")
		return a
	},
}

func TestProbeLooks(t *testing.T) {
	t.Parallel()
	for state, page := range pages {
		for look, l := range looks {
			for _, size := range [][2]int{{80, 24}, {40, 15}} {
				name := fmt.Sprintf("probe/%s-%dx%d-%s.txt", state, size[0], size[1], look)
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					view := page(t, l, size[0], size[1]).View()
					fits(t, view, size[0], size[1])
					golden(t, name, view)
				})
			}
		}
	}
}

func TestProbeSizes(t *testing.T) {
	t.Parallel()
	for state, page := range pages {
		for _, size := range [][2]int{{120, 40}, {100, 24}, {80, 40}, {80, 15}, {72, 16}, {71, 24}, {40, 24}, {40, 14}, {40, 12}, {30, 8}} {
			name := fmt.Sprintf("probe/sizes/%s-%dx%d.txt", state, size[0], size[1])
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				view := page(t, looks["dark"], size[0], size[1]).View()
				fits(t, view, size[0], size[1])
				golden(t, name, plainText(view))
			})
		}
	}
}
