"""How a verdict is told: the stretch that cannot be, and its picture."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from pygorums import testing
from pygorums.testing.verdict import check_operations
from tests.unit.testing.drawn import drawn

FORGOTTEN = """
    a  [write 1] [write 2] [read → 2] [write 3                           ]
    b                                    [read → 3]
    c                                               [read → 2]
    d                                                          [read → 9]
"""


def test_the_shortest_stretch() -> None:
    verdict = check_operations(drawn(FORGOTTEN), testing.register(0), 10.0)
    assert verdict.culprit is not None
    assert (verdict.culprit.process, verdict.culprit.result) == ("c", 2)
    assert [f"{operation.process}: {operation}" for operation in verdict.window] == [
        "a: write 3",
        "b: read → 3",
        "c: read → 2",
    ]
    assert str(verdict) == "\n".join(
        [
            "not linearizable: no order of the operations explains that c had read → 2",
            "when it returned, the state can only have been 3, or what open operations make of that",
            "the shortest stretch that cannot be, whatever was before it (3 of 7 operations):",
            "",
            "a  write 3   ├──────────────┤",
            "b  read → 3     ├──┤",
            "c  read → 2           ├──┤  ← this",
        ]
    )


def test_a_stretch_that_goes_back_to_the_beginning() -> None:
    verdict = check_operations(drawn("a [read → 1]"), testing.register(0), 10.0)
    assert [str(operation) for operation in verdict.window] == ["read → 1"]


def test_the_key_is_named() -> None:
    operations = drawn("a [put ('x', 1)] [get 'x' → 1] [get 'y' → 2]")
    verdict = check_operations(operations, testing.kv(), 10.0)
    assert verdict.key == "y"
    assert str(verdict).startswith(
        "not linearizable: no order of the operations of 'y' explains that a had get 'y' → 2"
    )


def test_what_can_be_explained() -> None:
    verdict = check_operations(drawn("a [write 1]"), testing.register(0), 10.0)
    assert str(verdict) == "linearizable: 1 operations"
    assert verdict.window == ()
    assert verdict.culprit is None


@pytest.mark.parametrize("drawing", [FORGOTTEN, "a [write '<&\">' ?", "a [write 1 !", "a [write 1] [read → 1]", ""])
def test_the_picture(tmp_path: Path, drawing: str) -> None:
    operations = drawn(drawing)
    verdict = check_operations(operations, testing.register(0), 10.0)
    verdict.html(tmp_path / "history.html")
    text = (tmp_path / "history.html").read_text("utf-8")
    svg = ET.fromstring(text[text.index("<svg") : text.index("</svg>") + 6])
    bars = svg.findall(".//{http://www.w3.org/2000/svg}g")
    assert len(bars) == len(operations)
    kinds = [bar[1].get("class", "").split() for bar in bars]
    assert sum("culprit" in kind for kind in kinds) == (not verdict)
    assert sum("marked" in kind for kind in kinds) == len(verdict.window)
    for operation, bar in zip(operations, bars, strict=True):
        assert str(operation) in (bar[2].text or "")
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")  # it needs nothing but itself
