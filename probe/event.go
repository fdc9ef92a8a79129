package probe

import "time"

// A Sink takes a session's events in order, one at a time. It never calls back into the session.
type Sink func(Event)

// An Event is something that happened to a handshake. Those up to Excused are a capture: fed to a new session they give
// the same findings.
type Event interface{ event() }

type (
	// Started opens a handshake; Checks tells how many checks each stage has.
	Started struct {
		Handshake string        `json:"handshake"`
		Tool      Tool          `json:"tool"`
		Target    string        `json:"target"`
		Source    Source        `json:"source"`
		Profile   *Profile      `json:"profile,omitempty"`
		Expect    []Evidence    `json:"expected"`
		At        time.Time     `json:"at"`
		Checks    map[Stage]int `json:"checks,omitempty"`
		// CapturedBy is the tool that collected the evidence, where it is read back.
		CapturedBy *Tool `json:"captured_by,omitempty"`
	}
	// StageStarted says that the client begins a stage.
	StageStarted struct {
		Handshake string `json:"handshake"`
		Stage     Stage  `json:"stage"`
	}
	// Seen brings an exchange, or a later state of one seen before (same N).
	Seen struct {
		Handshake string   `json:"handshake"`
		Exchange  Exchange `json:"exchange"`
	}
	// Noted brings a fact.
	Noted struct {
		Handshake string `json:"handshake"`
		Fact      Fact   `json:"fact"`
	}
	// Excused says that evidence is not to be expected, and why.
	Excused struct {
		Handshake string   `json:"handshake"`
		Evidence  Evidence `json:"evidence"`
		Reason    string   `json:"reason"`
	}
	// Recognised says whose behaviour this is, when an overheard client becomes known.
	Recognised struct {
		Handshake string   `json:"handshake"`
		Profile   *Profile `json:"profile"`
	}
	// Found brings a finding, or a finding told again because it changed.
	Found struct {
		Handshake string  `json:"handshake"`
		Finding   Finding `json:"finding"`
	}
	// Finished ends a handshake.
	Finished struct {
		Handshake string    `json:"handshake"`
		At        time.Time `json:"at"`
		Summary   Summary   `json:"summary"`
	}
)

func (Started) event()      {}
func (StageStarted) event() {}
func (Seen) event()         {}
func (Noted) event()        {}
func (Excused) event()      {}
func (Recognised) event()   {}
func (Found) event()        {}
func (Finished) event()     {}

// HandshakeOf returns the id of the handshake that an event is of.
func HandshakeOf(e Event) string {
	switch e := e.(type) {
	case Started:
		return e.Handshake
	case StageStarted:
		return e.Handshake
	case Seen:
		return e.Handshake
	case Noted:
		return e.Handshake
	case Excused:
		return e.Handshake
	case Recognised:
		return e.Handshake
	case Found:
		return e.Handshake
	case Finished:
		return e.Handshake
	}
	return ""
}

// A Source tells how a trace came about; judges do not ask for it.
type Source string

const (
	Provoked  Source = "provoked"
	Overheard Source = "overheard"
	Read      Source = "read"
)

// A Tool is the program that wrote a report or a capture.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}
