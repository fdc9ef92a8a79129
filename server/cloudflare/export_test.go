package cloudflare

// RuleResources, to be planned and applied by tests that stand outside.
var RuleResources = (*API).ruleResources
