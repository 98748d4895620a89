"""Interceptors, of clients and of servers."""
