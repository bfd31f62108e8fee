"""Who may speak for whom."""

from __future__ import annotations

import pytest

from chassis.senders import SENDERS, Admission, Senders

WEBSITE, PORTAL, OTHER = (f"urn:nld:oin:00000001823288444000:systeem:{name}" for name in ("website", "portal", "other"))
OWNED = Senders({WEBSITE: "website", PORTAL: "website"})


@pytest.mark.parametrize(
    ("account", "source", "is_admitted"),
    [
        ("website", WEBSITE, True),
        ("website", PORTAL, True),
        ("website", OTHER, False),
        ("stranger", WEBSITE, False),
        (None, WEBSITE, False),
        ("stranger", OTHER, True),
        (None, OTHER, True),
        ("operator", WEBSITE, True),
        ("stranger", None, True),
    ],
)
def test_a_source_is_its_owner_s_alone(account: str | None, source: str | None, is_admitted: bool) -> None:
    """Who has sources of its own speaks for no other; what is nobody's own stays open."""
    assert Admission().admits(OWNED, account, source) is is_admitted


@pytest.mark.parametrize(
    ("account", "is_admitted"), [("website", False), ("stranger", False), (None, False), ("operator", True)]
)
def test_where_senders_must_be_known_nobody_speaks_for_an_open_source(account: str | None, is_admitted: bool) -> None:
    """An operator who wants to know every sender leaves nothing open."""
    assert Admission(known_only=True).admits(OWNED, account, OTHER) is is_admitted


@pytest.mark.parametrize(("account", "is_admitted"), [("integrator", True), ("website", False), (None, False)])
def test_the_account_to_try_things_with_speaks_for_what_is_nobody_s_own(account: str | None, is_admitted: bool) -> None:
    """With its name, which the broker has checked; and for no source that somebody owns."""
    known = Admission(known_only=True)
    assert known.admits(OWNED, account, OTHER) is is_admitted
    assert not known.admits(OWNED, "integrator", WEBSITE)
    assert not Admission(known_only=True, shared="").admits(OWNED, "integrator", OTHER)


def test_a_claim_replaces_the_one_before_it() -> None:
    """What is no longer claimed is free again; what others own stays theirs."""
    after = OWNED.with_claim("website", (OTHER,)).with_claim("portal", (PORTAL,))
    assert after.owners == {OTHER: "website", PORTAL: "portal"}
    assert after.owned_by_others("website", (OTHER, PORTAL)) == [PORTAL]


def test_senders_are_kept_as_they_are() -> None:
    """A source holds colons and dots, which are no field names."""
    assert SENDERS.read({"_id": "all", **SENDERS.write(OWNED)}) == OWNED
