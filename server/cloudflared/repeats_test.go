package cloudflared

import (
	"fmt"
	"testing"
	"time"
)

func TestALineIsToldAgainAfterAWhile(t *testing.T) {
	t.Parallel()
	var r repeats
	began := time.Date(2026, 11, 25, 20, 32, 35, 0, time.UTC)
	toldAt := func(after time.Duration, want bool, times int) {
		t.Helper()
		at := began.Add(after)
		before, tell := r.tell(at.Format(time.RFC3339)+" ERR Serve tunnel error connIndex=0", at)
		if tell != want || before != times {
			t.Errorf("after %s: %v, %d", after, tell, before)
		}
	}
	toldAt(0, true, 0)
	toldAt(time.Second, false, 0)
	toldAt(2*time.Second, false, 0)
	toldAt(repeatAfter, true, 2)
	toldAt(repeatAfter+time.Second, false, 0)
	for i := range 10 * repeatMost {
		if _, tell := r.tell(fmt.Sprint("t ERR other ", i), began); !tell {
			t.Fatal("another line is not told")
		}
	}
	if len(r.lines) > repeatMost {
		t.Errorf("%d lines are kept", len(r.lines))
	}
}
