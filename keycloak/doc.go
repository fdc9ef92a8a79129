// Package keycloak makes Keycloak what a connection asks for, through its Admin API: realm, client scopes, clients and
// test users, each a plan.Resource.
package keycloak
