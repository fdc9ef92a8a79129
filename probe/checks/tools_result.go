package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// blockNeeds are the members of each type of content block (MCP, ContentBlock); a resource has them of its own.
var blockNeeds = map[string][]string{
	"text": {"text"}, "image": {"data", "mimeType"}, "audio": {"data", "mimeType"}, "resource_link": {"uri", "name"}, "resource": {"resource"},
}

// isText is what a capture has in the place of a text that it does not keep.
const isText = "[string]"

func resultWellFormed(t *probe.Trace) probe.Verdict {
	x := latest(t, probe.ToolCall, func(x *probe.Exchange) bool { return result(x) != nil })
	params, _ := x.Request.Body.Object()["params"].(map[string]any)
	name, r := text(params["name"]), result(x)
	v := func(format string, args ...any) probe.Verdict {
		return probe.Fail("%s: "+format, append([]any{quoted(name)}, args...)...).On(x).Who(served(t, x)).
			So("clients that hold results to the SDKs' schemas drop it: the model is told that the call failed").
			Mend(`answer tools/call with a result whose content is a list of blocks, {"type":"text","text":"..."}, and an empty list where there is nothing to say`)
	}
	content, isList := r["content"].([]any)
	_, there := r["content"]
	switch {
	case r == nil:
		return probe.Unknown("%s", replied(x)).On(x)
	case r["task"] != nil || text(r["resultType"]) != "" && text(r["resultType"]) != "complete":
		return probe.Skip("%s is answered with a result that is still to come", quoted(name))
	case !there:
		return v("the result has no content")
	case !isList:
		return v("content of the result is %s, not a list of blocks", kept(r["content"]))
	}
	for i, b := range content {
		if wrong := misshapenBlock(b); wrong != "" {
			return v("block %d of %d in content %s", i+1, len(content), wrong)
		}
	}
	failed, _ := r["isError"].(bool)
	if schema := outputSchema(t, name); schema && !failed && r["structuredContent"] == nil {
		return v("the tool has an outputSchema, and the result no structuredContent").
			Mend("answer with structuredContent as outputSchema has it, or take outputSchema off the tool %s", quoted(name))
	}
	return probe.Pass("%s: content of %d blocks", quoted(name), len(content)).On(x)
}

// misshapenBlock tells what is wrong with a content block, "" for nothing.
func misshapenBlock(b any) string {
	o, ok := b.(map[string]any)
	needs, known := blockNeeds[text(o["type"])]
	switch {
	case !ok:
		return "is " + kept(b) + ", not an object"
	case !known:
		return "is of type " + orMissing(o["type"]) + ", which is none of text, image, audio, resource and resource_link"
	}
	for _, member := range needs {
		if _, object := o[member].(map[string]any); member == "resource" && !object || member != "resource" && o[member] != isText {
			return fmt.Sprintf("is of type %s, and %s is %s", text(o["type"]), member, kept(o[member]))
		}
	}
	resource, _ := o["resource"].(map[string]any)
	if text(o["type"]) == "resource" && (resource["uri"] != isText || resource["text"] != isText && resource["blob"] != isText) {
		return "is a resource without uri, or without text and blob"
	}
	return ""
}

// kept names what a capture says of a value that it does not keep: "a string" for "[string]".
func kept(v any) string {
	kind := strings.Trim(text(v), "[]")
	switch {
	case kind == "":
		return orMissing(v)
	case strings.ContainsAny(kind[:1], "ao"):
		return "an " + kind
	}
	return "a " + kind
}

// outputSchema reports whether a tool is listed with one.
func outputSchema(t *probe.Trace, name string) bool {
	for _, x := range t.Of(probe.ToolsList) {
		all, _ := result(x)["tools"].([]any)
		if slices.ContainsFunc(all, func(raw any) bool {
			tool, _ := raw.(map[string]any)
			return text(tool["name"]) == name && tool["outputSchema"] != nil
		}) {
			return true
		}
	}
	return false
}

// unknownAnswered: an answer of JSON-RPC shows that calls come through, whatever it says. An error of the server, a page or
// nothing at all in its place stands in the way of every call.
func unknownAnswered(t *probe.Trace) probe.Verdict {
	all := slices.DeleteFunc(slices.Clone(t.Of(probe.Connection)), func(x *probe.Exchange) bool { return x.Probe != "unknown-tool" })
	if len(all) == 0 {
		return probe.Skip("not asked: it is where a server has tools and none that can be called without harm")
	}
	x := all[len(all)-1]
	v := func(judged func(string, ...any) probe.Verdict, said string) probe.Verdict {
		return judged("tools/call of a tool that does not exist: %s", said).On(x).Who(served(t, x)).
			So("what %s calls mostly fails in the same way; that was not tried, as no tool says that it only reads", clientName(t)).
			Mend("answer tools/call with JSON-RPC, error -32602 for a name that is not known; the server's log has the reason")
	}
	switch status := x.Status(); {
	case x.Response == nil && x.Error != nil && x.Error.Kind == "timeout":
		return v(probe.Warn, "nothing came within "+waited(x)).Mend("look into the server's log for the call: it must be answered before anything is done")
	case brokenOff(x) || status == 401 || status == 403 || status == 429:
		return probe.Unknown("tools/call of a tool that does not exist: %s", inFull(x)).On(x)
	case rpcError(x) != "" && status >= 500:
		return v(probe.Warn, replied(x)).So("clients take an error of HTTP for a broken connection, and the model does not learn what was wrong")
	case rpcError(x) != "" || result(x) != nil:
		return probe.Pass("%s", replied(x)).On(x)
	case status >= 400 && status < 500 && x.Answer().Page == nil:
		return byItself(x, v(probe.Warn, inFull(x)))
	}
	return byItself(x, v(probe.Fail, inFull(x)))
}
