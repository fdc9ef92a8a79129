// Package report tells people and machines what was found in a handshake, and reads back what it told machines.
package report
