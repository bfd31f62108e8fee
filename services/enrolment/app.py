"""What the enrolment service hears and tells, and how it is run: topology and documentation follow from the tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from chassis.documents import Documents
from chassis.handling import Hears, Tell, UnknownType, told_by
from chassis.schedule import Schedule
from chassis.service import Service, run
from chassis.topology import UNROUTED
from instroom_contracts.catalog import EditionPublished
from instroom_contracts.cloudevent import CloudEvent
from instroom_contracts.enrolment import SourcesClaimed
from instroom_contracts.intake import AnswerRequested, EnrolmentCancellationRequested, EnrolmentRequested
from instroom_contracts.topology import traits
from services.enrolment import gauges, handlers, needs, rekeying, schema, settling, untold, waited
from services.enrolment.domain.values import Policy
from services.enrolment.internal import AsideTried, EditionSettling, PlacesUntold, PoolServing, WaitEnded
from services.enrolment.settings import Settings


def hears(policy: Policy) -> tuple[Hears, ...]:
    """Return what the service hears, with who handles it under this policy."""
    refuse = handlers.refuse_invalid
    enrol, cancel = partial(handlers.enrol, policy=policy), partial(handlers.cancel_enrolment, policy=policy)
    tell_again = partial(handlers.tell_again, policy=policy)
    return (
        Hears.of(EnrolmentRequested, enrol, refuse, needs.to_enrol),
        Hears.of(EnrolmentCancellationRequested, cancel, refuse, needs.to_cancel),
        Hears.of(AnswerRequested, tell_again, refuse, needs.to_tell_again, handlers.ask_later),
        Hears(UnknownType, UNROUTED, _hold, refuse),
        Hears.of(EditionPublished, settling.keep_edition, needs=needs.to_keep),
        Hears.of(SourcesClaimed, handlers.assign_sources, refuse),
    )


PORTIONS: tuple[Hears, ...] = (
    Hears(EditionSettling, "", settling.settle_edition, needs=needs.to_settle),
    Hears(PoolServing, "", settling.serve_pool, needs=needs.to_serve),
    Hears(PlacesUntold, "", untold.tell_of_places_gone),
)
"""What goes on in portions; it comes from no exchange."""

WAITS: tuple[Hears, ...] = (
    Hears(WaitEnded, "", waited.end_wait, needs=needs.to_end_wait),
    Hears(AsideTried, "", waited.try_again, needs=needs.to_try_again),
)
"""What falls due when a request has waited for its edition; it comes from no exchange either."""

TELLS = told_by("enrolment", kept=traits(AnswerRequested).answers)


def _hold(_: CloudEvent[UnknownType], __: Documents, ___: datetime) -> Sequence[Tell]:
    """Do nothing: a message of an unknown type is never valid, so it is refused before it would get here."""
    return ()


def service(settings: Settings) -> Service:
    """Return the service as these settings make it."""
    source = settings.source("enrolment")
    return Service(
        "enrolment",
        hears(settings.policy()),
        TELLS,
        schema.KEPT,
        schema.prepare,
        tasks=(Schedule(PORTIONS, WAITS, source).run, rekeying.rekey_again),
        looks=(gauges.seats,),
        migrations=(rekeying.rekey,),
    )


def main() -> None:
    """Run the service until it is told to stop."""
    settings = Settings()
    run(service(settings), settings)


if __name__ == "__main__":
    main()
