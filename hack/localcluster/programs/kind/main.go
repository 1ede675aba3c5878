// Command kind is kind itself, pinned and checked by this module's go.sum.
package main

import "sigs.k8s.io/kind/cmd/kind/app"

func main() { app.Main() }
