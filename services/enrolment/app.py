"""What the enrolment service hears and tells, and how it is run: topology and documentation follow from the tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from chassis.documents import Documents
from chassis.handling import Hears, Tell, UnknownType, told_by
from chassis.mongo import Database
from chassis.schedule import Schedule
from chassis.service import Service, run
from chassis.topology import UNROUTED
from instroom_contracts.catalog import EditionPublished
from instroom_contracts.cloudevent import CloudEvent
from instroom_contracts.enrolment import SourcesClaimed
from instroom_contracts.intake import AnswerRequested, EnrolmentCancellationRequested, EnrolmentRequested
from instroom_contracts.topology import traits
from services.enrolment import gauges
from services.enrolment.domain.policy import Policy
from services.enrolment.handlers import (
    answers,
    cancel,
    decide_request,
    editions,
    enrol,
    parked,
    sources,
    untold,
    waiting_lists,
)
from services.enrolment.handlers.invalid import refuse_invalid
from services.enrolment.internal import AsideTried, EditionSettling, PlacesUntold, PoolServing, WaitEnded
from services.enrolment.migrations import participants, pools, unsettled
from services.enrolment.settings import Settings
from services.enrolment.storage import schema


def hears(policy: Policy) -> tuple[Hears, ...]:
    """Return what the service hears, with who handles it under this policy."""
    to_enrol, to_cancel = partial(enrol.enrol, policy=policy), partial(cancel.cancel_enrolment, policy=policy)
    tell_again = partial(answers.tell_again, policy=policy)
    return (
        Hears.of(EnrolmentRequested, to_enrol, refuse_invalid, decide_request.to_decide),
        Hears.of(EnrolmentCancellationRequested, to_cancel, refuse_invalid, cancel.to_cancel),
        Hears.of(AnswerRequested, tell_again, refuse_invalid, answers.to_tell_again, answers.ask_later),
        Hears(UnknownType, UNROUTED, _hold, refuse_invalid),
        Hears.of(EditionPublished, editions.keep_edition, needs=editions.to_keep),
        Hears.of(SourcesClaimed, sources.assign_sources, refuse_invalid),
    )


PORTIONS: tuple[Hears, ...] = (
    Hears(EditionSettling, "", editions.settle_edition, needs=editions.to_settle),
    Hears(PoolServing, "", waiting_lists.serve_pool, needs=waiting_lists.to_serve),
    Hears(PlacesUntold, "", untold.tell_of_places_gone),
)
"""What goes on in portions; it comes from no exchange."""

WAITS: tuple[Hears, ...] = (
    Hears(WaitEnded, "", parked.end_wait, needs=parked.to_end_wait),
    Hears(AsideTried, "", parked.try_again, needs=parked.to_try_again),
)
"""What falls due when a request has waited for its edition; it comes from no exchange either."""

TELLS = told_by("enrolment", kept=traits(AnswerRequested).answers)


def _hold(_: CloudEvent[UnknownType], __: Documents, ___: datetime) -> Sequence[Tell]:
    """Do nothing: a message of an unknown type is never valid, so it is refused before it would get here."""
    return ()


async def prepare(database: Database, now: datetime) -> None:
    """Bring what is kept to the form of today, with its guards and its indexes, as often as you like."""
    await schema.guard(database)
    await pools.migrate(database, now)
    await schema.make_indexes(database)
    await unsettled.take_over(database, now)


def service(settings: Settings) -> Service:
    """Return the service as these settings make it."""
    source = settings.source("enrolment")
    return Service(
        "enrolment",
        hears(settings.policy()),
        TELLS,
        schema.KEPT,
        prepare,
        tasks=(Schedule(PORTIONS, WAITS, source).run, participants.rekey_again),
        looks=(gauges.seats,),
        migrations=(participants.rekey,),
    )


def main() -> None:
    """Run the service until it is told to stop."""
    settings = Settings()
    run(service(settings), settings)


if __name__ == "__main__":
    main()
