// Command server is an unmodified Vault server, compiled from the Go module
// registry for evaluation and tests. It is never distributed (BUSL-1.1).
package main

import (
	"os"

	"github.com/hashicorp/vault/command"
)

func main() {
	os.Exit(command.Run(os.Args[1:]))
}
