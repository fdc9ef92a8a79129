package cloudflaretest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// An answer is what goes back, made while the lock is held and written after it.
type answer struct {
	status int
	header http.Header
	body   any
}

// A note is one of the errors and messages of an envelope.
type note struct {
	Code    int      `json:"code"`
	Message string   `json:"message"`
	Chain   []note   `json:"error_chain,omitempty"`
	Source  *pointer `json:"source,omitempty"`
}

type pointer struct {
	Pointer string `json:"pointer"`
}

// An envelope is around whatever the API answers.
type envelope struct {
	Result   any         `json:"result"`
	Success  bool        `json:"success"`
	Errors   []note      `json:"errors"`
	Messages []note      `json:"messages"`
	Info     *resultInfo `json:"result_info,omitempty"`
}

type resultInfo struct {
	Page       int `json:"page"`
	PerPage    int `json:"per_page"`
	Count      int `json:"count"`
	TotalCount int `json:"total_count"`
	TotalPages int `json:"total_pages"`
}

func found(result any) answer {
	return answer{status: http.StatusOK, body: envelope{Result: result, Success: true, Errors: []note{}, Messages: []note{}}}
}

func said(result any, code int, message string) answer {
	return answer{status: http.StatusOK, body: envelope{Result: result, Success: true, Errors: []note{}, Messages: []note{{Code: code, Message: message}}}}
}

func refused(status, code int, format string, args ...any) answer {
	return refusedAs(status, note{Code: code, Message: fmt.Sprintf(format, args...)})
}

func refusedAs(status int, notes ...note) answer {
	return answer{status: status, body: envelope{Errors: notes, Messages: []note{}}}
}

func (a answer) with(name, value string) answer {
	if a.header == nil {
		a.header = http.Header{}
	}
	a.header.Set(name, value)
	return a
}

// paged answers with one page of a list. A page size above what the endpoint gives is cut to it, as the real one does.
func paged[T any](c *call, all []T, size, most int) answer {
	q := c.r.URL.Query()
	page, per := 1, size
	if n, err := strconv.Atoi(q.Get("page")); err == nil && n > 0 {
		page = n
	}
	if n, err := strconv.Atoi(q.Get("per_page")); err == nil && n > 0 {
		per = min(n, most)
	}
	from := min((page-1)*per, len(all))
	some := append([]T{}, all[from:min(from+per, len(all))]...)
	a := found(some)
	e := a.body.(envelope)
	e.Info = &resultInfo{Page: page, PerPage: per, Count: len(some), TotalCount: len(all), TotalPages: (len(all) + per - 1) / per}
	a.body = e
	return a
}

func write(w http.ResponseWriter, a answer) {
	h := w.Header()
	for name, values := range a.header {
		h[name] = values
	}
	h.Set("Content-Type", "application/json")
	h.Set("Server", "cloudflare")
	h.Set("Cf-Ray", newRayID()+"-FRA")
	w.WriteHeader(a.status)
	if a.status == http.StatusNoContent {
		return
	}
	_, _ = w.Write(encode(a.body)) // a client that went away needs no answer
}

// encode is for values of ours, which all can be.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// at6 is a time as most of the API writes it.
func at6(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }
