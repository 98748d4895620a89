"""The service that most tests call."""
