// Package client behaves towards a protected MCP server as a client does: each step as its profile says, every request
// through a tap, and at the end everything it made is ended.
package client
