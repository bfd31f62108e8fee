"""One mailbox has one name, however its address is spelt, and an address that cannot be mailed is not taken."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from instroom_contracts import fields
from instroom_contracts.catalog import Organiser
from instroom_contracts.fields import ACCEPTED_BEFORE, MailAddress
from instroom_contracts.intake import ParticipantErasureRequested
from instroom_contracts.mailbox import NotMailable, mailable, mailbox, needs_utf8
from instroom_contracts.notification import Recipient
from tests.unit.contracts.builders import envelope, participant, pointers, problems, request

SPELLINGS = [
    ("robin@example.org", "Robin@Example.ORG"),
    ("robin@example.org", "robin@example.org."),
    ("robin@example.org", "robin@example。org"),
    ("robin@example.org", "ro\u200bbin@exam\u00adple.org"),
    ("robin@bücher.example", "robin@xn--bcher-kva.example"),
    ("robin@bücher.example", "ROBIN@XN--BCHER-KVA.EXAMPLE."),
    ("robin@bücher.example", "robin@Bu\u0308cher\uff0eexample"),
    ("robin@straße.example", "robin@STRAẞE.example"),
    ("röbin@example.org", "RÖBIN@example.org"),
    ("röbin@example.org", "ro\u0308bin@example.org"),
    ("νίκος@example.org", "ΝΊΚΟΣ@example.org"),
]
OTHERS = [
    ("robin@faß.example", "robin@fass.example"),
    ("groß@example.org", "gross@example.org"),
    ("robin@example.org", "robin+cursus@example.org"),
    ("robin@example.org", "röbin@example.org"),
    ("a.b@example.org", "ab@example.org"),
]
UNMAILABLE = [
    f"{'a' * 64}@{'.'.join(['b' * 63] * 3)}",
    "robin@example..org", "robin@.example.org", "robin@-example.org", "robin@example.org-", "robin@exa%mple.org",
    "robin@💩.example", "robin@\u0661.example", "robin@" + "é" * 60 + ".example", "robin@" + "a" * 64 + ".example",
    "robin@" + "a." * 127 + "org", ".robin@example.org", "robin.@example.org", "ro..bin@example.org",
    "o\u2019neill@example.org", "ro\u2013bin@example.org", "ro\u037ebin@example.org", "é" * 33 + "@example.org",
    "robin\u2024jansen@example.org",
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_every_spelling_of_an_address_names_the_same_mailbox(one: str, other: str) -> None:
    """Else one person enrols twice, under U-label and A-label, and takes two seats."""
    assert mailbox(one) == mailbox(other)


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_another_mailbox_has_another_name(one: str, other: str) -> None:
    """Else one person is refused for what another did."""
    assert mailbox(one) != mailbox(other)


@pytest.mark.parametrize("address", [*UNMAILABLE, "robin", "", "@"])
def test_an_address_that_cannot_be_mailed_names_something_still(address: str) -> None:
    """What was accepted before this was asked must be found again."""
    assert mailbox(address) == mailbox(address.upper())


def test_in_ascii_the_name_is_what_it_always_was() -> None:
    """Keys of almost everybody who is enrolled stay as they are."""
    assert mailbox("O'Neill+Cursus@XN--BCHER-KVA.example.org") == "o'neill+cursus@xn--bcher-kva.example.org"


@pytest.mark.parametrize(
    ("given", "sent_to"),
    [
        ("Robin@Example.org", "Robin@example.org"),
        ("robin@faß.example", "robin@xn--fa-hia.example"),
        ("robin@Bücher。example", "robin@xn--bcher-kva.example"),
        ("robin@xn--ls8h.example", "robin@xn--ls8h.example"),
        ("robin@ab--cd.a_b.example", "robin@ab--cd.a_b.example"),
        ("ro\u0308bin@example.org.", "röbin@example.org"),
        ("李雷@example.org", "李雷@example.org"),
    ],
)
def test_mail_goes_to_the_domain_that_the_address_means(given: str, sent_to: str) -> None:
    """IDNA 2003 sent the mail of faß.example to fass.example, which is somebody else's."""
    assert mailable(given) == sent_to
    assert mailable(sent_to) == sent_to
    assert needs_utf8(sent_to) is not sent_to.isascii()


@pytest.mark.parametrize("address", UNMAILABLE)
def test_an_address_that_cannot_be_mailed_is_no_address(address: str) -> None:
    """The error says what to mend and not what it was."""
    with pytest.raises(NotMailable) as refused:
        mailable(address)
    assert address not in str(refused.value)


@pytest.mark.parametrize("address", UNMAILABLE)
def test_a_request_with_such_an_address_is_refused_with_how_to_mend_it(address: str) -> None:
    """A place without an invitation helps nobody, and nobody would notice."""
    event = envelope(data=request(participant=participant(email=address)))
    (problem,) = problems(event)
    assert problem.pointer == "/data/participant/email"
    assert address not in problem.detail


def test_a_companion_is_held_to_the_same() -> None:
    """The pointer says whose address it is."""
    companion = {"sessionIds": ["start"], "participant": participant(email="robin@example..org")}
    assert pointers(envelope(data=request(companions=[companion]))) == ["/data/companions/0/participant/email"]


def test_without_the_rule_such_an_address_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin: the pattern on the wire alone lets it in."""
    monkeypatch.setattr(fields, "mailable", lambda address: address)
    assert TypeAdapter[str](MailAddress).validate_python("robin@example..org") == "robin@example..org"


def test_what_was_accepted_before_is_read_still() -> None:
    """A request that was parked, a mail that is to be withdrawn, an erasure: each may be about an older address."""
    old = "robin@example..org"
    assert TypeAdapter[str](MailAddress).validate_python(old, context=ACCEPTED_BEFORE) == old
    assert Recipient(name="Robin", email=old).email == old
    assert Organiser(name="Robin", email=old).email == old
    assert ParticipantErasureRequested(email=old).email == old
