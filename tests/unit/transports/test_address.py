"""What addresses may look like, and how the rest is refused."""

import pytest

from pygorums import ConfigurationError
from pygorums.transports.address import split_address, unix_path


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("node-1.example:1", ("node-1.example", 1)),
        ("[::1]:65535", ("::1", 65535)),
        ("[fe80::1%eth0]:9", ("fe80::1%eth0", 9)),
        ("my_service:80", ("my_service", 80)),
    ],
)
def test_addresses(address: str, parts: tuple[str, int]) -> None:
    assert split_address(address) == parts


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("", "port is missing"),
        ("localhost", "port is missing"),
        ("localhost:", "port must be a number"),
        ("localhost:http", "port must be a number"),
        ("localhost:0", "port must be a number"),
        ("localhost:65536", "port must be a number"),
        ("localhost:-1", "port must be a number"),
        ("localhost:\N{ARABIC-INDIC DIGIT ONE}", "port must be a number"),
        (":8080", "host must be"),
        ("::1:8080", "host must be"),
        ("[localhost]:80", "host must be"),
        ("a b:80", "host must be"),
        ("http://a:80", "host must be"),
        ("a:80,b:80", "host must be"),
        (8080, "must be a string"),
    ],
)
def test_malformed_addresses_say_what_is_wrong(address: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as raised:
        split_address(address)
    assert repr(address) in str(raised.value)


def test_port_0_is_for_servers() -> None:
    assert split_address("127.0.0.1:0", any_port=True) == ("127.0.0.1", 0)


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("unix:/run/node", "/run/node"),
        ("unix:///run/node", "/run/node"),
        ("unix:node", "node"),
        ("unix:@node", "\0node"),
        ("127.0.0.1:80", None),
        ("unix.example:80", None),
        (80, None),
    ],
)
def test_paths_of_unix_sockets(address: str, path: str | None) -> None:
    assert unix_path(address) == path


@pytest.mark.parametrize("address", ["unix:", "unix://", "unix:@", "unix:/run\0node"])
def test_unix_sockets_have_a_path(address: str) -> None:
    with pytest.raises(ConfigurationError, match="needs the path of a socket"):
        unix_path(address)
