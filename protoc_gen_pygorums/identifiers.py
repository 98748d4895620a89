"""Whether the names in a request are names. protoc sees to that for its own; nobody else has to have asked it.

Names become source text, and the paths of files; what is not an identifier could become anything there.
"""

from collections.abc import Iterator

from google.protobuf import descriptor_pb2

from protoc_gen_pygorums import naming

__all__ = ["names_problems", "path_problem"]


def path_problem(file: descriptor_pb2.FileDescriptorProto) -> Iterator[str]:
    """A line when a file's path names no module, or one in another place."""
    where = naming.shown(file.name)
    if not all(char.isprintable() and char not in "\\:" for char in file.name):
        yield f"{where}: its path has characters that no module has in its name; rename the file"
    elif not all(naming.module(file.name, "_pb2").split(".")):
        yield f"{where}: its path has an empty part, or leads out of the import folder; rename the file"


def names_problems(file: descriptor_pb2.FileDescriptorProto) -> Iterator[str]:
    """A line for each name of a package, service, method or method's message that is none."""
    where = naming.shown(file.name)
    if file.package and not _is_dotted(file.package):
        yield f"{where}: its package {_quoted(file.package)} is not a name; rename it"
    for service in file.service:
        if not naming.is_identifier(service.name):
            yield f"{where}: its service {_quoted(service.name)} is not a name; rename it"
        for method in service.method:
            if not naming.is_identifier(method.name):
                yield f"{where}: its method {_quoted(f'{service.name}.{method.name}')} is not a name; rename it"
            for message in (method.input_type, method.output_type):
                if not _is_dotted(message.removeprefix(".")):
                    yield f"{where}: the message {_quoted(message)} is not a name; rename it"


def _is_dotted(name: str) -> bool:
    return all(map(naming.is_identifier, name.split(".")))


def _quoted(name: str) -> str:
    return f"'{naming.shown(name)}'"
