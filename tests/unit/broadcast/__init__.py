"""Broadcast: what is counted, and the shape of trees."""
