"""What docker-compose.yml runs besides the services, and what `make up` does with it.

`secrets` makes every account's password on the first run, `founding` makes MongoDB a replica set with accounts.
"""
