package keycloaktest

type login struct{}
