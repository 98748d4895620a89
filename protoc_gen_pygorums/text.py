"""Requests whose text is not UTF-8: protoc takes comments, and names of files, in whatever encoding they come."""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.compiler import plugin_pb2
from google.protobuf.message import Message

__all__ = ["parse_request"]


def parse_request(data: bytes) -> plugin_pb2.CodeGeneratorRequest:
    """The request that these bytes are.

    A comment that is not UTF-8 is read as Latin-1, in which all bytes are text. Elsewhere the bytes that are not
    text are escaped, which makes names that the checks refuse.

    Raises:
        DecodeError: They are no request.
    """
    request = _request_class().FromString(data)
    _mend(request)
    return plugin_pb2.CodeGeneratorRequest.FromString(request.SerializeToString())


def _request_class() -> type[Message]:
    """The class of requests with all text as bytes."""
    pool = descriptor_pool.DescriptorPool()
    for source in (descriptor_pb2.DESCRIPTOR, plugin_pb2.DESCRIPTOR):
        file = descriptor_pb2.FileDescriptorProto()
        source.CopyToProto(file)
        for message in file.message_type:
            _turn_text_to_bytes(message)
        pool.Add(file)
    name = plugin_pb2.CodeGeneratorRequest.DESCRIPTOR.full_name
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def _turn_text_to_bytes(message: descriptor_pb2.DescriptorProto) -> None:
    for field in message.field:
        if field.type == field.TYPE_STRING:
            field.type = field.TYPE_BYTES
    for nested in message.nested_type:
        _turn_text_to_bytes(nested)


def _mend(message: Message) -> None:
    """Make UTF-8 of all text in a message and in those that it holds."""
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for each in value if field.is_repeated else (value,):
                _mend(each)
        elif field.type == field.TYPE_BYTES:
            if field.is_repeated:
                value[:] = [_mended(field.name, each) for each in value]
            elif not value.isascii():
                setattr(message, field.name, _mended(field.name, value))


def _mended(field: str, text: bytes) -> bytes:
    try:
        text.decode()
    except UnicodeDecodeError:
        comment = field.endswith("comments")
        return text.decode("latin-1" if comment else "utf-8", "strict" if comment else "backslashreplace").encode()
    return text
