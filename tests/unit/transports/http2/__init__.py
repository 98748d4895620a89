"""HTTP/2 as bytes in, events and bytes out: against the RFCs, against h2, and against peers who mean harm."""
