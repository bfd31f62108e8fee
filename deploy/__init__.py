"""How Instroom is set up and run.

`bootstrap` installs what is missing. `accounts` and `replicaset` say who may do what on the broker and the database.
`local` is the stack of processes of this machine, `compose` the one in containers (docker-compose.yml); `stacks`
chooses. `backup` copies what a stack keeps, and restores it.
"""
