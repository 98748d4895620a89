"""Where sockets lead to, and what their peers are called."""

import pytest

from pygorums.transports.sockets.address import Place, peer_of


@pytest.mark.parametrize(
    ("address", "host", "port", "path", "authority"),
    [
        ("127.0.0.1:80", "127.0.0.1", 80, "", "127.0.0.1:80"),
        ("[::1]:8080", "::1", 8080, "", "[::1]:8080"),
        ("name.example:1", "name.example", 1, "", "name.example:1"),
        ("unix:/run/x", "", 0, "/run/x", "localhost"),
        ("unix:///run/x", "", 0, "/run/x", "localhost"),
        ("unix:relative", "", 0, "relative", "localhost"),
        ("unix:@name", "", 0, "\0name", "localhost"),
    ],
)
def test_where_addresses_lead(address: str, host: str, port: int, path: str, authority: str) -> None:
    place = Place.of(address)
    assert (place.host, place.port, place.path, place.authority) == (host, port, path, authority)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (("10.0.0.1", 5), "ipv4:10.0.0.1:5"),
        (("::1", 5, 0, 0), "ipv6:%5B::1%5D:5"),
        ("", "unix:"),
        ("/run/client", "unix:/run/client"),
        (b"\0name", "unix-abstract:name"),
        (None, "unix:"),
    ],
)
def test_what_peers_are_called(name: object, expected: str) -> None:
    assert peer_of(name) == expected
