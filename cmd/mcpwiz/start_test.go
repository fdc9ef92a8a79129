package main

import (
	"os/exec"
	"testing"
)

// BenchmarkStart is how long the binary takes to begin and end: below 50 ms, on a machine that does nothing else.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		if err := exec.Command("mcpwiz", "version").Run(); err != nil {
			b.Fatal(err)
		}
	}
}
