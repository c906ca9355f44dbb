// Command coredns is CoreDNS with only the plugins that a cluster's DNS needs.
//
// The stock binary links some fifty plugins, cloud SDKs included, and takes half as long again
// to build.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
)

// The order in which a query passes through the plugins; those not named are not registered.
func init() {
	dnsserver.Directives = []string{"bind", "errors", "ready", "cache", "kubernetes", "forward"}
}

func main() {
	coremain.Run()
}
