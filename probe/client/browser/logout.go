package browser

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

const endTimeout = 15 * time.Second

// End ends the sessions that logins made, as a user would at the end_session_endpoint. Offline sessions live on: whoever
// holds their refresh tokens revokes them.
func (h *Headless) End(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	ctx, cancel := context.WithTimeout(probe.WithProbe(ctx, CleanUp), endTimeout)
	defer cancel()
	for len(h.sessions) > 0 {
		r := h.sessions[0]
		if err := h.logout(ctx, r); err != nil {
			return fmt.Errorf("end the session of %s at %s: %w", h.User, r.Issuer, err)
		}
		h.sessions = h.sessions[1:]
	}
	if h.jar == nil {
		return nil
	}
	return h.newJar(true)
}

func (h *Headless) logout(ctx context.Context, r Request) error {
	to, err := url.Parse(r.EndSession)
	if err != nil || to.Host == "" {
		return fmt.Errorf("there is no end_session_endpoint: it ends by itself when it is idle")
	}
	w, err := newWalk(h, r)
	if err != nil {
		return err
	}
	w.homes = append(w.homes, home(to))
	next := step{to: to}
	for range maxSteps {
		p, to, err := w.visit(ctx, next)
		switch {
		case err != nil:
			return err
		case to != nil && !w.athome(to):
			return nil // a login page, or where the realm sends those who have left
		case to != nil:
			next = step{to: to, from: p}
		case p.status >= http.StatusBadRequest || p.id == errorPage:
			return w.refusal(p)
		case p.form("", "confirmLogout") == nil:
			return nil
		default:
			if next, err = w.submit(p, p.form("", "confirmLogout"), nil, "confirmLogout"); err != nil {
				return err
			}
		}
	}
	return &Error{Why: Endless, Host: to.Host, what: "the pages to log out do not end"}
}
