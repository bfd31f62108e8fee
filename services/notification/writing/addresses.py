"""Mail addresses as links have them."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote

from instroom_contracts.mailbox import NotMailable, mailable

_PLAIN = "@!$'*+"
"""What stands in such a link as it is: calendars compare it with the address that their owner knows."""


def mailto(address: str) -> str:
    """Return an address as a link, in which nothing of it can act (RFC 6068)."""
    with suppress(NotMailable):  # no mail will go there, and the link says what was written
        address = mailable(address)
    return f"mailto:{quote(address, safe=_PLAIN)}"
