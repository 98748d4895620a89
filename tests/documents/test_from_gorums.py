"""docs/from-gorums.md: it names what there is, and all that Gorums users know."""

import re
from pathlib import Path

import pytest

import pygorums as gorums

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "from-gorums.md").read_text(encoding="utf-8")

# The public names of Gorums.
GORUMS_NAMES = [
    "NewConfig",
    "WithNodeList",
    "WithNodes",
    "WithDialOptions",
    "WithMetadata",
    "WithServer",
    "WithBackoff",
    "WithBufferSizes",
    "WithLogger",
    "Configuration",
    "Nodes",
    "NodeIDs",
    "Size",
    "Contains",
    "Extend",
    "Add",
    "Remove",
    "Union",
    "Difference",
    "Equal",
    "SortBy",
    "WithoutErrors",
    "Watch",
    "Close",
    "Node",
    "ID",
    "Address",
    "Host",
    "Port",
    "Latency",
    "LastNodeError",
    "LastErr",
    "IsInbound",
    "String",
    "FullString",
    "NodeContext",
    "ConfigContext",
    "CallOption",
    "IgnoreErrors",
    "Interceptors",
    "MapRequest",
    "MapResponse",
    "QuorumInterceptor",
    "ClientCtx",
    "Request",
    "Config",
    "Method",
    "Responses",
    "First",
    "Majority",
    "All",
    "Threshold",
    "AsyncFirst",
    "Async",
    "Get",
    "Done",
    "Results",
    "ResponseSeq",
    "Filter",
    "CollectN",
    "CollectAll",
    "NodeResponse",
    "NodeID",
    "Value",
    "Err",
    "Correctable",
    "LevelNotSet",
    "QuorumCallError",
    "Cause",
    "NodeErrors",
    "ErrIncomplete",
    "ErrSendFailure",
    "ErrTypeMismatch",
    "ErrSkipNode",
    "ErrStopped",
    "NewServer",
    "Serve",
    "Stop",
    "GracefulStop",
    "WithConfig",
    "WithConnectCallback",
    "WithInterceptors",
    "WithGRPCServerOptions",
    "RegisterHandler",
    "RegisterStorageServer",
    "ServerCtx",
    "Release",
    "ClientConfig",
    "ClientConfigContext",
    "Interceptor",
    "Handler",
    "Message",
    "AsProto",
    "GetMethod",
    "MetadataEntry",
    "SetEntry",
    "NewSystem",
    "WithOutboundNodes",
    "WithServerOptions",
    "Addr",
    "OutboundConfig",
    "WaitForConfig",
    "WaitForClientConfig",
    "NewLocalSystems",
]

METHODS = {
    "config": gorums.Configuration,
    "node": gorums.Node,
    "server": gorums.Server,
    "system": gorums.System,
    "ctx": gorums.ServerContext,
    "call": gorums.Call,
    "error": gorums.QuorumCallError,
}

# What only instances have.
ATTRIBUTES = {
    "node.address",
    "node.id",
    "node.host",
    "node.port",
    "ctx.peer",
    "ctx.peer_id",
    "ctx.auth_context",
    "ctx.method",
    "call.config",
    "error.node_errors",
}


def cells() -> list[list[str]]:
    """The rows of all tables."""
    rows = [line for line in GUIDE.splitlines() if line.startswith("|") and not line.startswith("|---")]
    return [re.split(r"(?<!\\)\|", row)[1:-1] for row in rows]


@pytest.mark.parametrize("name", GORUMS_NAMES)
def test_every_name_of_gorums_is_there(name: str) -> None:
    assert any(re.search(rf"\b{name}\b", row[0]) for row in cells()), f"{name} is in no first column"


def test_every_name_of_ours_exists() -> None:
    found = set(re.findall(r"\bgorums\.([A-Za-z_]+)", GUIDE))
    # "gorums.pb.go" ends a file's name, and gorums.Latency is how Go programs name it.
    for name in found - {"pb", "Latency"}:
        assert name in gorums.__all__, f"gorums.{name}"


def test_every_method_of_ours_exists() -> None:
    ours = " ".join(row[1] for row in cells())
    for owner, name in re.findall(rf"\b({'|'.join(METHODS)})\.([a-z_]+)", ours):
        assert f"{owner}.{name}" in ATTRIBUTES or hasattr(METHODS[owner], name), f"{owner}.{name}"


def test_tables_have_as_many_cells_in_each_row() -> None:
    assert {len(row) for row in cells()} == {2, 4}


@pytest.mark.parametrize("link", re.findall(r"\]\(((?:\.\./|\w)[^)#]*\.\w+)[)#]", GUIDE))
def test_links_lead_somewhere(link: str) -> None:
    assert (ROOT / "docs" / link).exists()


@pytest.mark.parametrize("anchor", re.findall(r"\]\(#([^)]+)\)", GUIDE))
def test_anchors_lead_to_a_heading(anchor: str) -> None:
    headings = re.findall(r"^#+ (.*)$", GUIDE, re.MULTILINE)
    assert anchor in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
