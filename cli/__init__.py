"""The `instroom` command: what an operator and an integrator do every day.

Owns nothing. Publishes requests, submitted editions and replayed messages; reads facts from the replay stream and the
services' databases; has checks of other systems at hand (`instroom_checking`). Writes to a database only where an
operator says so: the state of a quarantined message, or of a mail that is held.

A command with several files has a folder of its name, one that needs a single file stands in `commands`; what several
of them share stands beside these, and below them.
"""
