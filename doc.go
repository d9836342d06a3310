// Package tillagent is the root of the till agent: a service beside the cash
// register that takes sales on localhost, keeps them, fetches the invoicing QR
// code of each and prints the receipt. It holds no code of its own; the program
// is cmd/agent, and arch_test.go holds the arrows between the packages.
package tillagent
