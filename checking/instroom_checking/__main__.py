"""The `instroom-check` command, also as a module: `python -m instroom_checking`."""

from __future__ import annotations

import logging

from instroom_checking.broker import broker_here
from instroom_checking.commands import checks


def main() -> None:
    """Run the command that was typed, on the broker that the environment names."""
    logging.getLogger().addHandler(logging.NullHandler())  # trouble is told to the person, not logged as well
    checks("instroom-check", broker_here)()


if __name__ == "__main__":
    main()
