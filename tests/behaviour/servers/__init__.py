"""Servers and their handlers: started and stopped, in order, in threads, failing, too late."""
