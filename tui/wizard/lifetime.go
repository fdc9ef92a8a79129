package wizard

import (
	"fmt"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// signsInAgain says when a client brings its user back to the login page.
func (w *Walk) signsInAgain(p *probe.Profile) string {
	var l Lifetimes
	if w.o.Desk.Lifetimes != nil {
		l = w.o.Desk.Lifetimes(w.draft.answers().Connection.Keycloak)
	}
	idle, most := l.Idle, l.Max
	if p.Authorize.OfflineAccess {
		idle, most = l.OfflineIdle, l.OfflineMax
	}
	switch name := short(p); {
	case idle == 0 && most == 0:
		return "how long " + name + " stays signed in is as the realm has it"
	case most == 0:
		return fmt.Sprintf("%s asks to sign in again after %s without use", name, inWords(idle))
	case idle == 0 || idle >= most:
		return fmt.Sprintf("%s asks to sign in again every %s", name, inWords(most))
	default:
		return fmt.Sprintf("%s asks to sign in again after %s without use, %s at most", name, inWords(idle), inWords(most))
	}
}

// inWords tells a duration in the largest unit that it is a whole number of.
func inWords(d time.Duration) string {
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if d >= unit.size && d%unit.size == 0 {
			n := int(d / unit.size)
			if n == 1 {
				return "1 " + unit.name
			}
			return fmt.Sprintf("%d %ss", n, unit.name)
		}
	}
	return d.String()
}
