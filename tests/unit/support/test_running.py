"""The search for personal data in logs finds it."""

import pytest

from tests.support.running import ensure_no_personal_data


def test_a_log_of_ids_and_codes_passes() -> None:
    """What services may log is no personal data."""
    ensure_no_personal_data('{"event": "mail_attempted", "invite_id": "6f1c", "state": "sent"}\n')


@pytest.mark.parametrize("slip", ["robin.jansen@example.org", "Robin", "Beste mevrouw Jansen"])
def test_a_log_with_an_address_or_a_name_is_caught(slip: str) -> None:
    """A check that finds nothing would pass every log."""
    with pytest.raises(AssertionError, match="personal data"):
        ensure_no_personal_data(f'{{"event": "mail_attempted", "error": "could not send to {slip}"}}\n')
