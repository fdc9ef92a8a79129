package profiles

import (
	"cmp"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// Recognise finds the profile of a client that was overheard, by its User-Agent and by its name: clientInfo, or the
// client_name it registered. Of several signs the one that says most of the name decides, then of the User-Agent. It
// returns nil for a stranger.
func Recognise(userAgent, clientName string) *probe.Profile {
	return recognise(known(), userAgent, clientName)
}

func recognise(among []*probe.Profile, userAgent, clientName string) *probe.Profile {
	var best *probe.Profile
	var most probe.Sign
	for _, p := range among {
		for _, s := range p.Recognise {
			if shows(s, userAgent, clientName) && (best == nil || telling(s, most) > 0) {
				best, most = p, s
			}
		}
	}
	return best
}

func shows(s probe.Sign, userAgent, clientName string) bool {
	return strings.HasPrefix(userAgent, s.UserAgent) && (s.Name == "" || clientName != "" && like(clientName, s.Name))
}

// telling compares how much two signs say.
func telling(a, b probe.Sign) int {
	letters := func(s probe.Sign) int { return len(strings.ReplaceAll(s.Name, "*", "")) }
	return cmp.Or(cmp.Compare(letters(a), letters(b)), cmp.Compare(len(a.Name), len(b.Name)), cmp.Compare(len(a.UserAgent), len(b.UserAgent)))
}

// like reports whether a name is like a pattern in which * stands for any characters.
func like(name, pattern string) bool {
	first, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return name == pattern
	}
	name, ok := strings.CutPrefix(name, first)
	if !ok {
		return false
	}
	for {
		part, more, wild := strings.Cut(rest, "*")
		if !wild {
			return strings.HasSuffix(name, part)
		}
		at := strings.Index(name, part)
		if at < 0 {
			return false
		}
		name, rest = name[at+len(part):], more
	}
}
