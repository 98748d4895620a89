"""Methods of services for plain gRPC clients, with health and reflection. `Server` imports it if it is asked to."""
