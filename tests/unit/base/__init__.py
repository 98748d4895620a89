"""Small things that everything above is built on."""
