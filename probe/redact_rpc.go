package probe

import (
	"encoding/json"
	"strings"
)

// The shapes of MCP's JSON-RPC messages: kept are the envelope and what both sides say of themselves.
var (
	message = &shape{rest: concealed, members: map[string]rule{
		"jsonrpc": label, "method": label, "id": label, "params": params.of, "result": result.of, "error": problem.of,
	}}
	params = &shape{rest: concealed, members: with(map[string]rule{
		"arguments": dropped, "_meta": ownMeta, "name": label,
	}, whole, "protocolVersion clientInfo capabilities")}
	result = &shape{rest: concealed, members: with(map[string]rule{
		"content": blocks, "structuredContent": outline, "contents": dropped, "messages": dropped,
		"_meta": ownMeta, "tools": tool.of,
	}, whole, "protocolVersion supportedVersions serverInfo capabilities isError ttlMs cacheScope resultType")}
	tool    = &shape{rest: dropped, members: rules(whole, "name title description inputSchema outputSchema annotations execution")}
	problem = &shape{rest: concealed, members: map[string]rule{"code": label, "message": phrase, "data": versions.of}}
	// versions is the data of an unsupported protocol version.
	versions = &shape{rest: concealed, members: rules(whole, "supported requested supportedVersions")}
)

// ownMeta keeps of _meta what the protocol itself puts there; clients add ids of their own.
func ownMeta(r *redactor, v any) (any, bool) {
	o, ok := v.(map[string]any)
	if !ok {
		return concealed(r, v)
	}
	return r.members(o, func(name string, _ any) rule {
		if strings.HasPrefix(name, "io.modelcontextprotocol/") {
			return whole
		}
		return concealed
	}), true
}

// label keeps a name or a number: a method, a tool, an id.
func label(r *redactor, v any) (any, bool) {
	switch v := v.(type) {
	case string:
		if len(v) <= 256 {
			return r.keptText(v), true
		}
	case json.Number, nil:
		return v, true
	}
	return concealed(r, v)
}
