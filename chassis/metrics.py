"""What a service counts for Prometheus, under the same names in every service."""

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

DECIDED = Counter("instroom_decided_total", "Messages decided, by the event type that their queue is for", ["type"])
RECEIVED = Counter("instroom_received_total", "Messages of others, by the account that says it sent them", ["account"])
DUPLICATES = Counter("instroom_duplicates_total", "Messages that had been decided before and changed nothing")
QUARANTINED = Counter("instroom_quarantined_total", "Messages stored in quarantine, by reason", ["reason"])
ECHOES = Counter("instroom_echoes_total", "Facts, and what is of our own sources, on the intake", ["account"])
OVERDRAWN = Counter(
    "instroom_overdrawn_total", "Times that an account had used up what it may", ["allowance", "account"]
)
TOLD = Counter("instroom_told_total", "Events written to the outbox, by type", ["type"])
PUBLISHED = Counter("instroom_published_total", "Events published and confirmed by the broker")
FACTS_REFUSED = Gauge("instroom_facts_refused", "1 for a queue that refuses facts, which go past it", ["queue"])
CLOCK_BEHIND = Gauge("instroom_clock_behind_seconds", "How far this machine's clock is behind the database's")
RETRIED = Counter("instroom_retried_batches_total", "Batches decided again, by cause", ["cause"])
BATCH = Histogram("instroom_batch_messages", "Messages per batch", buckets=(1, 2, 5, 10, 25, 50, 100, 200, 400))
COMMIT = Histogram("instroom_commit_seconds", "From taking a batch to its commit", buckets=SECONDS)
DECISION = Histogram(
    "instroom_decision_seconds",
    "From the broker's stamp on a message to the commit of its decision, by queue",
    ["queue"],
    buckets=(*SECONDS, 60, 300),
)
