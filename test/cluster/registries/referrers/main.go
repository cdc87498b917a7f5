// Command referrers serves an empty in-memory registry that knows the referrers interface. It is plain HTTP unless both
// a certificate and a key are given, and ends with its process: nothing is stored.
package main

import (
	"flag"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	address := flag.String("address", "127.0.0.1:0", "address and port to listen on")
	certificate := flag.String("tls-cert", "", "PEM file of the certificate chain; empty serves plain HTTP")
	key := flag.String("tls-key", "", "PEM file of the certificate's private key")
	flag.Parse()
	if (*certificate == "") != (*key == "") {
		log.Fatal("-tls-cert and -tls-key go together: give both or neither")
	}

	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on %s", listener.Addr())
	server := &http.Server{
		Handler:           registry.New(registry.WithReferrersSupport(true)),
		ReadHeaderTimeout: 10 * time.Second,
	}
	if *certificate == "" {
		log.Fatal(server.Serve(listener))
	}
	log.Fatal(server.ServeTLS(listener, *certificate, *key))
}
