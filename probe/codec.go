package probe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
)

var eventTypes = map[string]reflect.Type{
	"started":       reflect.TypeFor[Started](),
	"stage-started": reflect.TypeFor[StageStarted](),
	"seen":          reflect.TypeFor[Seen](),
	"noted":         reflect.TypeFor[Noted](),
	"excused":       reflect.TypeFor[Excused](),
	"recognised":    reflect.TypeFor[Recognised](),
	"found":         reflect.TypeFor[Found](),
	"finished":      reflect.TypeFor[Finished](),
}

// EncodeEvent returns an event as one line of JSON without the line's end: its members after "event", its type's name.
func EncodeEvent(e Event) ([]byte, error) {
	name := ""
	for n, t := range eventTypes {
		if t == reflect.TypeOf(e) {
			name = n
		}
	}
	body, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode event %s: %w", name, err)
	}
	return append([]byte(`{"event":"`+name+`",`), body[1:]...), nil
}

// DecodeEvent reads what EncodeEvent wrote. Members it does not know are ignored: fields are only ever added.
func DecodeEvent(line []byte) (Event, error) {
	var head struct {
		Event string `json:"event"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, fmt.Errorf("not an event: %w", err)
	}
	t, ok := eventTypes[head.Event]
	if !ok {
		return nil, fmt.Errorf("unknown event %q", head.Event)
	}
	v := reflect.New(t)
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	if err := d.Decode(v.Interface()); err != nil {
		return nil, fmt.Errorf("event %s: %w", head.Event, err)
	}
	return v.Elem().Interface().(Event), nil
}

// Replay feeds an event of a capture to a session; events that are no evidence it leaves out. Exchanges are known by
// their numbers.
func (s *Session) Replay(e Event) {
	switch e := e.(type) {
	case StageStarted:
		s.Begin(e.Stage)
	case Seen:
		e.Exchange.ID = int64(e.Exchange.N)
		s.Add(e.Exchange)
	case Noted:
		s.Note(e.Fact)
	case Excused:
		s.Excuse(e.Evidence, e.Reason)
	case Recognised:
		s.As(e.Profile)
	}
}
