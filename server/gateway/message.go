package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	// MessageLimit is on one JSON-RPC message.
	MessageLimit = 4 << 20
	// messageTime is for one message to come in; streams have none.
	messageTime = 30 * time.Second
)

// Message reads the body of a request, once and bounded, and puts it back. A slow sender is cut; what comes after the body is
// not. Where it returns false the request is answered.
func Message(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	control := http.NewResponseController(w)
	// Where the writer cannot set deadlines the server's own limits hold.
	_ = control.SetReadDeadline(time.Now().Add(messageTime))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MessageLimit))
	_ = control.SetReadDeadline(time.Time{})
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		WriteError(w, http.StatusRequestEntityTooLarge, "invalid_request", fmt.Sprintf("the message is larger than %d bytes", large.Limit))
		return nil, false
	case err != nil:
		WriteError(w, http.StatusBadRequest, "invalid_request", "the message could not be read")
		return nil, false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, true
}

// An operation is what one JSON-RPC message asks for: a method, and of tools/call the tool.
type operation struct{ method, tool string }

// operations reads what a body asks for: one message, or a batch of them (MCP 2025-03-26). A member is taken by its exact name;
// one that is there twice, or in another letter case, may mean one thing here and another to the server behind, so that is an
// error.
func operations(body []byte) ([]operation, error) {
	var batch []json.RawMessage
	switch trimmed := bytes.TrimLeft(body, " \t\r\n"); {
	case len(trimmed) == 0:
		return nil, errors.New("the message is empty")
	case trimmed[0] == '[':
		if err := json.Unmarshal(body, &batch); err != nil {
			return nil, errors.New("the message is no JSON")
		}
	default:
		batch = []json.RawMessage{body}
	}
	all := make([]operation, 0, len(batch))
	for _, one := range batch {
		o, err := operationOf(one)
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}

func operationOf(message []byte) (o operation, err error) {
	members, err := membersOf(message, "method", "params")
	if err != nil {
		return o, fmt.Errorf("the message %w", err)
	}
	if o.method, err = stringOf(members["method"]); err != nil {
		return o, fmt.Errorf("method %w", err)
	}
	if o.method != "tools/call" {
		return o, nil
	}
	params, err := membersOf(members["params"], "name")
	if err != nil {
		return o, fmt.Errorf("params of tools/call %w", err)
	}
	if o.tool, err = stringOf(params["name"]); err != nil {
		return o, fmt.Errorf("name of tools/call %w", err)
	}
	return o, nil
}

// membersOf returns the members of an object that have one of the names.
func membersOf(object []byte, names ...string) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("is no JSON object")
	}
	members := map[string]json.RawMessage{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, errors.New("is no JSON object")
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, errors.New("is no JSON object")
		}
		for _, name := range names {
			is, _ := key.(string)
			if !strings.EqualFold(is, name) {
				continue
			}
			if _, twice := members[name]; twice || is != name {
				return nil, fmt.Errorf("has %s twice or in another letter case", name)
			}
			members[name] = value
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, errors.New("is no JSON object")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("has something behind its end")
	}
	return members, nil
}

// stringOf returns a member that is a string; one that is not there is "".
func stringOf(raw json.RawMessage) (string, error) {
	if raw == nil {
		return "", nil
	}
	var s *string
	if json.Unmarshal(raw, &s) != nil || s == nil {
		return "", errors.New("is no string")
	}
	return *s, nil
}
