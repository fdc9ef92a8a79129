package browser

import (
	"context"
	"time"
)

// throughLimit is how long an interrupt leaves a request that makes something.
const throughLimit = time.Second

// Through returns the context of a request that makes something: a session, a token, a client. What was made by a request
// that was cut off cannot be ended, as nobody saw its name; so an interrupt leaves the request a moment to be answered.
func Through(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Err() != nil {
		return ctx, func() {}
	}
	through, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		moment := time.NewTimer(throughLimit)
		defer moment.Stop()
		select {
		case <-moment.C:
			cancel(context.Cause(ctx))
		case <-through.Done():
		}
	})
	return through, func() {
		stop()
		cancel(nil)
	}
}
