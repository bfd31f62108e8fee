"""When each alarm fires and when it does not, as examples for `promtool test rules`.

A system at rest is the background of each example; an example says which series are otherwise, and exactly which
alarms fire then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.notification.gauges import OPEN

Series = Mapping[str, str | None]
"""Samples of a series in promtool's notation, one a step; None where there is no such series."""
ALWAYS = "Watchdog"
"""Fires whatever happens, so that its silence says that no alarm arrives."""
HOUR, DAY = 60, 24 * 60
DAYS_STEP = 240
"""Seconds between samples of what takes days: a series that is not heard of for 5 minutes counts as gone."""

REQUESTS = 'queue="enrolment.enrolment-requested.v1",service="enrolment"'
WAITING = f"rabbitmq_detailed_queue_messages{{{REQUESTS}}}"
DEAD = 'rabbitmq_detailed_queue_messages{queue="enrolment.enrolment-requested.v1.dead",service="enrolment"}'
COMMITS = 'instroom_batch_messages_count{service="enrolment",instance="a"}'
CONSUMERS = f"rabbitmq_detailed_queue_consumers{{{REQUESTS}}}"
MEMORY, DISK = "rabbitmq_alarms_memory_used_watermark", "rabbitmq_alarms_free_disk_space_watermark"
OVERDUE = 'instroom_mail_overdue_seconds{service="notification",instance="a"}'
ECHOES = 'instroom_echoes_total{service="enrolment",instance="a",account=""}'
SENT_ON = 'instroom_echoes_total{service="enrolment",instance="a",account="website"}'
OVERDRAWN = 'instroom_overdrawn_total{service="enrolment",instance="a",allowance="held",account="website"}'
PAUSED = 'instroom_mail_paused_seconds{service="notification",instance="a"}'
BEHIND = 'instroom_clock_behind_seconds{service="enrolment",instance="a"}'
REFUSED = 'instroom_facts_refused{queue="int.portal.facts",service="enrolment",instance="a"}'
LAG = 'instroom_outbox_lag_seconds{service="catalog",exchange="instroom.events",instance="a"}'

OPLOG_REACH, OPLOG_FULL = "instroom_mongodb_oplog_reach_seconds", "instroom_mongodb_oplog_full_ratio"
MONGO_MEMORY, MONGO_DISK = "instroom_mongodb_memory_bytes", "instroom_mongodb_disk_free_bytes"
HOST_MEMORY, HOST_DISK = "node_memory_MemAvailable_bytes", 'node_filesystem_avail_bytes{mountpoint="/"}'
QUEUES = "rabbitmq_queues"
BROKER_MEMORY, BROKER_DISK = "rabbitmq_process_resident_memory_bytes", "rabbitmq_disk_space_available_bytes"
BACKUP, AUDIT = "instroom_backup_ended_timestamp_seconds", "instroom_audit_ended_timestamp_seconds"
DROPPED = 'rabbitmq_global_messages_dead_lettered_maxlen_total{dead_letter_strategy="disabled"}'
CERTIFICATE = 'probe_ssl_earliest_cert_expiry{server="rabbitmq"}'
FROM_PORTAL = 'instroom_received_total{service="enrolment",account="portal",instance="a"}'


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


def member(number: int) -> str:
    """Name the series that says whether a member of the replica set is up."""
    return f'instroom_mongodb_member_healthy{{member="mongodb-{number}"}}'


def lag_of(number: int) -> str:
    """Name the series that says how far a member is behind."""
    return f'instroom_mongodb_member_lag_seconds{{member="mongodb-{number}"}}'


def took(within: str) -> str:
    """Name the series that counts decisions that took so many seconds at most."""
    return f'instroom_decision_seconds_bucket{{{REQUESTS},instance="a",le="{within}"}}'


AT_REST: Series = {
    **{up(service): "1x4000" for service in ("catalog", "enrolment", "notification")},
    **{database(service): "1x4000" for service in ("catalog", "enrolment", "notification")},
    **{broker(job): "1x4000" for job in ("rabbitmq", "queues")},
    **{mails(state): "0x4000" for state in OPEN},
    CONSUMERS: "3x4000",
    CONSUMERS.replace(".v1", ".v1.dead"): "0x4000",
    WAITING: "0x4000",
    DEAD: "0x4000",
    COMMITS: "0x4000",
    'up{job="database",instance="d"}': "1x4000",
    'up{job="host",instance="h"}': "1x4000",
    'up{job="runs",instance="p"}': "1x4000",
    "instroom_mongodb_answers": "1x4000",
    **{member(number): "1x4000" for number in (1, 2, 3)},
    **{lag_of(number): "0x4000" for number in (1, 2, 3)},
    OPLOG_REACH: "3600x4000",
    OPLOG_FULL: "0.1x4000",
    MONGO_MEMORY: "1e9x4000",
    "instroom_mongodb_memory_limit_bytes": "2e9x4000",
    MONGO_DISK: "5e10x4000",
    "instroom_mongodb_disk_bytes": "1e11x4000",
    HOST_DISK: "5e10x4000",
    'node_filesystem_size_bytes{mountpoint="/"}': "1e11x4000",
    HOST_MEMORY: "1e9x4000",
    "node_memory_MemTotal_bytes": "4e9x4000",
    BROKER_MEMORY: "1e8x4000",
    "rabbitmq_resident_memory_limit_bytes": "1e9x4000",
    BROKER_DISK: "5e10x4000",
    QUEUES: "60x4000",
    "rabbitmq_disk_space_available_limit_bytes": "5e8x4000",
    BACKUP: "0+240x4000",
    AUDIT: "0+240x4000",
    "instroom_audit_broken_promises": "0x4000",
    DROPPED: "0x4000",
    MEMORY: "0x4000",
    DISK: "0x4000",
    OVERDUE: "0x4000",
    PAUSED: "0x4000",
    LAG: "0x4000",
}


@dataclass(frozen=True)
class Example:
    """What is otherwise than at rest, and which alarms fire after so many minutes.

    `step` is the time between samples and between looks, in seconds: more for what takes days.
    """

    says: str
    after: int
    series: Series = field(default_factory=dict)
    fires: frozenset[str] = frozenset()
    step: int = 15


def fires(alarm: str, says: str, after: int, series: Series, step: int = 15) -> Example:
    """Make an example in which this alarm fires, and no other."""
    return Example(f"{alarm}: {says}", after, series, frozenset({alarm}), step)


def silent(alarm: str, says: str, after: int, series: Series, step: int = 15) -> Example:
    """Make an example that is almost one for this alarm, and in which none fires."""
    return Example(f"not {alarm}: {says}", after, series, step=step)


QUICK = {took("0.1"): "0+100x4000", took("10"): "0+100x4000", took("+Inf"): "0+100x4000"}
SLOW = {took("0.1"): "0+10x4000", took("10"): "0+100x4000", took("+Inf"): "0+100x4000"}

EXAMPLES = (
    Example("a system at rest", 60),
    fires("ServiceDown", "its only replica does not answer", 3, {up("catalog"): "1x4 0x4000"}),
    fires("ServiceDown", "its containers are gone", 3, {up("catalog"): None}),
    silent("ServiceDown", "it is being started again", 2, {up("catalog"): "1x4 0x4000"}),
    silent("ServiceDown", "another replica answers", 3, {up("catalog"): "0x4000", up("catalog", "b"): "1x4000"}),
    fires("DatabaseAway", "of one replica", 3, {database("enrolment", "b"): "1x4 0x4000"}),
    silent("DatabaseAway", "for a moment", 2, {database("enrolment", "b"): "1x4 0x4000"}),
    fires("ConsumersMissing", "nobody is left", 5, {CONSUMERS: "3x4 0x4000"}),
    silent("ConsumersMissing", "they are being started again", 2, {CONSUMERS: "3x4 0x4000"}),
    silent("ConsumersMissing", "one of three is left", 5, {CONSUMERS: "3x4 1x4000"}),
    fires("DecisionsStandStill", "two messages wait for ever", 8, {WAITING: "0x4 2x4000"}),
    silent("DecisionsStandStill", "they have just come", 3, {WAITING: "0x4 2x4000"}),
    silent("DecisionsStandStill", "they wait and others are decided", 8, {WAITING: "2x4000", COMMITS: "0+1x4000"}),
    fires("DecisionsSlow", "nine in ten take up to 10 s", 15, {**SLOW, COMMITS: "0+1x4000"}),
    silent("DecisionsSlow", "for three minutes", 3, {**SLOW, COMMITS: "0+1x4000"}),
    silent("DecisionsSlow", "all take 0.1 s", 15, {**QUICK, COMMITS: "0+1x4000"}),
    fires("QueueLong", "more than 1000 wait", 15, {WAITING: "5000x4000", COMMITS: "0+1x4000"}),
    silent("QueueLong", "a rush of five minutes", 5, {WAITING: "5000x4000", COMMITS: "0+1x4000"}),
    fires("DeadLetters", "there is one", 1, {DEAD: "1x4000"}),
    silent("DeadLetters", "it was moved back", 5, {DEAD: "1x8 0x4000"}),
    fires("MessagesFailed", "there is one", 1, {held("failed"): "1x4000"}),
    silent("MessagesFailed", "it was replayed, so there is none", 30, {held("failed"): "1x4 stale"}),
    fires("MessagesHeld", "nobody looked for 15 minutes", 17, {held("invalid-request"): "1x4000"}),
    silent("MessagesHeld", "it came ten minutes ago", 10, {held("invalid-request"): "1x4000"}),
    fires("FactsComeBack", "by a binding", 1, {ECHOES: "0x2 0+50x4000"}),
    fires("FactsComeBack", "the first of an account", 1, {SENT_ON: "1x4000"}),
    silent("FactsComeBack", "they did an hour ago", 60, {ECHOES: "0x2 50x4000", SENT_ON: "1x4000"}),
    fires("AccountOverdrawn", "the first time", 1, {OVERDRAWN: "1x4000"}),
    fires("AccountOverdrawn", "again", 60, {OVERDRAWN: "0+1x4000"}),
    silent("AccountOverdrawn", "it was an hour ago", 60, {OVERDRAWN: "3x4000"}),
    fires("OutboxLags", "by half a minute", 4, {LAG: "30x4000"}),
    silent("OutboxLags", "while another replica takes over", 1, {LAG: "30x4000"}),
    silent("OutboxLags", "by a batch at work", 4, {LAG: "2x4000"}),
    fires("ClockDiffers", "it is two minutes slow", 4, {BEHIND: "120x4000"}),
    fires("ClockDiffers", "it is two minutes fast", 4, {BEHIND: "-120x4000"}),
    silent("ClockDiffers", "by a second", 4, {BEHIND: "1x4000"}),
    fires("FactsRefused", "one queue takes none", 2, {REFUSED: "1x4000"}),
    silent("FactsRefused", "it takes them again", 5, {REFUSED: "1x4 stale"}),
    fires("MailsOverdue", "for ten minutes", 5, {OVERDUE: "600x4000"}),
    silent("MailsOverdue", "the senders were just started", 1, {OVERDUE: "600x4000"}),
    silent("MailsOverdue", "for a minute", 5, {OVERDUE: "60x4000"}),
    fires("MailServerRefuses", "and so mails are overdue", 20, {PAUSED: "0+15x4000", OVERDUE: "0+15x4000"}),
    silent("MailServerRefuses", "until the first mail that tries", 10, {PAUSED: "0x4 0 15 30 0x4000"}),
    fires(
        "MailsTriedAgain",
        "many, from both replicas' view",
        17,
        {mails("retry"): "11x4000", mails("retry", "b"): "11x4000"},
    ),
    silent(
        "MailsTriedAgain", "six, which two replicas see", 17, {mails("retry"): "6x4000", mails("retry", "b"): "6x4000"}
    ),
    silent("MailsTriedAgain", "a mail server that is slow for ten minutes", 10, {mails("retry"): "11x4000"}),
    fires("MailsUncertain", "there is one", 1, {mails("uncertain"): "1x4000"}),
    silent("MailsUncertain", "it was released", 5, {mails("uncertain"): "1x8 0x4000"}),
    fires("MailsUnreadable", "there is one", 1, {mails("unreadable"): "1x4000"}),
    silent("MailsUnreadable", "it was mended and released", 5, {mails("unreadable"): "1x8 0x4000"}),
    fires("MailsFailed", "one more than an hour ago", 70, {mails("failed"): "2x250 3x4000"}),
    fires("MailsFailed", "the first, on a system watched for minutes", 5, {mails("failed"): "0x8 1x4000"}),
    silent("MailsFailed", "two, for months", 90, {mails("failed"): "2x4000"}),
    silent("MailsFailed", "one of two was released", 70, {mails("failed"): "2x250 1x4000"}),
    fires("MailsHeld", "one more than an hour ago", 70, {mails("held"): "2x250 3x4000"}),
    silent("MailsHeld", "two, for months", 90, {mails("held"): "2x4000"}),
    fires("BrokerDown", "it does not answer", 3, {broker("rabbitmq"): "1x4 0x4000"}),
    fires("BrokerDown", "it tells nothing of its queues", 3, {broker("queues"): None}),
    silent("BrokerDown", "it is being started again", 2, {broker("rabbitmq"): "1x4 0x4000"}),
    fires("BrokerMemoryAlarm", "it has none left", 1, {MEMORY: "1x4000"}),
    silent("BrokerMemoryAlarm", "it has some again", 5, {MEMORY: "1x8 0x4000"}),
    fires("BrokerDiskAlarm", "it is full", 1, {DISK: "1x4000"}),
    silent("BrokerDiskAlarm", "there is room again", 5, {DISK: "1x8 0x4000"}),
    fires("SenderSilent", "it sent on this day last week", 8 * DAY + 60, {FROM_PORTAL: "0+1x360 360x4000"}, DAYS_STEP),
    silent(
        "SenderSilent",
        "it sends on weekdays, and this is a weekend",
        5 * DAY,
        {FROM_PORTAL: "0+1x1000 1000x4000"},
        DAYS_STEP,
    ),
    silent("SenderSilent", "it sends as it did", 9 * DAY, {FROM_PORTAL: "0+1x4000"}, DAYS_STEP),
    silent("SenderSilent", "it sent a few only", 8 * DAY + 60, {FROM_PORTAL: "0+1x10 10x4000"}, DAYS_STEP),
    fires("FactsDropped", "a queue is full", 5, {DROPPED: "0x8 7x4000"}),
    silent("FactsDropped", "some were, yesterday", 30, {DROPPED: "7x4000"}),
    fires("BrokerMemoryHigh", "nine tenths are used", 15, {BROKER_MEMORY: "9e8x4000"}),
    silent("BrokerMemoryHigh", "for five minutes", 5, {BROKER_MEMORY: "9e8x4000"}),
    fires("BrokerDiskLow", "a gigabyte is left", 8, {BROKER_DISK: "1e9x4000"}),
    silent("BrokerDiskLow", "ten gigabytes are left", 8, {BROKER_DISK: "1e10x4000"}),
    fires("QueuesMany", "nine tenths of what there may be", 15, {QUEUES: "900x4000"}),
    silent("QueuesMany", "half of that", 15, {QUEUES: "500x4000"}),
    fires("FiguresMissing", "nobody tells of the machine", 8, {'up{job="host",instance="h"}': None}),
    fires("FiguresMissing", "the database tells nothing", 8, {"instroom_mongodb_answers": "0x4000"}),
    silent("FiguresMissing", "it is being started again", 4, {'up{job="host",instance="h"}': "0x12 1x4000"}),
    fires("DatabaseMemberDown", "one of three", 4, {member(2): "1x4 0x4000", lag_of(2): "0x4 stale"}),
    silent("DatabaseMemberDown", "it is being started again", 4, {member(2): "1x4 0x4 1x4000"}),
    fires("ReplicationLags", "by two minutes", 8, {lag_of(3): "120x4000"}),
    silent("ReplicationLags", "by a moment", 8, {lag_of(3): "2x4000"}),
    fires("OplogShort", "it is full and reaches back ten hours", 20, {OPLOG_REACH: "36000x4000", OPLOG_FULL: "1x4000"}),
    silent("OplogShort", "it is as young as the system", 20, {OPLOG_REACH: "60x4000"}),
    silent(
        "OplogShort", "it is full and reaches back a month", 20, {OPLOG_REACH: "2592000x4000", OPLOG_FULL: "1x4000"}
    ),
    fires("DatabaseMemoryHigh", "nearly all is used", 20, {MONGO_MEMORY: "1.9e9x4000"}),
    silent("DatabaseMemoryHigh", "for a while", 10, {MONGO_MEMORY: "1.9e9x80 1e9x4000"}),
    fires("DatabaseDiskLow", "a tenth is left", 8, {MONGO_DISK: "1e10x4000"}),
    silent("DatabaseDiskLow", "a fifth is left", 8, {MONGO_DISK: "2e10x4000"}),
    fires("HostDiskLow", "a twentieth is left", 8, {HOST_DISK: "5e9x4000"}),
    silent("HostDiskLow", "a fifth is left", 8, {HOST_DISK: "2e10x4000"}),
    fires("HostMemoryLow", "a fortieth is left", 15, {HOST_MEMORY: "1e8x4000"}),
    silent("HostMemoryLow", "for a moment", 5, {HOST_MEMORY: "1e8x4000"}),
    fires("BackupOld", "the last was made when the system was", 29 * HOUR, {BACKUP: "0x4000"}, DAYS_STEP),
    fires("BackupOld", "none was ever made", 70, {BACKUP: None}),
    silent("BackupOld", "it is due this hour", 25 * HOUR, {BACKUP: "0x4000"}, DAYS_STEP),
    fires("AuditNotRun", "for more than a day", 29 * HOUR, {AUDIT: "0x4000"}, DAYS_STEP),
    fires("AuditNotRun", "never", 70, {AUDIT: None}),
    silent("AuditNotRun", "since yesterday", 25 * HOUR, {AUDIT: "0x4000"}, DAYS_STEP),
    fires("AuditBroken", "one promise", 1, {"instroom_audit_broken_promises": "1x4000"}),
    silent("AuditBroken", "the next found none", 5, {"instroom_audit_broken_promises": "1x8 0x4000"}),
    fires("CertificateExpires", "in twelve days", 70, {CERTIFICATE: "1036800x4000"}),
    silent("CertificateExpires", "in a month", 70, {CERTIFICATE: "2592000x4000"}),
)


def promtool_tests(rules: str, step: int, examples: Sequence[Example] = EXAMPLES) -> dict[str, Any]:
    """Return the examples with this step as a file for `promtool test rules`, about the rules at this path."""
    tests = [_test(example) for example in examples if example.step == step]
    return {"rule_files": [rules], "evaluation_interval": f"{step}s", "tests": tests}


def _test(example: Example) -> dict[str, Any]:
    series = {**AT_REST, **example.series}
    firing = [{"labels": f'{{alertname="{alarm}"}}', "value": 1} for alarm in sorted({*example.fires, ALWAYS})]
    asked = 'group by (alertname) (ALERTS{alertstate="firing"})'
    return {
        "name": example.says,
        "interval": f"{example.step}s",
        "input_series": [{"series": name, "values": values} for name, values in series.items() if values is not None],
        "promql_expr_test": [{"expr": asked, "eval_time": f"{example.after}m", "exp_samples": firing}],
    }


def links_test(rules: str) -> dict[str, Any]:
    """Return a test of where an alarm's links lead, for `promtool test rules`."""
    annotations = {
        "summary": "Alarms are at work",
        "description": "It fires always. Where it does not arrive, no other would.",
        "runbook_url": "https://docs.example.org/operating#watchdog",
        "dashboard_url": "https://figures.example.org/d/instroom?viewPanel=9",
    }
    external = {"runbooks": "https://docs.example.org/operating", "dashboards": "https://figures.example.org"}
    expected = {"exp_labels": {"severity": "none"}, "exp_annotations": annotations}
    test = {
        "interval": "15s",
        "external_labels": external,
        "input_series": [],
        "alert_rule_test": [{"eval_time": "1m", "alertname": ALWAYS, "exp_alerts": [expected]}],
    }
    return {"rule_files": [rules], "evaluation_interval": "15s", "tests": [test]}
