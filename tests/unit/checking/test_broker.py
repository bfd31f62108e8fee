"""Where the broker is, and what is said where it does not do as it is asked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from aio_pika.exceptions import DeliveryError
from aiormq.exceptions import ChannelAccessRefused, ProbableAuthenticationError
from pamqp.commands import Basic

import instroom_checking
from instroom_checking.broker import broker_here, connected
from instroom_checking.trouble import Exit, Trouble

URL = "amqp://website:s3cret@127.0.0.1:1/instroom"
READS = re.compile(r"\.(?:consume|iterator|basic_consume|basic_get)\(|queue\.get\(")


def test_the_broker_is_found_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nowhere else: whoever has no clone has no stack's file."""
    monkeypatch.setenv("RABBITMQ_URL", URL)
    assert broker_here(None) == URL
    monkeypatch.setenv("RABBITMQ_URL", "")
    with pytest.raises(Trouble, match=r"RABBITMQ_URL is not set\. Set it"):
        broker_here(None)


async def test_a_broker_that_is_away_is_told_without_a_password() -> None:
    """Messages end up in tickets."""
    with pytest.raises(Trouble, match=r"RabbitMQ \(website at 127\.0\.0\.1:1\) does not answer: .*address") as trouble:
        async with connected(URL):
            pass
    assert trouble.value.exit is Exit.UNREACHABLE
    assert "s3cret" not in str(trouble.value)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ProbableAuthenticationError("ACCESS_REFUSED"), "refused the login"),
        (ChannelAccessRefused("ACCESS_REFUSED - to exchange 'x'."), r"allow .* to exchange 'x'\.$"),
        (DeliveryError(None, Basic.Nack(1)), "a queue may be full"),
        (TimeoutError(), "does not answer: TimeoutError"),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_what_the_broker_refuses_is_told(monkeypatch: pytest.MonkeyPatch, error: Exception, said: str) -> None:
    """Each is mended in another place."""

    async def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("aio_pika.connect", refuse)
    with pytest.raises(Trouble, match=said):
        async with connected(URL):
            pass


def test_no_message_is_read_by_the_connection() -> None:
    """One that no client can read would end it; the chassis has a stream of its own against that, a check has not."""
    modules = Path(instroom_checking.__file__).parent.glob("*.py")
    assert [module.name for module in modules if READS.search(module.read_text(encoding="utf-8"))] == []
