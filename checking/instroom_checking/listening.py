"""What is asked of a subscriber before it is told anything: its queue, what it is bound for, how it reads."""

from __future__ import annotations

from instroom_checking.publishing import matches
from instroom_checking.telling import FACTS
from instroom_checking.traffic import DeclaredQueue, Reading, Traffic
from instroom_checking.verdict import Finding, hint, judged, not_ok, not_seen, ok
from instroom_contracts import topology

BETWEEN = 1000
"""More messages than this at once are as good as any number."""


def judge_listening(traffic: Traffic) -> list[Finding]:
    """Judge how a subscriber listens."""
    return [rule(traffic) for rule in (_connects, _queue, _bindings, _acknowledges, _prefetch)]


def _connects(traffic: Traffic) -> Finding:
    complaints = [f"The broker refused: {text}." for text in dict.fromkeys(traffic.refusals)]
    ours = [name for name in traffic.declared_exchanges if name.startswith("instroom.")]
    why = "your account may not, and the broker would refuse it. Look it up passively, or not at all"
    return judged("connects", complaints + [f"{name} is declared: {why}." for name in ours])


def _queue(traffic: Traffic) -> Finding:
    """Judge the queues that it reads, as it declared them."""
    read = {one.queue for one in traffic.reading}
    declared = {queue.name: queue for queue in traffic.queues if not queue.is_passive and queue.name in read}
    if topology.STREAM in read:
        return not_seen("queue", f"It reads {topology.STREAM}, which holds real facts: a check reaches queues only.")
    if not declared:
        return not_seen(
            "queue", "It does not declare its queue itself, so how the real one is made does not show here."
        )
    wrong = [said for queue in declared.values() if (said := _mistake(queue))]
    if wrong:
        return not_ok("queue", *wrong)
    better = [said for queue in declared.values() if (said := _improvement(queue))]
    return hint("queue", *better) if better else ok("queue", f"{', '.join(declared)}, durable")


def _mistake(queue: DeclaredQueue) -> str:
    if "reject" in str(queue.arguments.get("x-overflow", "")):
        return f"{queue.name}: once it is full, it refuses facts and misses them. Leave x-overflow out."
    return ""


def _improvement(queue: DeclaredQueue) -> str:
    if queue.exclusive or not queue.durable:
        kind = "exclusive" if queue.exclusive else "not durable"
        return f"{queue.name} is {kind}: what is told while you are away is not kept. A durable queue keeps collecting."
    if queue.arguments.get("x-queue-type", "classic") == "classic":
        return f"{queue.name} is a classic queue: with x-queue-type quorum it outlives a broker of a cluster."
    return ""


def _bindings(traffic: Traffic) -> Finding:
    keys = {key for _, key in traffic.bindings}
    deaf = sorted(key for key in keys if not any(matches(key, type) for type in FACTS))
    complaints = [f"'{key}': no fact is told under this key. docs/integrating.md lists them all." for key in deaf]
    return judged("bindings", complaints, f"{len(keys)}")


def _acknowledges(traffic: Traffic) -> Finding:
    careless = {one.queue for one in _queues_read(traffic) if not one.acknowledges}
    rule = "read without acknowledgements (no_ack): what you were handed is lost when you crash. Acknowledge by hand"
    return judged(
        "acknowledges by hand", [f"{queue}: {rule}, after your work is stored." for queue in sorted(careless)]
    )


def _prefetch(traffic: Traffic) -> Finding:
    unlimited = {one.queue for one in _queues_read(traffic) if one.acknowledges and not 0 < one.prefetch <= BETWEEN}
    if unlimited:
        which = ", ".join(sorted(unlimited))
        return hint("prefetch", f"{which}: you take any number of messages at once. Set a prefetch count, such as 100.")
    return ok("prefetch", ", ".join(sorted({str(one.prefetch) for one in _queues_read(traffic)})))


def _queues_read(traffic: Traffic) -> list[Reading]:
    return [one for one in traffic.reading if one.queue != topology.STREAM]
