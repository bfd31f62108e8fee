"""Which queues would not take a fact, judged by what the broker tells of them."""

from __future__ import annotations

from typing import Any

import pytest

from chassis.refusals import Refusals, refuses

REJECTS = {"x-overflow": "reject-publish"}
NOT_REFUSING: list[dict[str, Any]] = [
    {},
    {"arguments": {"x-max-length": 1}, "messages_ready": 5},
    {"arguments": REJECTS, "messages_ready": 5_000_000},
    {"arguments": {**REJECTS, "x-max-length": 10}, "messages_ready": 9},
    {"arguments": {**REJECTS, "x-max-length-bytes": 1_000_000}, "message_bytes_ready": 900_000},
    {"state": "running", "members": ["a", "b", "c"], "online": ["a", "b"]},
    {"state": "idle"},
    {"arguments": {"x-queue-type": "stream", "x-stream-max-segment-size-bytes": 9}, "state": "running"},
    {"effective_policy_definition": {"max-length-bytes": 1, "overflow": "drop-head"}, "message_bytes_ready": 1},
]
REFUSING: list[dict[str, Any]] = [
    {"arguments": {**REJECTS, "x-max-length": 0}},
    {"arguments": {**REJECTS, "x-max-length": 10}, "messages_ready": 10},
    {"arguments": {**REJECTS, "x-max-length-bytes": 1_000_000}, "message_bytes_ready": 950_000},
    {"arguments": {"x-overflow": "reject-publish-dlx", "x-max-length": 1}, "messages_ready": 1},
    {
        "arguments": {**REJECTS, "x-max-length": 10},
        "effective_policy_definition": {"max-length": 2},
        "messages_ready": 3,
    },
    {"effective_policy_definition": {"max-length": 2, "overflow": "reject-publish"}, "messages_ready": 2},
    {"members": ["a", "b"], "online": ["a"]},
    {"members": ["a"], "online": []},
    {"members": ["a", "b", "c"], "online": ["a"], "state": "running"},
    {"state": "down"},
    {"arguments": {"x-queue-type": "stream", "x-stream-max-segment-size-bytes": 8}, "state": "running"},
]


@pytest.mark.parametrize("queue", NOT_REFUSING)
def test_a_queue_that_takes_facts_is_not_blamed(queue: dict[str, Any]) -> None:
    """An alarm that names the wrong one sends somebody the wrong way."""
    assert not refuses({"name": "int.a", **queue})


@pytest.mark.parametrize("queue", REFUSING)
def test_a_queue_that_takes_none_is_found(queue: dict[str, Any]) -> None:
    """Full and told to refuse, without its quorum, not at work, or a stream that holds nothing."""
    assert refuses({"name": "int.a", **queue})


async def test_where_the_broker_does_not_tell_the_trouble_is_shown_all_the_same() -> None:
    """That facts go past somebody is known without the management API."""

    async def silent() -> list[dict[str, Any]]:
        raise OSError

    assert await Refusals(silent)._names() == {"unknown"}
