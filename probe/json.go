package probe

import (
	"encoding/json"
	"strconv"
)

// stringsOf returns a string or an array of strings as a slice; anything else is nil.
func stringsOf(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []string:
		return v
	case []any:
		var all []string
		for _, e := range v {
			s, ok := e.(string)
			if !ok {
				return nil
			}
			all = append(all, s)
		}
		return all
	}
	return nil
}

// numberOf returns a JSON number, which is a json.Number when a tap decoded it.
func numberOf(v any) (float64, bool) {
	switch v := v.(type) {
	case json.Number:
		f, err := strconv.ParseFloat(v.String(), 64)
		return f, err == nil
	case float64:
		return v, true
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	}
	return 0, false
}
