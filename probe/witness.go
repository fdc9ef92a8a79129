package probe

// The kinds of facts that a witness adds to a handshake it has overheard.
const (
	// ClientHabit: a real client does as its profile says, or otherwise. Data: profile, its date, and either alike, the knobs in
	// which nothing differs, or knob, expected and seen.
	ClientHabit = "client-habit"
	// ClientStopped: nothing came any more though the tools were not listed. Data: after, the stage it had reached, quiet_s, how long
	// it was waited for, and others, whether tokens of others who call themselves so were let in meanwhile.
	ClientStopped = "client-stopped"
)
