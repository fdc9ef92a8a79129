// Package keycloaktest is a small Keycloak in memory: the realm endpoints and the admin calls that mcpwiz and its clients
// use, answered as the real one answers them, so that what is tried on it holds on the real one too.
package keycloaktest
