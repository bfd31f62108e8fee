"""What a service counts for Prometheus, under the same names in every service."""

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

DECIDED = Counter("instroom_decided_total", "Messages decided, by event type", ["type"])
DUPLICATES = Counter("instroom_duplicates_total", "Messages that had been decided before and changed nothing")
QUARANTINED = Counter("instroom_quarantined_total", "Messages stored in quarantine, by reason", ["reason"])
TOLD = Counter("instroom_told_total", "Events written to the outbox, by type", ["type"])
PUBLISHED = Counter("instroom_published_total", "Events published and confirmed by the broker")
RETRIED = Counter("instroom_retried_batches_total", "Batches decided again, by cause", ["cause"])
BATCH = Histogram("instroom_batch_messages", "Messages per batch", buckets=(1, 2, 5, 10, 25, 50, 100, 200, 400))
COMMIT = Histogram("instroom_commit_seconds", "From taking a batch to its commit", buckets=SECONDS)
OUTBOX_LAG = Gauge("instroom_outbox_lag_seconds", "Age of the oldest event that is not published yet")
