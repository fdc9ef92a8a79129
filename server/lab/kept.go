package lab

import (
	"bytes"
	"net/http"
)

// told changes an answer before it is sent. Whoever changes no body lets streams through as they come.
func told(change func(*kept), whole bool) Layer {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			k := &kept{to: w, header: w.Header(), change: change, whole: whole}
			if whole {
				r = r.Clone(r.Context())
				r.Header.Set("Accept-Encoding", "identity")
			}
			next.ServeHTTP(k, r)
			k.end()
		})
	}
}

// A kept answer is changed before it is sent: the whole of it, or its head alone.
type kept struct {
	to     http.ResponseWriter
	header http.Header
	status int
	body   bytes.Buffer
	change func(*kept)
	whole  bool
	sent   bool
}

func (k *kept) Header() http.Header { return k.header }

func (k *kept) WriteHeader(status int) {
	if k.status != 0 {
		return
	}
	if k.status = status; !k.whole {
		k.head()
	}
}

func (k *kept) head() {
	if k.sent {
		return
	}
	k.sent = true
	k.change(k)
	k.to.WriteHeader(k.status)
}

func (k *kept) Write(b []byte) (int, error) {
	k.WriteHeader(http.StatusOK)
	if k.whole {
		return k.body.Write(b)
	}
	return k.to.Write(b)
}

// write puts a JSON document in the place of the body.
func (k *kept) write(v any) {
	k.body.Reset()
	k.body.Write(encode(v))
}

// Flush lets the events of a stream through where the body is not changed.
func (k *kept) Flush() {
	if k.whole {
		return
	}
	k.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(k.to).Flush() // who cannot flush has nobody waiting
}

// Unwrap is for http.ResponseController.
func (k *kept) Unwrap() http.ResponseWriter { return k.to }

func (k *kept) end() {
	k.WriteHeader(http.StatusOK)
	if !k.whole {
		return
	}
	k.header.Del("Content-Length")
	k.head()
	_, _ = k.to.Write(k.body.Bytes()) // a client that is gone reads nothing
}
