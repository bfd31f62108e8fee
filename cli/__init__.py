"""The `instroom` command: what an operator and an integrator do every day.

Owns nothing, but for what a check of another system sets up on the broker while it takes (`checking`). Publishes
requests, submitted editions and replayed messages; reads facts from the replay stream and the services' databases.
Writes to a database only where an operator says so: the state of a quarantined message, or of a mail that is held.
"""
