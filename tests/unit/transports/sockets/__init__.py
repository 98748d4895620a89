"""What is left of sockets without a network: options and addresses."""
