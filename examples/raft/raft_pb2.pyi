# What is written here is protoc's affair: type checkers take the types from it and do not check it.
# mypy: ignore-errors
# pyright: basic
# isort: skip_file
# flake8: noqa
# ruff: noqa
# ruff: noqa: PGH004
from google.protobuf import empty_pb2 as _empty_pb2
import gorums_pb2 as _gorums_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Command(_message.Message):
    __slots__ = ("kind", "key", "value", "expected", "client", "number")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        GET: _ClassVar[Command.Kind]
        PUT: _ClassVar[Command.Kind]
        CAS: _ClassVar[Command.Kind]
    GET: Command.Kind
    PUT: Command.Kind
    CAS: Command.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    kind: Command.Kind
    key: str
    value: str
    expected: str
    client: str
    number: int
    def __init__(self, kind: _Optional[_Union[Command.Kind, str]] = ..., key: _Optional[str] = ..., value: _Optional[str] = ..., expected: _Optional[str] = ..., client: _Optional[str] = ..., number: _Optional[int] = ...) -> None: ...

class Outcome(_message.Message):
    __slots__ = ("refused", "leader", "done", "value")
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    LEADER_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    refused: bool
    leader: int
    done: bool
    value: str
    def __init__(self, refused: _Optional[bool] = ..., leader: _Optional[int] = ..., done: _Optional[bool] = ..., value: _Optional[str] = ...) -> None: ...

class Member(_message.Message):
    __slots__ = ("id", "address")
    ID_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    id: int
    address: str
    def __init__(self, id: _Optional[int] = ..., address: _Optional[str] = ...) -> None: ...

class Members(_message.Message):
    __slots__ = ("addresses",)
    class AddressesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: str
        def __init__(self, key: _Optional[int] = ..., value: _Optional[str] = ...) -> None: ...
    ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    addresses: _containers.ScalarMap[int, str]
    def __init__(self, addresses: _Optional[_Mapping[int, str]] = ...) -> None: ...

class Entry(_message.Message):
    __slots__ = ("term", "command", "members")
    TERM_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    term: int
    command: Command
    members: Members
    def __init__(self, term: _Optional[int] = ..., command: _Optional[_Union[Command, _Mapping]] = ..., members: _Optional[_Union[Members, _Mapping]] = ...) -> None: ...

class VoteRequest(_message.Message):
    __slots__ = ("term", "candidate", "last_index", "last_term", "would")
    TERM_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_FIELD_NUMBER: _ClassVar[int]
    LAST_INDEX_FIELD_NUMBER: _ClassVar[int]
    LAST_TERM_FIELD_NUMBER: _ClassVar[int]
    WOULD_FIELD_NUMBER: _ClassVar[int]
    term: int
    candidate: int
    last_index: int
    last_term: int
    would: bool
    def __init__(self, term: _Optional[int] = ..., candidate: _Optional[int] = ..., last_index: _Optional[int] = ..., last_term: _Optional[int] = ..., would: _Optional[bool] = ...) -> None: ...

class VoteReply(_message.Message):
    __slots__ = ("term", "granted")
    TERM_FIELD_NUMBER: _ClassVar[int]
    GRANTED_FIELD_NUMBER: _ClassVar[int]
    term: int
    granted: bool
    def __init__(self, term: _Optional[int] = ..., granted: _Optional[bool] = ...) -> None: ...

class Leader(_message.Message):
    __slots__ = ("term", "id")
    TERM_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    term: int
    id: int
    def __init__(self, term: _Optional[int] = ..., id: _Optional[int] = ...) -> None: ...

class Entries(_message.Message):
    __slots__ = ("term", "leader", "after", "after_term", "entries", "commit")
    TERM_FIELD_NUMBER: _ClassVar[int]
    LEADER_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    AFTER_TERM_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    COMMIT_FIELD_NUMBER: _ClassVar[int]
    term: int
    leader: int
    after: int
    after_term: int
    entries: _containers.RepeatedCompositeFieldContainer[Entry]
    commit: int
    def __init__(self, term: _Optional[int] = ..., leader: _Optional[int] = ..., after: _Optional[int] = ..., after_term: _Optional[int] = ..., entries: _Optional[_Iterable[_Union[Entry, _Mapping]]] = ..., commit: _Optional[int] = ...) -> None: ...

class Appended(_message.Message):
    __slots__ = ("term", "done", "index")
    TERM_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    term: int
    done: bool
    index: int
    def __init__(self, term: _Optional[int] = ..., done: _Optional[bool] = ..., index: _Optional[int] = ...) -> None: ...

class Snapshot(_message.Message):
    __slots__ = ("term", "leader", "index", "index_term", "members", "data")
    TERM_FIELD_NUMBER: _ClassVar[int]
    LEADER_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    INDEX_TERM_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    term: int
    leader: int
    index: int
    index_term: int
    members: Members
    data: bytes
    def __init__(self, term: _Optional[int] = ..., leader: _Optional[int] = ..., index: _Optional[int] = ..., index_term: _Optional[int] = ..., members: _Optional[_Union[Members, _Mapping]] = ..., data: _Optional[bytes] = ...) -> None: ...

class Data(_message.Message):
    __slots__ = ("values", "sessions")
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    VALUES_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    values: _containers.ScalarMap[str, str]
    sessions: _containers.RepeatedCompositeFieldContainer[Session]
    def __init__(self, values: _Optional[_Mapping[str, str]] = ..., sessions: _Optional[_Iterable[_Union[Session, _Mapping]]] = ...) -> None: ...

class Session(_message.Message):
    __slots__ = ("client", "number", "outcome")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    client: str
    number: int
    outcome: Outcome
    def __init__(self, client: _Optional[str] = ..., number: _Optional[int] = ..., outcome: _Optional[_Union[Outcome, _Mapping]] = ...) -> None: ...

class State(_message.Message):
    __slots__ = ("id", "term", "role", "leader", "commit", "last", "members")
    ID_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    LEADER_FIELD_NUMBER: _ClassVar[int]
    COMMIT_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    id: int
    term: int
    role: str
    leader: int
    commit: int
    last: int
    members: Members
    def __init__(self, id: _Optional[int] = ..., term: _Optional[int] = ..., role: _Optional[str] = ..., leader: _Optional[int] = ..., commit: _Optional[int] = ..., last: _Optional[int] = ..., members: _Optional[_Union[Members, _Mapping]] = ...) -> None: ...
