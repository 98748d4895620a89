"""What is on the wire, byte for byte.

What Go sent and received is replayed, and peers are scripted, strange, or know no extension.
"""
