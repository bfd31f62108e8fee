"""How Instroom is set up and run: the bootstrap script, the broker's definitions, and the stack of local processes."""
