// Package probe holds the words in which a handshake between an MCP client and a protected MCP server is told:
// what was exchanged, what is known besides, what is required, and what was found.
package probe
