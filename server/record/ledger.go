package record

import (
	"slices"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A ledger keeps, by place, the exchanges without a token of the last ten minutes, to be lent to handshakes that begin
// there. It is bounded: whoever knocks from many addresses pushes out strangers, not memory.
type ledger struct {
	places map[string][]loan
	size   int64
}

// A loan is an exchange and when it was heard.
type loan struct {
	exchange probe.Exchange
	at       time.Time
}

const (
	loansMost  = 40
	placesMost = 256
	lentMost   = 8 << 20
)

func newLedger() *ledger { return &ledger{places: map[string][]loan{}} }

// add keeps an exchange; a later state of one replaces it.
func (l *ledger) add(place string, x probe.Exchange, now time.Time) {
	l.drop(place, func(o loan) bool { return o.exchange.ID == x.ID || now.Sub(o.at) > quiet })
	if all := l.places[place]; len(all) >= loansMost {
		oldest := all[0].exchange.ID
		l.drop(place, func(o loan) bool { return o.exchange.ID == oldest })
	}
	l.places[place] = append(l.places[place], loan{x, now})
	l.size += bulk(x)
	for len(l.places) > placesMost || l.size > lentMost && len(l.places) > 1 {
		l.drop(l.stalest(), func(loan) bool { return true })
	}
}

// at returns what may be lent at a place.
func (l *ledger) at(place string, now time.Time) []loan {
	l.drop(place, func(o loan) bool { return now.Sub(o.at) > quiet })
	return l.places[place]
}

// expire drops what can no longer be lent.
func (l *ledger) expire(now time.Time) {
	for place := range l.places {
		l.at(place, now)
	}
}

func (l *ledger) drop(place string, over func(loan) bool) {
	all, ok := l.places[place]
	if !ok {
		return
	}
	all = slices.DeleteFunc(all, func(o loan) bool {
		gone := over(o)
		if gone {
			l.size -= bulk(o.exchange)
		}
		return gone
	})
	if len(all) == 0 {
		delete(l.places, place)
		return
	}
	l.places[place] = all
}

func (l *ledger) stalest() string {
	var place string
	var at time.Time
	for p, all := range l.places {
		if last := all[len(all)-1].at; place == "" || last.Before(at) {
			place, at = p, last
		}
	}
	return place
}
