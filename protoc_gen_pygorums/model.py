"""From descriptors to what a generated module shows: every derived value is computed here."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from google.protobuf import descriptor_pb2

from protoc_gen_pygorums import GENCODE_LEVEL, VERSION, docs, naming
from protoc_gen_pygorums.call_types import CallType, MethodOptions
from protoc_gen_pygorums.options import Options
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
    """What stands for it in annotations; where its name does not reach the class, ``Any``."""


@dataclass(frozen=True, slots=True)
class Method:
    """One method of a service."""

    full_name: str
    function: str
    constant: str
    handler: str
    """The name of the server's method."""
    call_type: CallType
    idempotent: bool
    """Whether the idempotency_level says that a request may be handled again without harm."""
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
    skipped: tuple[str, ...]
    """The full names of its methods that are left out."""


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

    A message is found in the file that defines it, which is why public imports need no following. One whose name
    is none counts as not contained.
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
            name = naming.shown(full_name.removeprefix("."))
            raise UnknownTypeError(f"{name} is used, but not contained") from None

    def missing(self, file: descriptor_pb2.FileDescriptorProto) -> Iterator[str]:
        """A line for each message that the methods of a file use and no file defines."""
        used = (
            name for service in file.service for each in service.method for name in (each.input_type, each.output_type)
        )
        for full_name in dict.fromkeys(used):
            try:
                self.place(full_name)
            except UnknownTypeError as error:
                yield str(error)


def module(
    file: descriptor_pb2.FileDescriptorProto,
    types: MessageTypes,
    method_options: MethodOptions,
    chosen: Options,
    parameter: str,
) -> Module:
    """The module of one file that the checks have let pass.

    Raises:
        UnknownTypeError: a method's message is not among the types.
    """
    builder = _Builder(file, types, method_options, chosen)
    services = tuple(builder.service(index) for index in range(len(file.service)))
    return Module(
        path=naming.module_path(file.name),
        source=file.name,
        doc=f"Quorum calls of {file.name}.",
        parameter=parameter,
        plugin_version=VERSION,
        gencode_level=GENCODE_LEVEL,
        standard_imports=tuple(_standard_imports(services, builder.message_imports)),
        message_imports=builder.message_imports,
        services=services,
    )


class _Builder:
    """Builds the services of one file."""

    def __init__(
        self,
        file: descriptor_pb2.FileDescriptorProto,
        types: MessageTypes,
        method_options: MethodOptions,
        chosen: Options,
    ) -> None:
        self._file = file
        self._types = types
        self._options = method_options
        self._chosen = chosen
        self._source = SourceInfo(file)
        self.message_imports = self._message_imports()
        self._imports = {each.module: each for each in self.message_imports}

    def service(self, index: int) -> Service:
        service = self._file.service[index]
        deprecated = self._file.options.deprecated or service.options.deprecated
        full_name = _dotted(self._file.package, service.name)
        kept = [number for number, method in enumerate(service.method) if not self._is_skipped(method)]
        return Service(
            server_class=naming.server_class(service.name),
            doc=docs.server_doc(self._source.comment(index), full_name, deprecated=deprecated),
            methods=tuple(self._method(index, method, deprecated) for method in kept),
            skipped=tuple(_dotted(full_name, method.name) for method in service.method if self._is_skipped(method)),
        )

    def _is_skipped(self, method: descriptor_pb2.MethodDescriptorProto) -> bool:
        return self._chosen.skip_streaming and not self._options.has_call_type(method)

    def _method(self, service_index: int, index: int, service_deprecated: bool) -> Method:
        service = self._file.service[service_index]
        method = service.method[index]
        prefix = service.name if self._chosen.prefix_functions else ""
        full_name = _dotted(self._file.package, service.name, method.name)
        deprecated = service_deprecated or method.options.deprecated
        comment = self._source.comment(service_index, index)
        kind = self._options.call_type(method)
        return Method(
            full_name=full_name,
            function=naming.function(method.name, prefix),
            constant=naming.constant(method.name, prefix),
            handler=naming.function(method.name),
            call_type=kind,
            idempotent=method.options.idempotency_level != descriptor_pb2.MethodOptions.IDEMPOTENCY_UNKNOWN,
            request=self._message_type(method.input_type),
            response=self._message_type(method.output_type),
            doc=docs.call_doc(comment, kind, full_name, deprecated=deprecated),
            handler_doc=docs.handler_doc(comment, kind, full_name, deprecated=deprecated),
            deprecation=f"{full_name} is deprecated" if deprecated else "",
        )

    def _message_type(self, full_name: str) -> MessageType:
        module_name, names = self._types.place(full_name)
        source = self._imports[module_name]
        if not naming.reachable(names):
            name = full_name.removeprefix(".")
            found = f'_descriptor_pool.Default().FindMessageTypeByName("{name}")'
            return MessageType(f"_message_factory.GetMessageClass({found})", annotation="_typing.Any")
        expression = ".".join((source.alias, *names))
        return MessageType(expression, annotation="_typing.Any" if source.by_name else expression)

    def _message_imports(self) -> tuple[Import, ...]:
        used = {
            self._types.place(full_name)[0]
            for service in self._file.service
            for method in service.method
            if not self._is_skipped(method)
            for full_name in (method.input_type, method.output_type)
        }
        aliases: dict[str, str] = {}
        for name in sorted(used):
            aliases[name] = naming.alias(name, taken=set(aliases.values()))
        return tuple(Import(name, alias) for name, alias in aliases.items())


def _dotted(*names: str) -> str:
    return ".".join(filter(None, names))


def _message_names(
    messages: Iterable[descriptor_pb2.DescriptorProto], outer: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    for message in messages:
        if not naming.is_identifier(message.name):
            continue
        names = (*outer, message.name)
        yield names
        yield from _message_names(message.nested_type, names)


def _standard_imports(services: Iterable[Service], message_imports: Iterable[Import]) -> Iterator[Import]:
    """The modules, not of messages, that the templates name for these services."""
    methods = [method for service in services for method in service.methods]
    types = [each for method in methods for each in (method.request, method.response)]
    yield Import("abc", "_abc")
    if any(not method.call_type.aggregated for method in methods):
        yield Import("asyncio", "_asyncio")
    yield Import("builtins", "_builtins")
    if methods:
        yield Import("collections.abc", "_collections_abc")
    if any(each.expression.startswith("_message_factory.") for each in types):
        yield Import("google.protobuf.descriptor_pool", "_descriptor_pool")
        yield Import("google.protobuf.message_factory", "_message_factory")
    if any(each.by_name for each in message_imports):
        yield Import("importlib", "_importlib")
    yield Import("typing", "_typing")
    if any(method.deprecation for method in methods):
        yield Import("warnings", "_warnings")
