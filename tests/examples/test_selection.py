import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.storage.selection import parse_index, parse_selection
from examples.storage.words import CommandError


@pytest.mark.parametrize(
    ("text", "indices"),
    [
        ("0", (0,)),
        ("0,2", (0, 2)),
        ("3,1,0", (3, 1, 0)),
        ("1:3", (1, 2)),
        (":2", (0, 1)),
        ("1:", (1, 2, 3)),
        (":", (0, 1, 2, 3)),
        ("0:4", (0, 1, 2, 3)),
        ("3:4", (3,)),
    ],
)
def test_selections_out_of_four(text: str, indices: tuple[int, ...]) -> None:
    assert parse_selection(text, 4) == indices


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Invalid configuration '': give indices like 0,2 or a range like 1:3 (1 and 2)."),
        ("x", "Invalid configuration 'x': give indices like 0,2 or a range like 1:3 (1 and 2)."),
        ("0,", "Invalid configuration '0,': give indices like 0,2 or a range like 1:3 (1 and 2)."),
        ("-1", "Invalid configuration '-1': give indices like 0,2 or a range like 1:3 (1 and 2)."),
        ("²", "Invalid configuration '²': give indices like 0,2 or a range like 1:3 (1 and 2)."),
        ("0,2,0", "Invalid configuration '0,2,0': duplicate index: 0."),
        ("0,4", "There is no node 4: the nodes are 0 to 3."),
        (
            "1:x",
            "Invalid configuration '1:x': a range is like 1:3 (1 and 2), :2 (0 and 1) or 1: (all but 0).",
        ),
        (
            "1:2:3",
            "Invalid configuration '1:2:3': a range is like 1:3 (1 and 2), :2 (0 and 1) or 1: (all but 0).",
        ),
        (
            "-2:",
            "Invalid configuration '-2:': a range is like 1:3 (1 and 2), :2 (0 and 1) or 1: (all but 0).",
        ),
        ("1:5", "Invalid configuration '1:5': the nodes are 0 to 3, and 4 is the highest end."),
        ("2:2", "Invalid configuration '2:2': it selects no nodes; the nodes are 0 to 3."),
        ("3:1", "Invalid configuration '3:1': it selects no nodes; the nodes are 0 to 3."),
        ("4:", "Invalid configuration '4:': it selects no nodes; the nodes are 0 to 3."),
    ],
)
def test_what_selects_nothing_is_explained(text: str, message: str) -> None:
    with pytest.raises(CommandError, match=f"^{re.escape(message)}$"):
        parse_selection(text, 4)


@pytest.mark.parametrize(
    ("text", "count", "message"),
    [
        ("7", 4, "There is no node 7: the nodes are 0 to 3."),
        ("1", 1, "There is no node 1: the only node is 0."),
        ("one", 4, "'one' is not a node: the nodes are 0 to 3."),
        ("9" * 5000, 4, f"'{'9' * 5000}' is not a node: the nodes are 0 to 3."),
    ],
)
def test_an_index_without_a_node_is_explained(text: str, count: int, message: str) -> None:
    with pytest.raises(CommandError, match=f"^{re.escape(message)}$"):
        parse_index(text, count)


@given(st.integers(1, 9), st.data())
def test_a_range_selects_what_a_slice_does(count: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, count - 1))
    stop = data.draw(st.integers(start + 1, count))
    expected = tuple(range(count))[start:stop]
    assert parse_selection(f"{start}:{stop}", count) == expected
    assert parse_selection(",".join(map(str, expected)), count) == expected


@given(st.text(st.sampled_from("0123456789,:-x ")), st.integers(1, 9))
def test_any_text_selects_existing_nodes_once_or_is_explained(text: str, count: int) -> None:
    problem = ""
    indices: tuple[int, ...] = ()
    try:
        indices = parse_selection(text, count)
    except CommandError as error:
        problem = str(error)
    assert bool(indices) != bool(problem)
    assert "\n" not in problem
    assert len(set(indices)) == len(indices)
    assert set(indices) <= set(range(count))
