"""Interceptors: functions around calls, at the side that makes them and at the side that answers them."""
