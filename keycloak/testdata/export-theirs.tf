# What mcpwiz asks of Keycloak, for the provider keycloak/keycloak.
terraform {
  required_providers {
    keycloak = {
      source  = "keycloak/keycloak"
      version = "~> 5.0"
    }
  }
}

variable "mcpwiz_jwks_signer" {
  description = "the public keys of client signer, a JWK set; where it comes into JSON, with its quotes escaped"
  type        = string
  sensitive   = true
}

variable "mcpwiz_secret_2_robots" {
  description = "the secret of client 2.robots"
  type        = string
  sensitive   = true
}

variable "mcpwiz_secret_claude" {
  description = "the secret of client claude"
  type        = string
  sensitive   = true
}

variable "mcpwiz_secret_https___mcp_example_com_mcp" {
  description = "the secret of client https://mcp.example.com/mcp"
  type        = string
  sensitive   = true
}

data "keycloak_realm" "realm" {
  realm = "mcp"
}

resource "keycloak_openid_client_scope" "mcp_tools" {
  realm_id                            = data.keycloak_realm.realm.id
  name                                = "mcp:tools"
  description                         = "Puts https://mcp.example.com/mcp into the audience of a token"
  consent_screen_text                 = "Use $${this} and %%{that}"
  include_in_token_scope              = true
  include_in_openid_provider_metadata = true
  extra_config = {
    "mcpwiz.managed" = "true"
  }
}

resource "keycloak_openid_audience_protocol_mapper" "mcp_tools" {
  realm_id                   = data.keycloak_realm.realm.id
  client_scope_id            = keycloak_openid_client_scope.mcp_tools.id
  name                       = "mcp-audience"
  included_custom_audience   = "https://mcp.example.com/mcp"
  add_to_access_token        = true
  add_to_id_token            = false
  add_to_token_introspection = true
}

resource "keycloak_openid_client" "claude" {
  realm_id                                  = data.keycloak_realm.realm.id
  client_id                                 = "claude"
  name                                      = "Claude"
  enabled                                   = true
  access_type                               = "CONFIDENTIAL"
  client_authenticator_type                 = "client-secret"
  client_secret                             = var.mcpwiz_secret_claude
  standard_flow_enabled                     = true
  implicit_flow_enabled                     = false
  direct_access_grants_enabled              = false
  service_accounts_enabled                  = false
  consent_required                          = true
  full_scope_allowed                        = false
  frontchannel_logout_enabled               = false
  valid_redirect_uris                       = ["https://claude.ai/api/mcp/auth_callback", "https://claude.com/api/mcp/auth_callback"]
  web_origins                               = []
  valid_post_logout_redirect_uris           = ["-"]
  access_token_lifespan                     = "900"
  pkce_code_challenge_method                = "S256"
  use_refresh_tokens                        = true
  oauth2_device_authorization_grant_enabled = false
  extra_config = {
    "client.use.lightweight.access.token.enabled" = "false"
    "mcpwiz.managed"                              = "true"
  }
}

resource "keycloak_openid_client_default_scopes" "claude" {
  realm_id       = data.keycloak_realm.realm.id
  client_id      = keycloak_openid_client.claude.id
  default_scopes = ["basic", keycloak_openid_client_scope.mcp_tools.name]
}

resource "keycloak_openid_client_optional_scopes" "claude" {
  realm_id        = data.keycloak_realm.realm.id
  client_id       = keycloak_openid_client.claude.id
  optional_scopes = ["offline_access", "profile", "email"]
}

resource "keycloak_openid_client" "claude-code" {
  realm_id                                  = data.keycloak_realm.realm.id
  client_id                                 = "claude-code"
  name                                      = "Claude"
  enabled                                   = true
  access_type                               = "PUBLIC"
  standard_flow_enabled                     = true
  implicit_flow_enabled                     = false
  direct_access_grants_enabled              = false
  service_accounts_enabled                  = false
  consent_required                          = true
  full_scope_allowed                        = false
  frontchannel_logout_enabled               = false
  valid_redirect_uris                       = ["http://127.0.0.1/callback", "http://localhost/callback"]
  web_origins                               = []
  valid_post_logout_redirect_uris           = ["-"]
  access_token_lifespan                     = "900"
  pkce_code_challenge_method                = "S256"
  use_refresh_tokens                        = true
  oauth2_device_authorization_grant_enabled = false
  extra_config = {
    "client.use.lightweight.access.token.enabled" = "false"
    "mcpwiz.managed"                              = "true"
  }
}

resource "keycloak_openid_client_default_scopes" "claude-code" {
  realm_id       = data.keycloak_realm.realm.id
  client_id      = keycloak_openid_client.claude-code.id
  default_scopes = ["basic", keycloak_openid_client_scope.mcp_tools.name]
}

resource "keycloak_openid_client_optional_scopes" "claude-code" {
  realm_id        = data.keycloak_realm.realm.id
  client_id       = keycloak_openid_client.claude-code.id
  optional_scopes = ["offline_access", "profile", "email"]
}

resource "keycloak_openid_client" "_2_robots" {
  realm_id                     = data.keycloak_realm.realm.id
  client_id                    = "2.robots"
  name                         = "m2m"
  enabled                      = true
  access_type                  = "CONFIDENTIAL"
  client_authenticator_type    = "client-secret"
  client_secret                = var.mcpwiz_secret_2_robots
  standard_flow_enabled        = false
  implicit_flow_enabled        = false
  direct_access_grants_enabled = false
  service_accounts_enabled     = true
  consent_required             = false
  full_scope_allowed           = false
  frontchannel_logout_enabled  = false
  valid_redirect_uris          = []
  web_origins                  = []
  access_token_lifespan        = "900"
  extra_config = {
    "client.use.lightweight.access.token.enabled" = "false"
    "mcpwiz.managed"                              = "true"
  }
}

resource "keycloak_openid_client_default_scopes" "_2_robots" {
  realm_id       = data.keycloak_realm.realm.id
  client_id      = keycloak_openid_client._2_robots.id
  default_scopes = ["basic", keycloak_openid_client_scope.mcp_tools.name]
}

resource "keycloak_openid_client_optional_scopes" "_2_robots" {
  realm_id        = data.keycloak_realm.realm.id
  client_id       = keycloak_openid_client._2_robots.id
  optional_scopes = []
}

resource "keycloak_openid_client" "signer" {
  realm_id                     = data.keycloak_realm.realm.id
  client_id                    = "signer"
  name                         = "m2m"
  enabled                      = true
  access_type                  = "CONFIDENTIAL"
  client_authenticator_type    = "client-jwt"
  standard_flow_enabled        = false
  implicit_flow_enabled        = false
  direct_access_grants_enabled = false
  service_accounts_enabled     = true
  consent_required             = false
  full_scope_allowed           = false
  frontchannel_logout_enabled  = false
  valid_redirect_uris          = []
  web_origins                  = []
  access_token_lifespan        = "900"
  extra_config = {
    "client.use.lightweight.access.token.enabled" = "false"
    "jwks.string"                                 = var.mcpwiz_jwks_signer
    "mcpwiz.managed"                              = "true"
    "token.endpoint.auth.signing.alg"             = "ES256"
    "use.jwks.string"                             = "true"
  }
}

resource "keycloak_openid_client_default_scopes" "signer" {
  realm_id       = data.keycloak_realm.realm.id
  client_id      = keycloak_openid_client.signer.id
  default_scopes = ["basic", keycloak_openid_client_scope.mcp_tools.name]
}

resource "keycloak_openid_client_optional_scopes" "signer" {
  realm_id        = data.keycloak_realm.realm.id
  client_id       = keycloak_openid_client.signer.id
  optional_scopes = []
}

resource "keycloak_openid_client" "https___mcp_example_com_mcp" {
  realm_id                     = data.keycloak_realm.realm.id
  client_id                    = "https://mcp.example.com/mcp"
  name                         = "introspection"
  enabled                      = true
  access_type                  = "CONFIDENTIAL"
  client_authenticator_type    = "client-secret"
  client_secret                = var.mcpwiz_secret_https___mcp_example_com_mcp
  standard_flow_enabled        = false
  implicit_flow_enabled        = false
  direct_access_grants_enabled = false
  service_accounts_enabled     = false
  consent_required             = false
  full_scope_allowed           = false
  frontchannel_logout_enabled  = false
  valid_redirect_uris          = []
  web_origins                  = []
  access_token_lifespan        = "900"
  extra_config = {
    "client.use.lightweight.access.token.enabled" = "false"
    "mcpwiz.managed"                              = "true"
  }
}

resource "keycloak_openid_client_default_scopes" "https___mcp_example_com_mcp" {
  realm_id       = data.keycloak_realm.realm.id
  client_id      = keycloak_openid_client.https___mcp_example_com_mcp.id
  default_scopes = ["basic"]
}

resource "keycloak_openid_client_optional_scopes" "https___mcp_example_com_mcp" {
  realm_id        = data.keycloak_realm.realm.id
  client_id       = keycloak_openid_client.https___mcp_example_com_mcp.id
  optional_scopes = []
}
