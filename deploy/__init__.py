"""How Instroom is set up and run: `python -m deploy COMMAND`, which `make up` and its siblings say.

`bootstrap` installs what is missing. `accounts` and `replicaset` say who may do what on the broker and the database. A
`stack` is of one of two `kinds`: `local`, processes of this machine, or `compose`, containers (docker-compose.yml).
`backup` copies what a stack keeps, and restores it. `mail`, `contract` and `observability` run beside the services.
"""
