package client

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A tool is what the list says of one.
type tool struct {
	Name   string `json:"name"`
	Schema struct {
		Properties map[string]struct {
			Type string `json:"type"`
		} `json:"properties"`
		Required []string `json:"required"`
	} `json:"inputSchema"`
	Annotations struct {
		ReadOnly *bool `json:"readOnlyHint"`
	} `json:"annotations"`
}

// readOnly and effects are what a tool says of itself, if it says anything (MCP, ToolAnnotations).
func (t *tool) readOnly() bool { return t.Annotations.ReadOnly != nil && *t.Annotations.ReadOnly }
func (t *tool) effects() bool  { return t.Annotations.ReadOnly != nil && !*t.Annotations.ReadOnly }

// maxPages bounds a list whose cursor never ends.
const maxPages = 20

// listTools lists the tools.
func listTools(ctx context.Context, e *Emulator) error {
	token, err := e.bearer(ctx)
	if err != nil {
		return err
	}
	all, err := e.list(ctx, token)
	e.wallet.tools, e.wallet.listed = all, all != nil
	return err
}

// list follows the list's cursor to its end (MCP, pagination); it returns nil when no page came.
func (e *Emulator) list(ctx context.Context, token string) ([]tool, error) {
	t, err := e.speaks()
	if err != nil {
		return nil, err
	}
	var all []tool
	var params map[string]any
	seen := map[string]bool{}
	for range maxPages {
		a, err := e.call(ctx, t, token, "tools/list", params, mcpLimit)
		if err != nil {
			return all, err
		}
		if a.result == nil {
			break
		}
		if all == nil {
			all = []tool{}
		}
		all = append(all, toolsIn(a.result)...)
		cursor, _ := a.result["nextCursor"].(string)
		if cursor == "" || seen[cursor] {
			break
		}
		seen[cursor] = true
		params = map[string]any{"cursor": cursor}
	}
	return all, nil
}

// toolsIn reads the tools of a result, one by one: one that is malformed does not spoil the others.
func toolsIn(result map[string]any) []tool {
	raw, _ := result["tools"].([]any)
	var all []tool
	for _, r := range raw {
		text, err := json.Marshal(r)
		if err != nil {
			continue
		}
		var t tool
		if json.Unmarshal(text, &t) == nil && t.Name != "" {
			all = append(all, t)
		}
	}
	return all
}

// callLimit is how long a call is waited for, though some clients wait longer: who waits for a diagnosis has to know by then.
const callLimit = 60 * time.Second

// callTool calls the tool that does the least harm, once.
func callTool(ctx context.Context, e *Emulator) error {
	t, err := e.speaks()
	if err != nil {
		return err
	}
	switch {
	case !e.wallet.listed:
		return errors.New("no tools were listed")
	case len(e.wallet.tools) == 0:
		e.excuse(probe.ToolCall, "there is no tool to call")
		return nil
	}
	chosen, arguments, ok := harmless(e.wallet.tools)
	if !ok {
		e.excuse(probe.ToolCall, "no tool can be called without harm: none is marked readOnlyHint and takes no arguments")
		return nil
	}
	token, err := e.bearer(ctx)
	if err != nil {
		return err
	}
	e.wallet.called = true
	params := map[string]any{"name": chosen, "arguments": arguments}
	_, err = e.call(ctx, t, token, "tools/call", params, min(e.limit(e.opt.Profile.Limits.ToolCall, 60), callLimit))
	return err
}

// nobodysTool is a tool that no server has: calling it can do nothing.
const nobodysTool = "mcpwiz_no_such_tool"

// unknownTool calls a tool that does not exist, where there are tools and none could be called without harm: it shows whether
// calls come through at all.
func unknownTool(ctx context.Context, e *Emulator) error {
	t, err := e.speaks()
	if err != nil {
		return err
	}
	if e.wallet.called || len(e.wallet.tools) == 0 {
		return nil
	}
	params := map[string]any{"name": nobodysTool, "arguments": map[string]any{}}
	ctx = probe.WithProbe(ctx, "unknown-tool")
	_, err = e.callAs(ctx, e.aside, t, t.token, "tools/call", params, mcpLimit, e.opt.Profile.Headers.MCPUserAgent)
	return err
}

// harmless picks a tool to call: whoami, echo, or one that only reads and needs no argument.
func harmless(all []tool) (name string, arguments map[string]any, ok bool) {
	best := 0
	for _, t := range all {
		args, callable := t.arguments()
		rank := 0
		switch {
		case !callable:
		case t.effects():
		case t.Name == "whoami":
			rank = 3
		case t.Name == "echo":
			rank = 2
		case t.readOnly() && len(args) == 0:
			rank = 1
		}
		if rank > best {
			best, name, arguments = rank, t.Name, args
		}
	}
	return name, arguments, best > 0
}

// arguments returns what the tool needs to be called with: nothing, or for an echo a word.
func (t *tool) arguments() (map[string]any, bool) {
	args := map[string]any{}
	for _, name := range t.Schema.Required {
		if !strings.EqualFold(t.Name, "echo") || t.Schema.Properties[name].Type != "string" {
			return nil, false
		}
		args[name] = "mcpwiz"
	}
	return args, true
}
