"""The whole of Instroom as processes on one machine, without Docker.

Owns a home directory (`.local`, or another with `--home`) with data, logs, mails, accounts and process ids, and ends
only what it started. `servers.py` starts a private RabbitMQ node, mongod and mail sink; the tests use that too.
`stack.py` adds the three services and writes `stack.env`.
"""
