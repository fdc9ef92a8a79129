package probe

// A Stage is a part of the handshake; findings are grouped by it.
type Stage string

// The stages in the order in which a client meets them.
const (
	StageNetwork          Stage = "network"
	StageEdge             Stage = "edge"
	StageChallenge        Stage = "challenge"
	StageResourceMetadata Stage = "resource-metadata"
	StageServerMetadata   Stage = "server-metadata"
	StageRegistration     Stage = "registration"
	StageAuthorization    Stage = "authorization"
	StageToken            Stage = "token"
	StageInitialize       Stage = "initialize"
	StageTools            Stage = "tools"
	StageSession          Stage = "session"
)

// Stages lists all stages in order.
var Stages = []Stage{
	StageNetwork, StageEdge, StageChallenge, StageResourceMetadata, StageServerMetadata, StageRegistration,
	StageAuthorization, StageToken, StageInitialize, StageTools, StageSession,
}

// A Level says how binding a requirement is: a missed Must fails, a missed Should warns (RFC 2119).
type Level string

const (
	Must   Level = "must"
	Should Level = "should"
)

// An Owner is who must act to put a finding right.
type Owner string

const (
	OwnerClient              Owner = "client"
	OwnerEdge                Owner = "edge"
	OwnerOrigin              Owner = "origin"
	OwnerAuthorizationServer Owner = "authorization-server"
	OwnerNetwork             Owner = "network"
	OwnerUnknown             Owner = "unknown"
)

// An Outcome is what a judgement came to.
type Outcome string

const (
	Passed  Outcome = "pass"
	Warned  Outcome = "warn"
	Failed  Outcome = "fail"
	Skipped Outcome = "skip"
	Unclear Outcome = "unknown"
)
