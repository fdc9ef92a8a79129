package lab

// Pairs are two faults at once, in the order of mending.
var Pairs = []Pair{}
