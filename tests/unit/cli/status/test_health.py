"""The services' own word on how they are."""

from __future__ import annotations

from cli.status.health import service_health


async def test_a_service_that_does_not_answer_is_said_to() -> None:
    """`status` must work best when something does not."""
    found = await service_health({"CATALOG_HEALTH_URL": "http://127.0.0.1:1/readyz", "ENROLMENT_HEALTH_URL": "ftp://x"})
    assert found == [
        {"service": "catalog", "health": "does not answer"},
        {"service": "enrolment", "health": "ftp://x is no web address"},
    ]


async def test_unknown_services_are_left_out() -> None:
    """In a container the pages of the others may be out of sight."""
    assert await service_health({}) == []
