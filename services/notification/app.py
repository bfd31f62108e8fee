"""The notification service's table of contents: what it hears, what it tells, and how it is run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from chassis.handling import Hears, Tell, told_by
from chassis.mongo import Database, Transaction
from chassis.service import Running, Service, run
from instroom_contracts.catalog import EditionPublished, JoiningDetailsPublished
from instroom_contracts.notification import InvitationRequested, NoticeRequested
from services.notification import gauges
from services.notification.handlers import sessions
from services.notification.handlers.invite import invite_or_withdraw
from services.notification.handlers.notify import notify
from services.notification.sending import limits, pausing
from services.notification.sending.following import Following
from services.notification.sending.ledger import MongoLedger
from services.notification.sending.sender import Sender
from services.notification.sending.smtp import SmtpConnection
from services.notification.settings import Settings
from services.notification.storage import kinds, migration
from services.notification.writing.composing import compose

HEARS: tuple[Hears, ...] = (
    Hears.of(EditionPublished, sessions.keep_edition),
    Hears.of(JoiningDetailsPublished, sessions.keep_link),
    Hears.of(InvitationRequested, invite_or_withdraw),
    Hears.of(NoticeRequested, notify),
)

TELLS = told_by("notification")


async def send(running: Running, settings: Settings) -> None:
    """Send mails until cancelled."""

    async def tell(transaction: Transaction, tells: Sequence[Tell], now: datetime) -> None:
        await running.teller.tell_in(running.database, running.tracer.under(tells), now, transaction)

    ledger = MongoLedger(
        running.database, running.mongo.transaction, tell, terms=settings.terms(), leases=settings.leases()
    )
    await Sender(
        ledger,
        partial(compose, identity=settings.identity()),
        partial(SmtpConnection, settings.server(), running.tracer),
        running.clock.now,
        settings.pace(),
        running.tracer,
    ).run()


async def prepare(database: Database, _: datetime) -> None:
    """Make ready what is kept, and try at once whether the mail server takes mails again."""
    await kinds.prepare(database)
    await limits.prepare(database)
    await pausing.prepare(database)


async def follow(running: Running, settings: Settings) -> None:
    """Let changes of sessions reach their invitations until cancelled."""
    await Following(running.database, running.clock.now, settings.pace().poll_s).run()


def service(settings: Settings) -> Service:
    """Return the service as these settings make it."""
    tasks = (partial(send, settings=settings), partial(follow, settings=settings))
    looks, remarks = (gauges.mails, gauges.overdue, gauges.paused), {"mail": pausing.remark}
    return Service(
        *("notification", HEARS, TELLS, kinds.KEPT, prepare),
        tasks=tasks,
        looks=looks,
        migrations=(migration.migrate,),
        remarks=remarks,
    )


def main() -> None:
    """Run the service until it is told to stop."""
    settings = Settings()
    run(service(settings), settings)


if __name__ == "__main__":
    main()
