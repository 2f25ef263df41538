//go:build tools

// Package tools pins the plugin programs that are built beside the server.
package tools

import (
	_ "github.com/hashicorp/vault/command"
	_ "github.com/hashicorp/vault/plugins/database/postgresql"
)
