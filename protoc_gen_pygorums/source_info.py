"""What a .proto says besides its declarations: the comments at them, and where they are."""

import textwrap

from google.protobuf import descriptor_pb2

__all__ = ["SourceInfo"]

_SERVICE = descriptor_pb2.FileDescriptorProto.SERVICE_FIELD_NUMBER
_METHOD = descriptor_pb2.ServiceDescriptorProto.METHOD_FIELD_NUMBER


class SourceInfo:
    """Comments and positions of one file's services and methods, named by their indices."""

    def __init__(self, file: descriptor_pb2.FileDescriptorProto) -> None:
        self._file = file.name
        self._locations = {tuple(location.path): location for location in file.source_code_info.location}

    def comment(self, service: int, method: int | None = None) -> str:
        """The comment before a declaration, or else the one behind it; empty when there is none."""
        location = self._locations.get(_path(service, method))
        if location is None:
            return ""
        comment = location.leading_comments or location.trailing_comments
        lines = (line.rstrip() for line in comment.expandtabs().split("\n"))
        return textwrap.dedent("\n".join(lines)).strip()

    def position(self, service: int, method: int | None = None) -> str:
        """``file:line:column`` as compilers write it, or only the file when that is all that is known."""
        location = self._locations.get(_path(service, method))
        if location is None or len(location.span) < 2:
            return self._file
        line, column = location.span[:2]
        return f"{self._file}:{line + 1}:{column + 1}"


def _path(service: int, method: int | None) -> tuple[int, ...]:
    return (_SERVICE, service) if method is None else (_SERVICE, service, _METHOD, method)
