// Package plan holds how the world should be (mcpwiz.yaml), what would change it (resources and their plan), and what has
// changed it (the journal).
package plan
