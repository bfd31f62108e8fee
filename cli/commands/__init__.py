"""The commands, one module per group: each reads what was typed, asks the servers, and shows the outcome."""
