package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/probe"
)

// version is set by the linker; go install leaves it in the build information.
var version string

// A buildInfo says which build this is.
type buildInfo struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func build() buildInfo {
	b := buildInfo{Name: "mcpwiz", Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	if b.Version == "" {
		b.Version = info.Main.Version
	}
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "devel"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.Commit = s.Value
		}
	}
	return b
}

// tool is how this program is named in reports, captures and headers.
func tool() probe.Tool {
	b := build()
	return probe.Tool{Name: b.Name, Version: b.Version}
}

func (p *program) version() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "version",
		Short: "Say which mcpwiz this is",
		Example: `  mcpwiz version
  mcpwiz version --format json`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := oneOf("format", format, "text", "json"); err != nil {
				return err
			}
			b := build()
			if format == "json" {
				return p.writeJSON(b)
			}
			_, err := fmt.Fprintf(p.out, "%s %s (%s, %s)\n", b.Name, b.Version, b.Go, b.Platform)
			return err
		},
	}
	addFormat(c, &format, "text", "json")
	return c
}

func (p *program) writeJSON(v any) error {
	e := json.NewEncoder(p.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
