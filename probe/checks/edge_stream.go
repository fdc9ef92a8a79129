package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// eventStreams returns the streams of events at the endpoint, those of GET and of POST.
func eventStreams(t *probe.Trace) []*probe.Exchange {
	return slices.DeleteFunc(atEndpoint(t), func(x *probe.Exchange) bool {
		return x.Status() != 200 || x.Answer().Type != "text/event-stream"
	})
}

func streamsWhole(t *probe.Trace) probe.Verdict {
	all := eventStreams(t)
	if len(all) == 0 {
		return probe.Skip("no stream of events was seen")
	}
	for _, x := range all {
		v := func(format string, args ...any) probe.Verdict {
			return probe.Fail("%s %s: %s", x.Request.Method, bare(x), fmt.Sprintf(format, args...)).On(x)
		}
		coding := strings.ToLower(x.Header("Content-Encoding"))
		switch {
		case coding != "" && coding != "identity" && x.Request.Header.Get("Accept-Encoding") == "":
			return v("the stream is compressed (Content-Encoding: %s), though nobody asked for it", clipped(coding, 40)).
				So("what compresses waits for more to come: events arrive late, and a client that reads no %s reads nothing", clipped(coding, 40)).
				Mend("leave text/event-stream uncompressed in what stands in front of the server, or send Cache-Control: no-transform")
		case cutOff(x):
			return v("the stream breaks off after %s, %s after the last it brought (%s)", afterMS(x.Timing.Total), afterMS(x.Timing.Total-lastHeard(x)), x.Error.Kind).
				So("%s loses what the server had still to say", clientName(t)).
				Mend("send a comment line (: keep-alive) at once and every 15 s, and raise the idle timeout of what stands in between (nginx: proxy_read_timeout; Cloudflare cuts after 100 s of silence)")
		}
	}
	return probe.Pass("%s", strings.Join(paces(all), "; ")).On(all...)
}

// cutOff: the stream was ended by an error that is not our own going.
func cutOff(x *probe.Exchange) bool {
	return x.Error != nil && slices.Contains([]string{"eof", "reset", "protocol"}, x.Error.Kind)
}

// lastHeard is when the last of a stream came, in milliseconds from its start.
func lastHeard(x *probe.Exchange) float64 {
	if events := x.Answer().Events; len(events) > 0 {
		return events[len(events)-1].At
	}
	return x.Timing.FirstByte
}

// paces tells of GET and of POST apart how soon the slowest stream began.
func paces(all []*probe.Exchange) []string {
	var told []string
	for _, method := range []string{"GET", "POST"} {
		var headers, event float64
		n := 0
		for _, x := range all {
			if x.Request.Method != method {
				continue
			}
			n++
			headers = max(headers, x.Timing.FirstByte)
			if events := x.Answer().Events; len(events) > 0 {
				event = max(event, events[0].At)
			}
		}
		if n == 0 {
			continue
		}
		pace := fmt.Sprintf("%s: %d, headers within %s", method, n, afterMS(headers))
		if event > 0 {
			pace += fmt.Sprintf(", first event within %s", afterMS(event))
		}
		told = append(told, pace)
	}
	return told
}
