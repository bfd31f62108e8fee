"""When each alarm fires and when it does not, as examples for `promtool test rules`.

A system at rest is the background of each example; an example says which series are otherwise, and exactly which
alarms fire then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Series = Mapping[str, str | None]
"""Samples of a series in promtool's notation, one every 15 s; None where there is no such series."""

REQUESTS = 'queue="enrolment.enrolment-requested.v1",service="enrolment"'
WAITING = f"rabbitmq_detailed_queue_messages{{{REQUESTS}}}"
DEAD = 'rabbitmq_detailed_queue_messages{queue="enrolment.enrolment-requested.v1.dead",service="enrolment"}'
COMMITS = 'instroom_batch_messages_count{service="enrolment",instance="a"}'
CONSUMERS = f"rabbitmq_detailed_queue_consumers{{{REQUESTS}}}"
MEMORY, DISK = "rabbitmq_alarms_memory_used_watermark", "rabbitmq_alarms_free_disk_space_watermark"
OVERDUE = 'instroom_mail_overdue_seconds{service="notification",instance="a"}'
LAG = 'instroom_outbox_lag_seconds{service="catalog",instance="a"}'


def up(service: str, replica: str = "a") -> str:
    """Name the series that says whether a replica answers."""
    return f'up{{job="services",service="{service}",instance="{replica}"}}'


def database(service: str, replica: str = "a") -> str:
    """Name the series that says whether the database answers a replica."""
    return f'instroom_database_answers{{service="{service}",instance="{replica}"}}'


def held(reason: str, replica: str = "a") -> str:
    """Name the series that counts messages in quarantine."""
    return f'instroom_quarantine_held{{service="enrolment",reason="{reason}",instance="{replica}"}}'


def mails(state: str, replica: str = "a") -> str:
    """Name the series that counts invitations in a state."""
    return f'instroom_mails{{service="notification",kind="invitation",state="{state}",instance="{replica}"}}'


def broker(job: str) -> str:
    """Name the series that says whether the broker answers."""
    return f'up{{job="{job}",instance="r"}}'


def took(within: str) -> str:
    """Name the series that counts decisions that took so many seconds at most."""
    return f'instroom_decision_seconds_bucket{{{REQUESTS},instance="a",le="{within}"}}'


AT_REST: Series = {
    **{up(service): "1x600" for service in ("catalog", "enrolment", "notification")},
    **{database(service): "1x600" for service in ("catalog", "enrolment", "notification")},
    **{broker(job): "1x600" for job in ("rabbitmq", "queues")},
    **{mails(state): "0x600" for state in ("waiting", "pending", "sending", "retry", "uncertain", "failed")},
    CONSUMERS: "3x600",
    CONSUMERS.replace(".v1", ".v1.dead"): "0x600",
    WAITING: "0x600",
    DEAD: "0x600",
    COMMITS: "0x600",
    MEMORY: "0x600",
    DISK: "0x600",
    OVERDUE: "0x600",
    LAG: "0x600",
}


@dataclass(frozen=True)
class Example:
    """What is otherwise than at rest, and which alarms fire after so many minutes."""

    says: str
    after: int
    series: Series = field(default_factory=dict)
    fires: frozenset[str] = frozenset()


def fires(alarm: str, says: str, after: int, series: Series) -> Example:
    """Make an example in which this alarm fires, and no other."""
    return Example(f"{alarm}: {says}", after, series, frozenset({alarm}))


def silent(alarm: str, says: str, after: int, series: Series) -> Example:
    """Make an example that is almost one for this alarm, and in which none fires."""
    return Example(f"not {alarm}: {says}", after, series)


QUICK = {took("0.1"): "0+100x600", took("10"): "0+100x600", took("+Inf"): "0+100x600"}
SLOW = {took("0.1"): "0+10x600", took("10"): "0+100x600", took("+Inf"): "0+100x600"}

EXAMPLES = (
    Example("a system at rest", 60),
    fires("ServiceDown", "its only replica does not answer", 3, {up("catalog"): "1x4 0x600"}),
    fires("ServiceDown", "its containers are gone", 3, {up("catalog"): None}),
    silent("ServiceDown", "it is being started again", 2, {up("catalog"): "1x4 0x600"}),
    silent("ServiceDown", "another replica answers", 3, {up("catalog"): "0x600", up("catalog", "b"): "1x600"}),
    fires("DatabaseAway", "of one replica", 3, {database("enrolment", "b"): "1x4 0x600"}),
    silent("DatabaseAway", "for a moment", 2, {database("enrolment", "b"): "1x4 0x600"}),
    fires("ConsumersMissing", "nobody is left", 5, {CONSUMERS: "3x4 0x600"}),
    silent("ConsumersMissing", "they are being started again", 2, {CONSUMERS: "3x4 0x600"}),
    silent("ConsumersMissing", "one of three is left", 5, {CONSUMERS: "3x4 1x600"}),
    fires("DecisionsStandStill", "two messages wait for ever", 8, {WAITING: "0x4 2x600"}),
    silent("DecisionsStandStill", "they have just come", 3, {WAITING: "0x4 2x600"}),
    silent("DecisionsStandStill", "they wait and others are decided", 8, {WAITING: "2x600", COMMITS: "0+1x600"}),
    fires("DecisionsSlow", "nine in ten take up to 10 s", 15, {**SLOW, COMMITS: "0+1x600"}),
    silent("DecisionsSlow", "for three minutes", 3, {**SLOW, COMMITS: "0+1x600"}),
    silent("DecisionsSlow", "all take 0.1 s", 15, {**QUICK, COMMITS: "0+1x600"}),
    fires("QueueLong", "more than 1000 wait", 15, {WAITING: "5000x600", COMMITS: "0+1x600"}),
    silent("QueueLong", "a rush of five minutes", 5, {WAITING: "5000x600", COMMITS: "0+1x600"}),
    fires("DeadLetters", "there is one", 1, {DEAD: "1x600"}),
    silent("DeadLetters", "it was moved back", 5, {DEAD: "1x8 0x600"}),
    fires("MessagesFailed", "there is one", 1, {held("failed"): "1x600"}),
    silent("MessagesFailed", "it was replayed, so there is none", 30, {held("failed"): "1x4 stale"}),
    fires("MessagesHeld", "nobody looked for 15 minutes", 17, {held("invalid-request"): "1x600"}),
    silent("MessagesHeld", "it came ten minutes ago", 10, {held("invalid-request"): "1x600"}),
    fires("OutboxLags", "by half a minute", 4, {LAG: "30x600"}),
    silent("OutboxLags", "while another replica takes over", 1, {LAG: "30x600"}),
    silent("OutboxLags", "by a batch at work", 4, {LAG: "2x600"}),
    fires("MailsOverdue", "for ten minutes", 5, {OVERDUE: "600x600"}),
    silent("MailsOverdue", "the senders were just started", 1, {OVERDUE: "600x600"}),
    silent("MailsOverdue", "for a minute", 5, {OVERDUE: "60x600"}),
    fires(
        "MailsTriedAgain",
        "many, from both replicas' view",
        17,
        {mails("retry"): "11x600", mails("retry", "b"): "11x600"},
    ),
    silent(
        "MailsTriedAgain", "six, which two replicas see", 17, {mails("retry"): "6x600", mails("retry", "b"): "6x600"}
    ),
    silent("MailsTriedAgain", "a mail server that is slow for ten minutes", 10, {mails("retry"): "11x600"}),
    fires("MailsUncertain", "there is one", 1, {mails("uncertain"): "1x600"}),
    silent("MailsUncertain", "it was released", 5, {mails("uncertain"): "1x8 0x600"}),
    fires("MailsFailed", "one more than an hour ago", 70, {mails("failed"): "2x250 3x600"}),
    fires("MailsFailed", "the first, on a system watched for minutes", 5, {mails("failed"): "0x8 1x600"}),
    silent("MailsFailed", "two, for months", 90, {mails("failed"): "2x600"}),
    silent("MailsFailed", "one of two was released", 70, {mails("failed"): "2x250 1x600"}),
    fires("BrokerDown", "it does not answer", 3, {broker("rabbitmq"): "1x4 0x600"}),
    fires("BrokerDown", "it tells nothing of its queues", 3, {broker("queues"): None}),
    silent("BrokerDown", "it is being started again", 2, {broker("rabbitmq"): "1x4 0x600"}),
    fires("BrokerMemoryAlarm", "it has none left", 1, {MEMORY: "1x600"}),
    silent("BrokerMemoryAlarm", "it has some again", 5, {MEMORY: "1x8 0x600"}),
    fires("BrokerDiskAlarm", "it is full", 1, {DISK: "1x600"}),
    silent("BrokerDiskAlarm", "there is room again", 5, {DISK: "1x8 0x600"}),
)


def promtool_tests(rules: str, examples: tuple[Example, ...] = EXAMPLES) -> dict[str, Any]:
    """Return the examples as a file for `promtool test rules`, about the rules at this path."""
    return {"rule_files": [rules], "evaluation_interval": "15s", "tests": [_test(example) for example in examples]}


def _test(example: Example) -> dict[str, Any]:
    series = {**AT_REST, **example.series}
    firing = [{"labels": f'{{alertname="{alarm}"}}', "value": 1} for alarm in sorted(example.fires)]
    asked = 'group by (alertname) (ALERTS{alertstate="firing"})'
    return {
        "name": example.says,
        "interval": "15s",
        "input_series": [{"series": name, "values": values} for name, values in series.items() if values is not None],
        "promql_expr_test": [{"expr": asked, "eval_time": f"{example.after}m", "exp_samples": firing}],
    }
