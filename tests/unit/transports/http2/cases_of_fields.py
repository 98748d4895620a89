"""Cases of RFC 9113, section 8, of gRPC's rules for HTTP/2, and of RFC 7541: requests and their fields."""

from __future__ import annotations

from tests.unit.transports.http2.cases import (
    CLOSED,
    FIELDS,
    GET,
    OPEN,
    PROTOCOL,
    REQ,
    Answer,
    Case,
    Fine,
    Reset,
    hpack,
    malformed,
)
from tests.unit.transports.http2.raw import (
    END_STREAM,
    GRPC,
    PADDED,
    PATH,
    block,
    data,
    literal,
    message,
    number,
    replaced,
    request,
    without,
)

CASES = [
    # Section 8.1: requests.
    Case("8.1", "two field sections without the end of the stream", OPEN + OPEN, Reset(PROTOCOL)),
    Case("8.1", "a trailer section", OPEN + request(1, (("x", "y"),), end=True), Fine()),
    Case("8.1", "a pseudo-header field in trailers", OPEN + request(1, ((":path", "/"),), end=True), Reset(PROTOCOL)),
    Case("8.1", "DATA after trailers", OPEN + request(1, (("x", "y"),), end=True) + data(1, b"x"), Reset(CLOSED)),
    malformed("8.1.1", "content-length with no data", *REQ, ("content-length", "1")),
    malformed("8.1.1", "content-length that is no number", *REQ, ("content-length", "+0")),
    malformed("8.1.1", "two values of content-length", *REQ, ("content-length", "0"), ("content-length", "1")),
    Case("8.1.1", "content-length of 0", request(1, (*REQ, ("content-length", "0")), end=True), Fine()),
    Case(
        "8.1.1", "less DATA", request(1, (*REQ, ("content-length", "7"))) + data(1, message(b"x"), 1), Reset(PROTOCOL)
    ),
    Case(
        "8.1.1", "more DATA", request(1, (*REQ, ("content-length", "5"))) + data(1, message(b"x"), 1), Reset(PROTOCOL)
    ),
    Case("8.1.1", "as much DATA", request(1, (*REQ, ("content-length", "6"))) + data(1, message(b"x"), 1), Fine()),
    Case(
        "8.1.1",
        "as much DATA, in several frames and with padding",
        request(1, (*REQ, ("content-length", "12")))
        + data(1, message(b"x"))
        + data(1, b"\2" + message(b"y") + b"\0\0", PADDED | END_STREAM),
        Fine(),
    ),
    Case(
        "8.1.1",
        "less DATA in several frames",
        request(1, (*REQ, ("content-length", "13"))) + data(1, message(b"x")) + data(1, message(b"y"), END_STREAM),
        Reset(PROTOCOL),
    ),
    # Section 8.2: fields.
    malformed("8.2.1", "an upper-case name", *REQ, ("X-Test", "ok")),
    malformed("8.2.1", "an empty name", *REQ, ("", "ok")),
    malformed("8.2.1", "a blank in a name", *REQ, ("x test", "ok")),
    malformed("8.2.1", "a colon in a name", *REQ, ("x:test", "ok")),
    malformed("8.2.1", "a control character in a name", *REQ, ("x\x7f", "ok")),
    malformed("8.2.1", "a name that is not ASCII", *REQ, ("x\xe4", "ok")),
    malformed("8.2.1", "NUL in a value", *REQ, ("x", "a\0b")),
    malformed("8.2.1", "a line feed in a value", *REQ, ("x", "a\nb")),
    malformed("8.2.1", "a carriage return in a value", *REQ, ("x", "a\rb")),
    malformed("8.2.1", "a blank before a value", *REQ, ("x", " a")),
    malformed("8.2.1", "a tab after a value", *REQ, ("x", "a\t")),
    Case("8.2.1", "an empty value", request(1, (*REQ, ("x", ""))), Fine()),
    Case("8.2.1", "a value that is not ASCII", request(1, (*REQ, ("x", "\xe4"))), Fine()),
    *(
        malformed("8.2.2", name, *REQ, (name, "x"))
        for name in ("connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade")
    ),
    malformed("8.2.2", "te that is not trailers", *without("te"), ("te", "trailers, deflate")),
    # Section 8.3: pseudo-header fields.
    malformed("8.3", "one that nobody knows", (":test", "x"), *REQ),
    malformed("8.3", "one of responses", (":status", "200"), *REQ),
    malformed("8.3", "after other fields", *without(":path"), (":path", PATH)),
    malformed("8.3", "just a colon", (":", "x"), *REQ),
    *(malformed("8.3.1", f"no {name}", *without(name)) for name in (":method", ":scheme", ":path")),
    *(malformed("8.3.1", f"{name} twice", (name, "x"), *REQ) for name in (":method", ":scheme", ":path", ":authority")),
    malformed("8.3.1", "an empty :path", *replaced(":path", "")),
    malformed("8.3.1", "host that is not :authority", *REQ, ("host", "elsewhere")),
    malformed("8.3.1", "an empty section"),
    Case("8.3.1", "host instead of :authority", request(1, (*without(":authority"), ("host", "x"))), Fine()),
    malformed("8.5", "CONNECT with :path", *replaced(":method", "CONNECT")),
    Case("8.5", "CONNECT", request(1, ((":method", "CONNECT"), (":authority", "x"))), Answer({":status": "405"})),
    # gRPC over HTTP/2.
    Case("gRPC", "GET", GET, Answer({":status": "405", "allow": "POST"})),
    Case("gRPC", "another content-type", request(1, replaced("content-type", "text/html")), Answer({":status": "415"})),
    Case("gRPC", "no content-type", request(1, without("content-type")), Answer({":status": "415"})),
    Case(
        "gRPC",
        "a content-type that only begins alike",
        request(1, replaced("content-type", "application/grpc-web")),
        Answer({":status": "415"}),
    ),
    Case("gRPC", "protobuf's content-type", request(1, replaced("content-type", "application/grpc+proto")), Fine()),
    Case(
        "gRPC",
        "a method that is not served",
        request(1, replaced(":path", "/a/B")),
        Answer({":status": "200", "grpc-status": "12"}),
    ),
    Case("gRPC", "a wrong grpc-timeout", request(1, (*REQ, ("grpc-timeout", "1x"))), Answer({"grpc-status": "13"})),
    Case("gRPC", "metadata that are not base64", request(1, (*REQ, ("x-bin", "!"))), Answer({"grpc-status": "13"})),
    Case("gRPC", "a compressed message", OPEN + data(1, b"\1\0\0\0\0"), Answer({"grpc-status": "12"})),
    Case("gRPC", "a message with other flags", OPEN + data(1, b"\2\0\0\0\0"), Answer({"grpc-status": "13"})),
    Case("gRPC", "a message beyond the limit", OPEN + data(1, b"\0\xff\0\0\0"), Answer({"grpc-status": "8"})),
    Case(
        "gRPC", "the end within a message", OPEN + data(1, b"\0\0\0\0\7abc", END_STREAM), Answer({"grpc-status": "13"})
    ),
    Case("gRPC", "the end within a prefix", OPEN + data(1, b"\0\0\0", END_STREAM), Answer({"grpc-status": "13"})),
    Case("gRPC", "te is missing", request(1, without("te")), Fine()),
    # RFC 7541: HPACK.
    hpack("7541 2.3.3", "the index 0", FIELDS + b"\x80"),
    hpack("7541 2.3.3", "an index beyond both tables", FIELDS + b"\xbf"),
    hpack("7541 2.3.3", "the name of an index beyond both tables", FIELDS + b"\x7e\1x"),
    hpack(
        "7541 2.3.2", "an entry of the table", literal(*GRPC[0]).replace(b"\0", b"\x40", 1) + block(*GRPC[1:]), Fine()
    ),
    hpack("7541 4.2", "a size update after fields", FIELDS + b"\x20"),
    hpack("7541 4.2", "size updates before fields", b"\x20" + number(4096, 5, 0x20) + FIELDS, Fine()),
    hpack("7541 6.3", "a size update beyond what is allowed", number(4097, 5, 0x20) + FIELDS),
    hpack("7541 5.1", "an integer without an end", FIELDS + b"\x7f" + b"\xff" * 20),
    hpack("7541 5.1", "an integer that is cut off", FIELDS + b"\xff\x80"),
    hpack("7541 5.2", "Huffman padding of zeros", FIELDS + b"\0\1x\x83\xf2\xb2\x40"),
    hpack("7541 5.2", "Huffman padding of eight ones", FIELDS + b"\0\1x\x82\x1f\xff"),
    hpack("7541 5.2", "Huffman code with EOS", FIELDS + b"\0\1x\x84\xff\xff\xff\xff"),
    hpack("7541 5.2", "a Huffman-coded value", FIELDS + b"\0\1x\x81\x1f", Fine()),
    hpack("7541 6.1", "an indexed field of the static table", FIELDS.replace(literal(*GRPC[0]), b"\x83"), Fine()),
    hpack("7541 6.2.1", "a field that is indexed, and then used", FIELDS + b"\x40\1x\1y\xbe", Fine()),
    hpack("7541 6.2.2", "a name that is cut off", FIELDS + b"\0\5ab"),
    hpack("7541 6.2.2", "a value that is cut off", FIELDS + b"\0\1x\5ab"),
    hpack("7541 6.2.2", "no value", FIELDS + b"\0\1x"),
    hpack("7541 6.2.2", "no name", FIELDS + b"\0"),
    hpack("7541 6.2.3", "a field that is never indexed", FIELDS + b"\x10\1x\1y", Fine()),
    hpack("7541 4.4", "an entry larger than the table empties it", b"\x20" + FIELDS + b"\x40\1x\1y\xbe"),
]
