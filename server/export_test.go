package server

// Forwarded is for tests.
var Forwarded = forwarded
