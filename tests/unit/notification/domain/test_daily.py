"""What counts as the same mailbox, the same refusal and the same day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from instroom_contracts.notification import NoticeRequested
from services.notification.domain.daily import of_the_day, refusal_of_the_day, untagged
from tests.unit.notification.builders import NOW, recipient


def named(at: datetime = NOW, email: str = "robin@example.org", **changes: Any) -> str:
    """Return the name of a refusal."""
    plain = {"notice_id": "n1", "kind": "refusal", "edition_id": "week", "reason": "queue-full"}
    request = NoticeRequested(**{**plain, "participant": recipient(email=email), **changes})
    return refusal_of_the_day(request, at)


@pytest.mark.parametrize(
    ("last", "first"),
    [
        (datetime(2021, 6, 8, 21, 59, 59, tzinfo=UTC), datetime(2021, 6, 8, 22, 0, tzinfo=UTC)),
        (datetime(2021, 1, 8, 22, 59, 59, tzinfo=UTC), datetime(2021, 1, 8, 23, 0, tzinfo=UTC)),
        (datetime(2021, 3, 28, 21, 59, 59, tzinfo=UTC), datetime(2021, 3, 28, 22, 0, tzinfo=UTC)),
    ],
    ids=["summer", "winter", "the day the clock goes forward"],
)
def test_a_day_is_one_of_amsterdam(last: datetime, first: datetime) -> None:
    """Whoever reads the mails lives there."""
    assert named(last) != named(first)
    assert named(last) == named(last.replace(hour=9))


def test_one_mailbox_has_one_name_however_it_is_spelt() -> None:
    """Or the limit is got round with a capital."""
    assert named(email="Robin@Example.org") == named(email="robin@example.org")


def test_the_id_of_an_edition_that_nobody_knows_is_whatever_the_asker_wrote() -> None:
    """A thousand made-up ids would be a thousand mails."""
    made_up = [named(edition_id=id, reason="unknown-edition") for id in ("a", "b")]
    assert made_up[0] == made_up[1]
    assert named(edition_id="a") != named(edition_id="b")


def test_a_name_holds_no_address() -> None:
    """It is kept for two days."""
    assert "robin" not in named()


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("robin+1@example.org", "robin@example.org"),
        ("robin+a+b@example.org", "robin@example.org"),
        ("robin@example.org", "robin@example.org"),
        ("+robin@example.org", "+robin@example.org"),
    ],
)
def test_a_tag_makes_nobody_another_person(address: str, plain: str) -> None:
    """Whoever owns a mailbox may tag its address as they like; an address that is all tag is left as it is."""
    assert untagged(address) == plain


def test_a_mailbox_has_a_name_for_each_day() -> None:
    """However it is spelt; and nothing of the address can be read in it."""
    today = of_the_day("Robin@Example.org", NOW)
    assert today == of_the_day("robin@example.org", NOW) != of_the_day("robin@example.org", NOW + timedelta(days=1))
    assert "robin" not in today
