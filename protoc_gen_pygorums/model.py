"""From descriptors to what a generated module shows: every derived value is computed here."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from google.protobuf import descriptor_pb2

from protoc_gen_pygorums import GENCODE_LEVEL, VERSION, docs, naming
from protoc_gen_pygorums.call_types import CallType, call_type
from protoc_gen_pygorums.source_info import SourceInfo

__all__ = [
    "Import",
    "MessageType",
    "MessageTypes",
    "Method",
    "Module",
    "Service",
    "UnknownTypeError",
    "module",
]


class UnknownTypeError(LookupError):
    """A method's message is in none of the files."""


@dataclass(frozen=True, slots=True)
class Import:
    """An imported module and the private name that it gets."""

    module: str
    alias: str

    @property
    def by_name(self) -> bool:
        """Whether no import statement can spell the module's name, so that importlib has to."""
        return not naming.importable(self.module)


@dataclass(frozen=True, slots=True)
class MessageType:
    """A message class as a generated module writes it."""

    expression: str
    """What evaluates to the class."""
    annotation: str
    """What stands for it in annotations; where Python cannot spell the class, ``Any``."""


@dataclass(frozen=True, slots=True)
class Method:
    """One method of a service."""

    full_name: str
    function: str
    constant: str
    call_type: CallType
    request: MessageType
    response: MessageType
    doc: str
    handler_doc: str
    deprecation: str
    """The text of the warning at each call; empty for a method that is not deprecated."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service."""

    server_class: str
    doc: str
    methods: tuple[Method, ...]


@dataclass(frozen=True, slots=True)
class Module:
    """One generated module."""

    path: str
    source: str
    doc: str
    parameter: str
    plugin_version: str
    gencode_level: int
    standard_imports: tuple[Import, ...]
    message_imports: tuple[Import, ...]
    services: tuple[Service, ...]


class MessageTypes:
    """Where the class of each message is: its module, and the path of names there.

    A message is found in the file that defines it, which is why public imports need no following.
    """

    def __init__(self, files: Iterable[descriptor_pb2.FileDescriptorProto], import_prefix: str = "") -> None:
        self._places: dict[str, tuple[str, tuple[str, ...]]] = {}
        for file in files:
            module_name = naming.module(file.name, "_pb2", import_prefix)
            for names in _message_names(file.message_type):
                self._places[_dotted("", file.package, *names)] = (module_name, names)

    def place(self, full_name: str) -> tuple[str, tuple[str, ...]]:
        """The module and the names, outermost first, of the message ``.package.Outer.Inner``.

        Raises:
            UnknownTypeError: no file defines it.
        """
        try:
            return self._places[full_name.removeprefix(".")]
        except KeyError:
            raise UnknownTypeError(f"{full_name.removeprefix('.')} is used, but not contained") from None


def module(file: descriptor_pb2.FileDescriptorProto, types: MessageTypes, parameter: str) -> Module:
    """The module of one file that the checks have let pass.

    Raises:
        UnknownTypeError: a method's message is not among the types.
    """
    message_imports = _message_imports(file, types)
    builder = _Builder(file, types, message_imports)
    services = tuple(builder.service(index) for index in range(len(file.service)))
    return Module(
        path=naming.module_path(file.name),
        source=file.name,
        doc=f"Quorum calls of {file.name}.",
        parameter=parameter,
        plugin_version=VERSION,
        gencode_level=GENCODE_LEVEL,
        standard_imports=tuple(_standard_imports(services, message_imports)),
        message_imports=message_imports,
        services=services,
    )


class _Builder:
    """Builds the services of one file."""

    def __init__(
        self, file: descriptor_pb2.FileDescriptorProto, types: MessageTypes, imports: Iterable[Import]
    ) -> None:
        self._file = file
        self._types = types
        self._imports = {each.module: each for each in imports}
        self._source = SourceInfo(file)

    def service(self, index: int) -> Service:
        service = self._file.service[index]
        deprecated = self._file.options.deprecated or service.options.deprecated
        full_name = _dotted(self._file.package, service.name)
        return Service(
            server_class=naming.server_class(service.name),
            doc=docs.server_doc(self._source.comment(index), full_name, deprecated=deprecated),
            methods=tuple(self._method(index, method, deprecated) for method in range(len(service.method))),
        )

    def _method(self, service_index: int, index: int, service_deprecated: bool) -> Method:
        service = self._file.service[service_index]
        method = service.method[index]
        full_name = _dotted(self._file.package, service.name, method.name)
        deprecated = service_deprecated or method.options.deprecated
        comment = self._source.comment(service_index, index)
        kind = call_type(method)
        return Method(
            full_name=full_name,
            function=naming.function(method.name),
            constant=naming.constant(method.name),
            call_type=kind,
            request=self._message_type(method.input_type),
            response=self._message_type(method.output_type),
            doc=docs.call_doc(comment, kind, full_name, deprecated=deprecated),
            handler_doc=docs.handler_doc(comment, kind, full_name, deprecated=deprecated),
            deprecation=f"{full_name} is deprecated" if deprecated else "",
        )

    def _message_type(self, full_name: str) -> MessageType:
        module_name, names = self._types.place(full_name)
        source = self._imports[module_name]
        expression = source.alias
        for name in names:
            spelled = _spelled(name)
            expression = f"{expression}.{name}" if spelled else f'_builtins.getattr({expression}, "{name}")'
        typed = not source.by_name and all(map(_spelled, names))
        return MessageType(expression, annotation=expression if typed else "_typing.Any")


def _dotted(*names: str) -> str:
    return ".".join(filter(None, names))


def _spelled(name: str) -> bool:
    """Whether the source text ``x.name`` means that attribute wherever it stands."""
    return naming.importable(name) and not naming.private_in_class(name)


def _message_names(
    messages: Iterable[descriptor_pb2.DescriptorProto], outer: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    for message in messages:
        names = (*outer, message.name)
        yield names
        yield from _message_names(message.nested_type, names)


def _message_imports(file: descriptor_pb2.FileDescriptorProto, types: MessageTypes) -> tuple[Import, ...]:
    used = {
        types.place(full_name)[0]
        for service in file.service
        for method in service.method
        for full_name in (method.input_type, method.output_type)
    }
    aliases: dict[str, str] = {}
    for name in sorted(used):
        aliases[name] = naming.alias(name, taken=set(aliases.values()))
    return tuple(Import(name, alias) for name, alias in aliases.items())


def _standard_imports(services: Iterable[Service], message_imports: Iterable[Import]) -> Iterator[Import]:
    """The modules of the standard library that the templates name for these services."""
    methods = [method for service in services for method in service.methods]
    types = [each for method in methods for each in (method.request, method.response)]
    one_way = any(method.call_type.one_way for method in methods)
    deprecated = any(method.deprecation for method in methods)
    looked_up = any(each.expression.startswith("_builtins.") for each in types)
    yield Import("abc", "_abc")
    if any(not method.call_type.aggregated for method in methods):
        yield Import("asyncio", "_asyncio")
    if one_way or deprecated or looked_up:
        yield Import("builtins", "_builtins")
    if methods:
        yield Import("collections.abc", "_collections_abc")
    if any(each.by_name for each in message_imports):
        yield Import("importlib", "_importlib")
    if methods:
        yield Import("typing", "_typing")
    if deprecated:
        yield Import("warnings", "_warnings")
