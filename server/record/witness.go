// Package record is the witness of a server: it sorts what many clients send into handshakes, has each judged by the same
// checks as the doctor's, and keeps the last of them.
package record

import (
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// Options say what a witness stands by and what it may keep.
type Options struct {
	Tool probe.Tool
	// Target is the url of the MCP server.
	Target string
	Checks []*probe.Check
	// Recognise finds the profile of a client, nil when it is none that is known. Nil knows nobody.
	Recognise func(Client) *probe.Profile
	// Differs is told what a real client does otherwise than its profile says; it must not wait. Nil tells nobody.
	Differs func(Difference)
	// Fingerprints are those of the taps that feed the witness.
	Fingerprints *probe.Fingerprinter
	Logger       *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// What is kept, and how long.
const (
	// openMost and keptMost are handshakes that go on and that have ended; exchangesMost is of one, bytesMost of all open.
	openMost      = 128
	keptMost      = 100
	exchangesMost = 200
	bytesMost     = 64 << 20
	// quiet ends a handshake, and a prelude is lent for as long; settle is how long a client must pause before its
	// failures go to the log: one that falls back to the next URL does so at once.
	quiet  = 10 * time.Minute
	settle = 10 * time.Second
	beat   = 5 * time.Second
)

// A Witness sorts exchanges into handshakes. Clients are told apart by the grant of their token; what bears no token is a
// prelude of its range of addresses, lent to every handshake that begins there in the next ten minutes, for behind a
// tunnel or a vendor's cloud nothing better is known of it.
type Witness struct {
	opts Options

	mu       sync.Mutex
	open     []*handshake
	byGrant  map[string]*handshake
	preludes map[string]*handshake
	ledger   *ledger
	own      []probe.Exchange
	kept     []kept
	// size is of the open handshakes, keptSize of those that ended; failures counts those past the gate.
	size, keptSize, failures int64
	closed                   bool

	telling *telling
	// byToken finds, by a token's fingerprint, the *handshake that is done; it is read without mu.
	byToken sync.Map
	failing chan failed
	missed  atomic.Int64
	// said is when the log was told something last.
	said map[string]time.Time
	// admitted are those who were let in lately.
	admitted []admission
}

// A kept is a handshake that has ended, and what it holds in memory.
type kept struct {
	Handshake
	size int64
}

// New returns a witness; Run makes it end what has gone quiet.
func New(o Options) *Witness {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Fingerprints == nil {
		o.Fingerprints = probe.NewFingerprinter()
	}
	return &Witness{
		opts: o, byGrant: map[string]*handshake{},
		preludes: map[string]*handshake{}, ledger: newLedger(), said: map[string]time.Time{},
		telling: newTelling(), failing: make(chan failed, failedRoom),
	}
}

// Heard takes an exchange on the server's own paths.
func (w *Witness) Heard(x probe.Exchange) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	now := w.opts.Now()
	at := place(x.Remote)
	grant := w.grantOf(x)
	var h *handshake
	if grant == "" {
		h = w.prelude(at, now)
		w.ledger.add(at, x, now)
	} else {
		h = w.granted(grant, at, now)
	}
	w.add(h, x, now)
}

// grantOf is what tells the client of an exchange apart. A token that does not verify says nothing true of its grant, and one
// that was refused as another resource's may be anybody's: such a token stands for itself.
func (w *Witness) grantOf(x probe.Exchange) string {
	t, bears := x.Token("request.authorization")
	foreign := x.Status() == http.StatusUnauthorized && t.JWT && !slices.Contains(t.Audience(), w.opts.Target)
	invalid := slices.ContainsFunc(x.Notes, func(f probe.Fact) bool { return f.Kind == "token-signature" && f.Data["valid"] == false })
	if bears && (foreign || invalid) {
		return "unverified " + t.Fingerprint
	}
	return x.Grant
}

// prelude returns the handshake of those who bear no token at a place.
func (w *Witness) prelude(at string, now time.Time) *handshake {
	h := w.preludes[at]
	if h == nil {
		h = w.begin(at, now)
		w.preludes[at] = h
	}
	return h
}

// granted returns the handshake of a grant. A new one goes on from the prelude of its place, and is lent what others
// from there sent before.
func (w *Witness) granted(grant, at string, now time.Time) *handshake {
	if h := w.byGrant[grant]; h != nil {
		return h
	}
	h, heard := w.preludes[at]
	if !heard {
		h = w.begin(at, now)
	}
	delete(w.preludes, at)
	for _, l := range w.ledger.at(at, now) {
		if !heard || l.at.Before(h.started) {
			h.session.Add(l.exchange)
		}
	}
	h.grants = append(h.grants, grant)
	w.byGrant[grant] = h
	return h
}

// begin opens a handshake, with the server's own calls to the authorization server lent to it.
func (w *Witness) begin(at string, now time.Time) *handshake {
	if len(w.open) >= openMost {
		w.end(w.idlest(), now)
	}
	h := &handshake{id: newID(), place: at, started: now, stirred: now, habits: habits{}}
	h.session = probe.NewSession(probe.Opening{
		ID: h.id, Tool: w.opts.Tool, Target: w.opts.Target, Source: probe.Overheard,
		Checks: w.opts.Checks, At: now.UTC().Round(0),
	}, func(e probe.Event) { w.telling.tell(h.id, e) })
	for _, x := range w.own {
		h.session.Add(x)
	}
	w.open = append(w.open, h)
	return h
}

// idlest returns the handshake to give up when there is no room: a prelude before one that got further.
func (w *Witness) idlest() *handshake {
	return slices.MinFunc(w.open, func(a, b *handshake) int {
		if (len(a.grants) == 0) != (len(b.grants) == 0) {
			return len(a.grants) - len(b.grants)
		}
		return a.heard().Compare(b.heard())
	})
}

// add gives an exchange to its handshake, within bounds.
func (w *Witness) add(h *handshake, x probe.Exchange, now time.Time) {
	h.stir(now)
	w.try(h, x, now)
	if token := h.take(x); token != "" {
		w.byToken.Store(token, h)
		h.tokens = append(h.tokens, token)
		const most = 8
		if len(h.tokens) > most {
			w.byToken.Delete(h.tokens[0])
			h.tokens = slices.Delete(h.tokens, 0, 1)
		}
	}
	w.recognise(h, x)
	h.habits.learn(x, w.opts.Recognise)
	w.keep(h, x, now)
}

// keep puts an exchange into the session, within bounds.
func (w *Witness) keep(h *handshake, x probe.Exchange, now time.Time) {
	if h.held >= exchangesMost {
		h.dropped++
		return
	}
	h.held++
	n := bulk(x)
	h.size += n
	w.size += n
	h.session.Add(x)
	for w.size > bytesMost && len(w.open) > 1 {
		w.end(w.idlest(), now)
	}
}

// recognise finds whose behaviour a handshake is. What a prelude says may be of several clients at one place: once a token
// tells them apart, only what comes with it counts.
func (w *Witness) recognise(h *handshake, x probe.Exchange) {
	first := len(h.grants) > 0 && !h.spoken
	if first {
		h.spoken, h.client = true, Client{}
	}
	if !h.client.learn(x) && !first || w.opts.Recognise == nil {
		return
	}
	if p := w.opts.Recognise(h.client); p != nil || first {
		h.profile = p
		h.session.As(p)
	}
}

// Lent takes an exchange of the server's own with the authorization server. It is evidence in every handshake: what this
// server is answered there, a client would be too.
func (w *Witness) Lent(x probe.Exchange) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	// The numbers of another tap must not replace those of ours.
	x.ID = -x.ID
	const most = 16
	w.own = slices.DeleteFunc(w.own, func(y probe.Exchange) bool {
		return y.ID == x.ID || y.Request.Method == x.Request.Method && y.Request.URL == x.Request.URL
	})
	if len(w.own) >= most {
		w.own = slices.Delete(w.own, 0, 1)
	}
	w.own = append(w.own, x)
	for _, h := range w.open {
		h.session.Add(x)
	}
}
