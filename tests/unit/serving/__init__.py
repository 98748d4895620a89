"""What a server counts and keeps in order, without any handler."""
