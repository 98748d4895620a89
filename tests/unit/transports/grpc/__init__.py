"""pygorums/transports/grpc/: what is done with grpc.aio."""
