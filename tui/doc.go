// Package tui is what a person sees of mcpwiz on a terminal: pages that show, the keys they are led by, and the stream of
// findings they show.
package tui
