package record

import (
	"net/http"
	"slices"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// beside is how far from a good token of the same client another must come to be taken for one that was only tried.
const beside = time.Minute

// An admission is who was let in with a token, where, and from when to when.
type admission struct {
	bearer
	from, to time.Time
}

// A bearer is what tells of a token that was borne without saying what it is.
type bearer struct {
	place, agent string
	// grantee is whose token it is and for which client, kid the key that it names.
	grantee, kid string
	jwt          bool
}

// An attempt is a token that was refused with 401.
type attempt struct {
	bearer
	token string
	at    time.Time
	// unsigned: nobody's signature is on it; invalid: it does not verify; foreign: it is for somebody else.
	unsigned, invalid, foreign bool
}

const (
	admissionsMost = 256
	attemptsMost   = 8
)

func bearerOf(x probe.Exchange, t probe.Token) bearer {
	b := bearer{place: place(x.Remote), agent: x.Request.Header.Get("User-Agent"), kid: t.Kid, jwt: t.JWT}
	if sub, azp := t.Claim("sub"), t.Claim("azp"); sub != "" && azp != "" {
		b.grantee = fingerprint(sub) + " " + azp
	}
	return b
}

// try takes in whether the token of an exchange was let in.
func (w *Witness) try(h *handshake, x probe.Exchange, now time.Time) {
	t, bears := x.Token("request.authorization")
	switch {
	case !bears || x.Response == nil:
	case x.Status() == http.StatusUnauthorized:
		h.refused++
		h.attempts = append(h.attempts, attempt{
			bearer: bearerOf(x, t), token: t.Fingerprint, at: now, unsigned: t.JWT && (t.Alg == "" || t.Alg == "none"),
			invalid: slices.ContainsFunc(x.Notes, func(f probe.Fact) bool { return f.Kind == "token-signature" && f.Data["valid"] == false }),
			foreign: t.JWT && !slices.Contains(t.Audience(), w.opts.Target),
		})
		h.attempts = h.attempts[max(0, len(h.attempts)-attemptsMost):]
	default:
		h.admitted = true
		if !refused(x) {
			w.admit(bearerOf(x, t), now)
		}
	}
}

func (w *Witness) admit(b bearer, now time.Time) {
	w.admitted = slices.DeleteFunc(w.admitted, func(a admission) bool { return now.Sub(a.to) > quiet })
	for i := range w.admitted {
		if w.admitted[i].bearer == b {
			w.admitted[i].to = now
			return
		}
	}
	if len(w.admitted) >= admissionsMost {
		w.admitted = slices.Delete(w.admitted, 0, 1)
	}
	w.admitted = append(w.admitted, admission{b, now, now})
}

// stray reports whether a handshake is nothing but tokens that were tried beside good ones, as a doctor and an attacker do and no
// client does: each was refused, as is right. A client that has no good token of its own is none.
func (w *Witness) stray(h *handshake) bool {
	if h.admitted || len(h.attempts) == 0 {
		return false
	}
	for _, t := range h.attempts {
		if !slices.ContainsFunc(w.admitted, t.strays) {
			return false
		}
	}
	return true
}

// strays reports whether the good token of somebody shows that another was only tried: what bears no signature, or not the one of a
// key that signed good ones, what is no JWT where good ones are, and another resource's while its owner has a good one and goes on.
func (t attempt) strays(a admission) bool {
	if a.place != t.place || a.agent != t.agent || t.at.Before(a.from.Add(-beside)) || t.at.After(a.to.Add(beside)) {
		return false
	}
	switch {
	case !t.jwt:
		return a.jwt
	case t.unsigned:
		return true
	case t.invalid:
		return t.kid != "" && t.kid == a.kid
	}
	return t.foreign && t.grantee != "" && t.grantee == a.grantee && !a.to.Before(t.at)
}

// fold logs once for a place what was tried there: it was refused, so there is nothing to do.
func (w *Witness) fold(h *handshake, now time.Time) {
	if !w.news("stray "+h.place, now) {
		return
	}
	n := h.refused
	for _, other := range w.open {
		if other != h && other.place == h.place && w.stray(other) {
			n += other.refused
		}
	}
	w.opts.Logger.Info("somebody tried tokens that are not for this server, beside good ones: they were refused, as is right", "refused", n, "client", h.name())
}
