package keycloaktest

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// An answer is what goes back, made while the lock is held and written after it.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) with(name, value string) answer {
	if a.header == nil {
		a.header = http.Header{}
	}
	a.header.Add(name, value)
	return a
}

func (k *Keycloak) write(w http.ResponseWriter, a answer) {
	h := w.Header()
	for name, values := range a.header {
		h[name] = values
	}
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	h.Set("X-Content-Type-Options", "nosniff")
	if a.status != http.StatusFound || h.Get("Content-Security-Policy") != "" {
		h.Set("X-Frame-Options", "SAMEORIGIN")
	}
	if !k.old {
		h.Set("X-Robots-Tag", "none")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that went away needs no answer
}

func status(code int) answer { return answer{status: code} }

// document is JSON of the realm's endpoints.
func document(code int, v any) answer {
	return answer{status: code, body: encode(v)}.with("Content-Type", "application/json")
}

// found is JSON of the Admin API.
func found(v any) answer {
	return answer{status: http.StatusOK, body: encode(v)}.with("Content-Type", "application/json;charset=UTF-8").with("Cache-Control", "no-cache")
}

func created(location string) answer { return status(http.StatusCreated).with("Location", location) }

func redirect(to string) answer { return status(http.StatusFound).with("Location", to) }

// The shapes in which Keycloak refuses: {"error"}, {"error","error_description"} and {"errorMessage"}.
func failed(code int, text string) answer {
	return document(code, struct {
		Error string `json:"error"`
	}{text})
}

func refused(code int, err, description string) answer {
	return document(code, struct {
		Error       string `json:"error"`
		Description string `json:"error_description,omitempty"`
	}{err, description})
}

func complained(code int, text string) answer {
	return document(code, struct {
		ErrorMessage string `json:"errorMessage"`
	}{text})
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
