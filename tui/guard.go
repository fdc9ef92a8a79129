package tui

import (
	"fmt"
	"runtime/debug"
)

// Broken is a panic in a goroutine of a page: the program ends with it as its error, after the terminal is given back.
type Broken struct {
	Value any
	Stack []byte
}

func (b *Broken) Error() string {
	return fmt.Sprintf("this is a mistake in mcpwiz itself: %v", b.Value)
}

// Guard makes a panic an error. bubbletea catches those in Update and in Cmds only: one in a goroutine of our own would
// leave the terminal raw.
func Guard(do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &Broken{v, debug.Stack()}
		}
	}()
	return do()
}
