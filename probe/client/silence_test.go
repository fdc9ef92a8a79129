package client

import (
	"testing"
	"time"
)

func TestOnlyTheFirstOfAKindIsWaitedForToTheEnd(t *testing.T) {
	t.Parallel()
	const long = 30 * time.Second
	discover, bearing, tools := asked{method: "server/discover"}, asked{true, "server/discover"}, asked{true, "tools/list"}
	type event struct {
		a      asked
		answer bool
		took   time.Duration
	}
	for name, c := range map[string]struct {
		before []event
		now    asked
		want   time.Duration
	}{
		"nothing is known":                      {nil, discover, long},
		"a slow answer":                         {[]event{{discover, true, 29 * time.Second}}, discover, long},
		"it hangs, and answers take long":       {[]event{{asked{method: "initialize"}, true, 4 * time.Second}, {discover, false, long}}, discover, 8 * time.Second},
		"a connection that was let go":          {[]event{{discover, false, time.Second}}, discover, long},
		"it hangs":                              {[]event{{discover, false, long}}, discover, hasteAfterSilence},
		"it hangs, whatever the method":         {[]event{{discover, false, long}}, asked{method: "initialize"}, hasteAfterSilence},
		"it hangs, with or without a token":     {[]event{{discover, false, long}}, bearing, hasteAfterSilence},
		"it hangs, but not with a token":        {[]event{{discover, false, long}, {bearing, true, 0}}, tools, long},
		"it hangs with a good token":            {[]event{{tools, true, 0}, {bearing, false, long}}, bearing, hasteAfterSilence},
		"one method hangs, another is answered": {[]event{{bearing, true, 0}, {tools, false, long}}, bearing, long},
	} {
		var s silence
		for _, e := range c.before {
			s.heard(e.a, e.answer, e.took, long)
		}
		if got := s.patience(c.now, long); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
