"""What an operator does with a stack in containers that has data: back up, restore, upgrade; needs a Docker engine."""
