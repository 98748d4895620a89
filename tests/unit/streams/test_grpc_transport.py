"""The accepted end of a stream over gRPC."""

from pygorums.base.errors import StreamDownError
from pygorums.streams.grpc_transport import AcceptedGrpcTransport


class Context:
    """gRPC's context of a stream, as long as the stream stands."""

    over = False

    def peer(self) -> str:
        """Reads memory that is gone once the stream is over."""
        assert not self.over
        return "ipv4:10.0.0.1:1"

    async def write(self, data: bytes) -> None: ...

    async def read(self) -> bytes:
        return b""


def test_what_broke_is_told_without_asking_grpc() -> None:
    context = Context()
    transport = AcceptedGrpcTransport(context)
    context.over = True
    error = transport.error(RuntimeError("it is over"))
    assert isinstance(error, StreamDownError)
    assert "ipv4:10.0.0.1:1" in error.message
