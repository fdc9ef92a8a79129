package probe

// ExpectedIssuer is the kind of fact that says which authorization server the user means the MCP server to have, where that is
// known: from mcpwiz.yaml or the command line. Data: issuer.
const ExpectedIssuer = "expected-issuer"
