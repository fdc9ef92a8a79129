package probe

import "encoding/json"

// What a tool answers is nobody's business but its user's: kept is how it is made, for a check to hold to the schema that clients
// have, and no value.

// maxBlocks is how many blocks of a result are told of.
const maxBlocks = 64

// blockMembers are the members of a content block that are told to be there (MCP, ContentBlock).
var blockMembers = []string{"text", "data", "mimeType", "uri", "name", "blob", "resource"}

// blocks keeps of a list of content blocks their types, and which members they have.
func blocks(r *redactor, v any) (any, bool) {
	kept := jsonType(v)
	if all, ok := v.([]any); ok {
		list := make([]any, 0, min(len(all), maxBlocks))
		for _, b := range all[:min(len(all), maxBlocks)] {
			list = append(list, block(b))
		}
		kept = list
	}
	dropped(r, v)
	r.concealed++
	return kept, true
}

func block(v any) any {
	o, ok := v.(map[string]any)
	if !ok {
		return jsonType(v)
	}
	kept := map[string]any{}
	if typ, there := o["type"]; there {
		kept["type"] = jsonType(typ)
		if s, ok := typ.(string); ok && wordlike(s) {
			kept["type"] = s
		}
	}
	for _, name := range blockMembers {
		switch member, there := o[name]; {
		case !there:
		case name == "resource":
			kept[name] = block(member)
		default:
			kept[name] = jsonType(member)
		}
	}
	return kept
}

// outline keeps what a value is.
func outline(r *redactor, v any) (any, bool) {
	kept := jsonType(v)
	dropped(r, v)
	r.concealed++
	return kept, true
}

// jsonType names the type of a JSON value as it stands in the value's place: "[string]"; null stays.
func jsonType(v any) any {
	switch v.(type) {
	case string:
		return "[string]"
	case json.Number:
		return "[number]"
	case bool:
		return "[boolean]"
	case []any:
		return "[array]"
	case map[string]any:
		return "[object]"
	}
	return nil
}
