"""The service ``pygorums.Introspection``: what a server says of itself to those who ask over the network."""
