"""The status that a call is said to have ended with."""

import asyncio

import grpc
import pytest

import pygorums as gorums
from pygorums.base.outcome import status_name

DOWN = gorums.StreamDownError("gone")
FAILED = gorums.StatusError(grpc.StatusCode.FAILED_PRECONDITION, "no")


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (None, "OK"),
        (FAILED, "FAILED_PRECONDITION"),
        (DOWN, "UNAVAILABLE"),
        (gorums.CallTimeoutError("late"), "DEADLINE_EXCEEDED"),
        (asyncio.CancelledError(), "CANCELLED"),
        (KeyboardInterrupt(), "CANCELLED"),
        (GeneratorExit(), "CANCELLED"),
        (NotImplementedError(), "UNIMPLEMENTED"),
        (ZeroDivisionError(), "UNKNOWN"),
        (ExceptionGroup("", [FAILED]), "FAILED_PRECONDITION"),
        (ExceptionGroup("", [FAILED, DOWN]), "UNKNOWN"),
        (gorums.QuorumTimeoutError("m", {1: FAILED}), "DEADLINE_EXCEEDED"),
        (gorums.SendTimeoutError("m", {}), "DEADLINE_EXCEEDED"),
        (gorums.IncompleteError("m", {1: FAILED, 2: FAILED}), "FAILED_PRECONDITION"),
        (gorums.IncompleteError("m", {1: FAILED, 2: DOWN}), "UNAVAILABLE"),
        (gorums.IncompleteError("m", {1: gorums.RejectedError("not good enough")}), "UNAVAILABLE"),
        (gorums.SendError("m", {1: DOWN}), "UNAVAILABLE"),
    ],
    ids=repr,
)
def test_its_name(error: BaseException | None, name: str) -> None:
    assert status_name(error) == name
