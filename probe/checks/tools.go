package checks

import (
	"fmt"
	"regexp"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

var tools = []*probe.Check{
	{
		ID: "tools.schema-valid", Title: "every tool has a usable name and an input schema of type object",
		Doc: "Clients hand names and schemas to a model, and one tool that is malformed can spoil the whole list. " +
			"Names are 1 to 128 of A-Z a-z 0-9 _ - . and occur once; inputSchema is a JSON Schema (2020-12) of type object, also for a tool without arguments. " +
			"The APIs of models refuse more: oneOf, anyOf and allOf at the top, draft-4 keywords such as exclusiveMinimum: true, arguments with odd names. " +
			"Mend the tool that is named.",
		Stage: probe.StageTools, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: mcpBase + "server/tools#data-types", Needs: []probe.Evidence{probe.ToolsList}, Judge: schemaValid,
	},
	{
		ID: "tools.listed", Title: "the tools are listed",
		Doc: "tools/list is what a user sees of a connection: without it the client says \"no tools\". " +
			"An empty list looks the same as a failure to most users. " +
			"The error of the answer says what is wrong; where calls fail after a good initialize, look at sessions and at rules on the client's User-Agent.",
		Stage: probe.StageTools, Level: probe.Must, Owner: probe.OwnerOrigin, Symptom: true,
		Spec: mcpBase + "server/tools#listing-tools", Needs: []probe.Evidence{probe.ToolsList}, Judge: toolsListed,
	},
	{
		ID: "tools.pagination-ends", Title: "the pages of the tool list come to an end",
		Doc: "A list goes on while answers bear nextCursor, a string that is absent on the last page. " +
			"A cursor that comes again makes clients ask for ever; null or a number breaks strict ones. " +
			"Leave nextCursor out on the last page.",
		Stage: probe.StageTools, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: mcpBase + "server/utilities/pagination", Needs: []probe.Evidence{probe.ToolsList}, Judge: paginationEnds,
	},
	{
		ID: "tools.fast", Title: "the tools are listed within five seconds",
		Doc: "Clients list tools while a user waits, each time they connect, and several at once. " +
			"A slow list shows as a connection that fails now and then. " +
			"Keep the list in memory instead of asking a backend for it.",
		Stage: probe.StageTools, Level: probe.Should, Owner: probe.OwnerOrigin,
		Spec: "https://claude.com/docs/connectors/building/troubleshooting", Needs: []probe.Evidence{probe.ToolsList}, Judge: toolsFast,
	},
	{
		ID: "tools.step-up-possible", Title: "a call that wants more scopes says which",
		Doc: "A tool may want a scope that the login did not bring: the client then asks its user for it and calls again, which is called step-up. " +
			"It does so only for 403 with error=\"insufficient_scope\" and a scope that the token lacks; any other 403 is final, and one that names what the token has comes back for ever. " +
			"Write the challenge out: some SDKs' middleware leaves error away.",
		Stage: probe.StageTools, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: mcpAuth + "scope-challenge-handling", Needs: []probe.Evidence{probe.Authenticated},
		After: []string{"initialize.token-accepted"}, Judge: stepUpPossible,
	},
	{
		ID: "tools.call-answers", Title: "a tool call is answered",
		Doc: "A call is answered with a result; a tool that fails says so inside it with isError, which is told to the model and not to the login. " +
			"A 401 or 403 here starts a new login; a JSON-RPC error or an HTML page in between is shown as a broken tool. " +
			"Look into the server's log, and for a proxy that cuts long answers.",
		Stage: probe.StageTools, Level: probe.Must, Owner: probe.OwnerOrigin, Symptom: true,
		Spec: mcpBase + "server/tools#calling-tools", Needs: []probe.Evidence{probe.ToolCall}, Judge: callAnswers,
	},
	{
		ID: "tools.result-well-formed", Title: "a tool's result has the content that clients look for",
		Doc: "A result bears content, a list of blocks of text, image, audio or resource, also when the tool has nothing to say, and structuredContent where the tool promises an output schema. " +
			"Clients read it with the SDKs' schemas, and one that does not fit them is an error to them though the tool has done its work. " +
			"Answer {\"content\":[]} at least; captures keep how a result is made, and nothing of what it says.",
		Stage: probe.StageTools, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: mcpBase + "server/tools#tool-result", Needs: []probe.Evidence{probe.ToolCall},
		After: []string{"tools.call-answers"}, Judge: resultWellFormed,
	},
	{
		ID: "tools.unknown-answered", Title: "a call of a tool that does not exist is answered",
		Doc: "No tool is called here that may have effects: where none is marked readOnlyHint and takes no arguments, a name is called that no server has. " +
			"The server answers with a JSON-RPC error (-32602) or with isError, which a model can read and put right. " +
			"An error of HTTP, a page or silence in its place mostly means that calls do not come through at all: look into the server's log, and mark tools that only read with readOnlyHint.",
		Stage: probe.StageTools, Level: probe.Must, Owner: probe.OwnerOrigin,
		Spec: mcpBase + "server/tools#error-handling", Needs: []probe.Evidence{probe.ToolsList, probe.Connection},
		After: []string{"tools.listed"}, Judge: unknownAnswered,
	},
}

// listing returns the pages of the last listing that was answered, else the last try.
func listing(t *probe.Trace) *probe.Exchange {
	return latest(t, probe.ToolsList, func(x *probe.Exchange) bool { return result(x) != nil })
}

func toolsListed(t *probe.Trace) probe.Verdict {
	x := listing(t)
	all, ok := result(x)["tools"].([]any)
	switch {
	case mislabelled(x):
		return probe.Fail("tools/list: %d, and the body %s", x.Status(), x.Answer().Problem).On(x).Who(served(t, x)).
			So("%s cannot read the list and shows a connection without tools", clientName(t)).
			Mend("label answers application/json or text/event-stream as they are, write them with a JSON encoder, and let no proxy rewrite them")
	case ok && len(all) == 0:
		return probe.Warn("the list is empty").On(x).So("%s shows a connection without tools", clientName(t)).
			Mend("register tools, or look for a filter by role or scope that leaves none for this user")
	case ok:
		return probe.Pass("%d tools", len(all)).On(x)
	case x.Open && x.Answer().Type == "text/event-stream":
		return probe.Unknown("tools/list: the stream has brought no answer yet").On(x)
	case tooLong(x):
		return probe.Unknown("tools/list: %s", beginning(x)).On(x)
	}
	return byItself(x, notListed(t, x))
}

// tooLong reports whether an answer is there and was not kept as far as its result. One that says no length and does not end
// within what is read may have no end.
func tooLong(x *probe.Exchange) bool {
	body := x.Answer()
	ends := body.Size < readLimit || x.Header("Content-Length") != ""
	return succeeded(x) && x.Error == nil && body.Truncated && ends && result(x) == nil && rpcError(x) == ""
}

func beginning(x *probe.Exchange) string {
	return fmt.Sprintf("%d with %d bytes, of which only the beginning was kept", x.Status(), x.Answer().Size)
}

// mislabelled reports whether a client reads an answer in another way than it is written, or cannot read it at all.
func mislabelled(x *probe.Exchange) bool {
	b := x.Answer()
	return strict(b.Problem) || b.Type == "text/event-stream" && b.Problem != "" && len(b.Events) == 0
}

func notListed(t *probe.Trace, x *probe.Exchange) probe.Verdict {
	v := probe.Fail("tools/list: %s", inFull(x)).On(x).Who(served(t, x)).So("%s shows a connection without tools", clientName(t))
	switch {
	case result(x) != nil:
		return v.Mend("answer with a result that has an array tools; it is %s", value(result(x)["tools"]))
	case x.Status() == 401 || x.Status() == 403:
		return v.Mend("let the token that opened the protocol list the tools too")
	case unknownMethod(x):
		return v.Mend("answer tools/list, or leave tools out of the capabilities: a server without tools says so there")
	case x.Answer().Message()["result"] != nil:
		return v.Mend("answer with a result that is an object with an array tools")
	case x.Status() == 400 || x.Status() == 404:
		return v.Because(sessionless(t, x)).Mend("look at sessions: kept in the memory of one replica, they are unknown to the others; be stateless or route by session")
	}
	return v.Mend("look into the MCP server's log for this request")
}

// sessionless names the check that tells why a server misses a session, "" where it does not say so.
func sessionless(t *probe.Trace, x *probe.Exchange) string {
	if lostHeader(t, x).name == sessionHeader {
		return "edge.headers-kept"
	}
	return ""
}

// toolName: MCP 2025-11-25, tool names.
var toolName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,128}$`)

func schemaValid(t *probe.Trace) probe.Verdict {
	x := listing(t)
	all, ok := result(x)["tools"].([]any)
	if !ok || len(all) == 0 {
		return probe.Unknown("no tools were listed: %s", replied(x)).On(x)
	}
	seen, worst := map[string]bool{}, probe.Pass("%d tools", len(all)).On(x)
	for i, raw := range all {
		tool, _ := raw.(map[string]any)
		name := text(tool["name"])
		v := func(judged func(string, ...any) probe.Verdict, format string, args ...any) probe.Verdict {
			return judged(format, args...).On(x).So("%s leaves the tool out, or refuses the whole list", clientName(t)).
				Mend("give every tool a name of its own of 1 to 128 letters, digits, _, - and . and an inputSchema {\"type\":\"object\"}")
		}
		switch {
		case name == "":
			return v(probe.Fail, "tool %d has the name %s", i+1, value(tool["name"]))
		case seen[name]:
			return v(probe.Fail, "two tools are called %s", quoted(name))
		case !toolName.MatchString(name):
			worst = v(probe.Warn, "the name %s has characters that clients do not take", quoted(name))
		}
		if bad := schemasOf(t, x, tool); bad.Outcome == probe.Failed {
			return bad
		} else if bad.Outcome == probe.Warned {
			worst = bad
		}
		seen[name] = true
	}
	return worst
}

// schemasOf judges what a tool says of its arguments and its results; a zero verdict says that nothing is wrong.
func schemasOf(t *probe.Trace, x *probe.Exchange, tool map[string]any) probe.Verdict {
	name := quoted(text(tool["name"]))
	v := func(judged func(string, ...any) probe.Verdict, format string, args ...any) probe.Verdict {
		return judged(format, args...).On(x).So("%s leaves the tool out, or refuses the whole list", clientName(t)).
			Mend("give %s schemas that JSON Schema 2020-12 takes, {\"type\":\"object\"} at the top", name)
	}
	for _, member := range []string{"inputSchema", "outputSchema"} {
		raw, there := tool[member]
		schema, _ := raw.(map[string]any)
		switch {
		case !there && member == "outputSchema":
			continue
		case text(schema["type"]) != "object":
			return v(probe.Fail, "%s of %s is %s", member, name, value(raw))
		}
		if f := malformed(schema); f != nil {
			return v(probe.Fail, "%s of %s: %s", member, name, f)
		}
		if f := unloved(schema); f != nil && member == "inputSchema" {
			return v(probe.Warn, "%s of %s: %s", member, name, f).So("the API of the model behind some clients refuses the request that bears this tool").
				Mend("write %s of %s as one plain object with properties, named with letters, digits, _, - and .", member, name)
		}
	}
	return probe.Verdict{}
}

// manyPages is as many as a client of which nothing is known follows.
const manyPages = 20

func paginationEnds(t *probe.Trace) probe.Verdict {
	all := t.Of(probe.ToolsList)
	cursors, tools, pages := map[string]bool{}, map[string]bool{}, 0
	v := func(judged func(string, ...any) probe.Verdict, x *probe.Exchange, format string, args ...any) probe.Verdict {
		return judged(format, args...).On(x).So("clients that follow the cursor ask for ever, or refuse the list").Mend("leave nextCursor out on the last page, and never hand out a cursor twice in one listing")
	}
	for _, x := range all {
		if !hasCursor(x) {
			cursors, tools, pages = map[string]bool{}, map[string]bool{}, 0
		}
		pages++
		next, there := result(x)["nextCursor"]
		cursor, isString := next.(string)
		switch {
		case there && (!isString || cursor == ""):
			return v(probe.Fail, x, "nextCursor is %s", value(next))
		case there && cursors[cursor]:
			return v(probe.Fail, x, "the cursor %s comes again", cursor)
		case there && pages > 1 && !adds(tools, x):
			return v(probe.Fail, x, "page %d brings no tool that was not there before, and a cursor to one more", pages)
		case there && pages >= manyPages:
			return v(probe.Warn, x, "page %d is not the last", pages).So("clients that stop after some pages show the first tools only").
				Mend("put more tools on a page, or offer fewer: a model has no use for so many")
		}
		adds(tools, x)
		cursors[cursor] = there
	}
	last := all[len(all)-1]
	if _, more := result(last)["nextCursor"]; more {
		return probe.Unknown("%s stopped before the last page", clientName(t)).On(last)
	}
	if result(last) == nil {
		return probe.Unknown("no tools were listed: %s", replied(last)).On(last)
	}
	return probe.Pass("the last page has no nextCursor").On(last)
}

// adds puts the names of a page to those before, and reports whether there is a new one.
func adds(known map[string]bool, x *probe.Exchange) bool {
	all, _ := result(x)["tools"].([]any)
	news := false
	for _, raw := range all {
		tool, _ := raw.(map[string]any)
		if name := text(tool["name"]); !known[name] {
			known[name], news = true, true
		}
	}
	return news
}

func hasCursor(x *probe.Exchange) bool {
	params, _ := x.Request.Body.Object()["params"].(map[string]any)
	return params["cursor"] != nil
}

const slow = 5 * time.Second

func toolsFast(t *probe.Trace) probe.Verdict {
	x := listing(t)
	took := time.Duration(x.Timing.Total * float64(time.Millisecond))
	switch {
	case took == 0 || x.Open:
		return probe.Unknown("nothing tells how long the list took").On(x)
	case took > slow:
		return probe.Fail("the list took %s", took.Round(100*time.Millisecond)).On(x).So("%s may give up while it connects", clientName(t)).
			Mend("keep the list in memory; tools change seldom")
	}
	return probe.Pass("%s", took.Round(time.Millisecond)).On(x)
}

func callAnswers(t *probe.Trace) probe.Verdict {
	x := latest(t, probe.ToolCall, func(x *probe.Exchange) bool { return result(x) != nil })
	params, _ := x.Request.Body.Object()["params"].(map[string]any)
	name := quoted(text(params["name"]))
	switch failed, _ := result(x)["isError"].(bool); {
	case mislabelled(x):
		return probe.Fail("tools/call %s: %d, and the body %s", name, x.Status(), x.Answer().Problem).On(x).Who(served(t, x)).
			So("the tool does not work for %s", clientName(t)).
			Mend("label answers application/json or text/event-stream as they are, and write them with a JSON encoder")
	case failed:
		return probe.Warn("%s answered with isError", name).On(x).So("the model is told that the tool failed").
			Mend("call the tool by hand with the same arguments; isError is the tool's own word, the connection is good")
	case result(x) != nil:
		return probe.Pass("%s is answered", name).On(x)
	case x.Open && x.Answer().Type == "text/event-stream":
		return probe.Unknown("%s: the stream has brought no answer yet", name).On(x)
	case tooLong(x):
		return probe.Unknown("%s: %s", name, beginning(x)).On(x)
	}
	if wantsScope(x) {
		return probe.Unknown("%s wants scope %s, for which %s asks its user: that was not tried", name, quoted(x.Challenge().Scope), clientName(t)).On(x)
	}
	return byItself(x, notCalled(t, x, name))
}

func notCalled(t *probe.Trace, x *probe.Exchange, name string) probe.Verdict {
	v := probe.Fail("tools/call %s: %s", name, inFull(x)).On(x).Who(served(t, x)).So("the tool does not work for %s", clientName(t))
	switch {
	case x.Status() == 401 || x.Status() == 403:
		return v.Mend("let the token that opened the protocol call tools too, or answer 403 with error=\"insufficient_scope\" and the scope that is wanted")
	case x.Status() == 524 || x.Status() == 504:
		return v.Mend("begin the answer within 100 seconds: send a stream's headers at once and a comment line every 15 s")
	}
	return v.Mend("look into the MCP server's log for this call")
}
