"""What maintainers run on the contract: generate the client from it and check that everything agrees with it."""
