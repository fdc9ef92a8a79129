// Package wizard asks what a connection needs, one question after the other, and leads on to the plan, its application, a
// live probe and the real client. It only asks and shows: everything that touches the world comes in with the Desk.
package wizard
