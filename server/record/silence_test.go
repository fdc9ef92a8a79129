package record

import (
	"strings"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// stops are the facts of clients that stopped, in a handshake.
func (s *stand) stops(id string) []probe.Fact {
	var all []probe.Fact
	for _, e := range s.Events(id) {
		if n, ok := e.(probe.Noted); ok && n.Fact.Kind == probe.ClientStopped {
			all = append(all, n.Fact)
		}
	}
	return all
}

// silent is the catalogue's check in small: it warns of every client that stopped.
func silent(o *Options) {
	o.Checks = append(o.Checks, &probe.Check{
		ID: silence, Title: "the client comes back", Stage: probe.StageToken, Level: probe.Should, Owner: probe.OwnerUnknown, OnRequest: true,
		Needs: []probe.Evidence{probe.OfFact(probe.ClientStopped)},
		Judge: func(*probe.Trace) probe.Verdict {
			return probe.Warn("it does not").So("nothing").Mend("ask the doctor")
		},
	})
}

func TestSilenceAfterDiscoveryIsNoted(t *testing.T) {
	t.Parallel()
	s := newStand(t, silent)
	s.stranger("")
	s.pass(time.Minute)
	h := s.only()
	if stops := s.stops(h.ID); len(stops) != 0 {
		t.Fatalf("noted while it may still come: %v", stops)
	}
	s.pass(10 * time.Minute)
	h = s.only()
	stops := s.stops(h.ID)
	if len(stops) != 1 || stops[0].Data["after"] != "resource-metadata" || stops[0].Data["quiet_s"] != 660 || stops[0].Data["others"] != false {
		t.Errorf("%v", stops)
	}
	if outcome(h, silence) != probe.Warned || !strings.Contains(s.log.String(), "ask the doctor") {
		t.Errorf("not told: %s\n%s", outcome(h, silence), s.log.String())
	}
}

func TestWhoWasLetInMeanwhileIsNoted(t *testing.T) {
	t.Parallel()
	s := newStand(t, silent)
	s.stranger("192.0.2.7:1")
	s.caller("203.0.113.9:1", "alice")
	s.pass(11 * time.Minute)
	for _, h := range s.Handshakes() {
		stops := s.stops(h.ID)
		if h.Stopped == "" && len(stops) != 0 || h.Stopped != "" && (len(stops) != 1 || stops[0].Data["others"] != true) {
			t.Errorf("stopped after %q: %v", h.Stopped, stops)
		}
	}
}

func TestTheEndOfServeIsNoSilence(t *testing.T) {
	t.Parallel()
	s := newStand(t, silent)
	s.stranger("")
	h := s.only()
	s.Close()
	if stops := s.stops(h.ID); len(stops) != 0 {
		t.Errorf("%v", stops)
	}
}

func TestWhatIsAlikeIsNotedOnce(t *testing.T) {
	t.Parallel()
	s, told := differing(t, known())
	s.opens("Claude-User", "initialize", "2025-11-25")
	s.pass(20 * time.Second)
	s.opens("Claude-User", "initialize", "2025-11-25")
	s.pass(20 * time.Second)
	alike := 0
	for _, e := range s.Events(s.only().ID) {
		if n, ok := e.(probe.Noted); ok && n.Fact.Kind == probe.ClientHabit && n.Fact.Data["alike"] == "headers.mcp_user_agent, protocol.open" {
			alike++
		}
	}
	if alike != 1 || len(*told) != 0 {
		t.Errorf("noted %d times, %v", alike, *told)
	}
}
