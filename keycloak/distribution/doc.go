// Package distribution brings up a real Keycloak of one's own, for a trial and for tests: found or fetched, started on a
// port of the kernel's choice with data of its own, and gone without a trace.
package distribution

// DefaultVersion is the newest version that the tests hold.
const DefaultVersion = "26.7.3"
