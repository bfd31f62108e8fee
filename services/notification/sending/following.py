"""Following: lets what changed about a session reach its invitations, a portion at a time.

A session is changed by one write that marks it as `behind`, however many it invites. Its invitations are judged here
after that, each in a write of its own; one that comes to be sent before its turn is judged by the sender.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog
from pymongo.errors import PyMongoError

from chassis.documents import Document
from chassis.errors import Conflict, InstroomError
from chassis.mongo import Database
from chassis.resting import Resting
from chassis.store import Bulk, bulk_write
from services.notification.domain.invitation import Invitation
from services.notification.domain.inviting import judged
from services.notification.domain.meeting import Meeting
from services.notification.storage.kinds import INVITATIONS, MAILS, MEETINGS, UNREADABLE, readable

log = structlog.get_logger()

PORTION = 200
"""How many invitations are read, judged and written at once."""


class Following:
    """Judges the invitations of sessions that have changed."""

    def __init__(self, database: Database, clock: Callable[[], datetime], poll_s: float) -> None:
        self._sessions = database[MEETINGS.collection]
        self._invitations = database[MAILS]
        self._database = database
        self._clock = clock
        self._poll_s = poll_s
        self._resting = Resting(poll_s)

    async def run(self) -> None:
        """Follow until cancelled; trouble with the database is waited out."""
        while True:
            try:
                followed = await self.follow()
            except (InstroomError, PyMongoError) as error:
                log.warning("following_interrupted", error=type(error).__name__)
                followed = False
            if not followed:
                await asyncio.sleep(self._poll_s)

    async def follow(self) -> bool:
        """Judge a portion of the invitations of each session that is behind; False where there is none left."""
        followed = False
        resting = self._resting.keys()
        async for document in self._sessions.find({"behind": True, "_id": {"$nin": resting}}):
            followed |= await self._follow_readable(document)
        return followed

    async def _follow_readable(self, session: Document) -> bool:
        """Follow a session, or let one rest that cannot be read: whoever follows it waits until it is mended."""
        try:
            meeting = MEETINGS.read(session)
        except Exception:  # whatever is wrong with it, other sessions go on
            pause = self._resting.failed(session["_id"])
            log.exception("background_unreadable", session_id=session["_id"], seconds=pause)
            return False
        self._resting.done(session["_id"])
        return await self._follow(session, meeting)

    async def _follow(self, session: Document, meeting: Meeting) -> bool:
        """Judge a portion of one session's invitations, and note when none is behind any more.

        One that is being sent is judged when that has ended; until then the session stays behind.
        """
        behind = _behind(session["_id"], meeting)
        waiting = {**behind, "delivery.state": {"$nin": ["sending", UNREADABLE]}}
        portion = await self._invitations.find(waiting).limit(PORTION).to_list(None)
        if portion:
            await self._judge(portion, meeting)
        elif await self._invitations.find_one({**behind, "delivery.state": "sending"}, {"_id": 1}) is None:
            all_followed = {"$set": {"behind": False}, "$inc": {"revision": 1}}
            await self._sessions.update_one({"_id": session["_id"], "version": meeting.version}, all_followed)
        return bool(portion)

    async def _judge(self, portion: list[Document], meeting: Meeting) -> None:
        """Judge these invitations; one that somebody else changed meanwhile is found again."""
        now = self._clock()
        after: list[Document] = []
        for document in portion:
            invitation: Invitation | None = await readable(self._database, document)
            if invitation:
                changed = INVITATIONS.write(judged(invitation, meeting, now))
                after.append({"_id": document["_id"], "revision": document["revision"] + 1, **changed})
        try:
            await bulk_write(self._database, MAILS, Bulk(replaced=after), None)
        except Conflict:
            log.debug("invitations_changed_meanwhile", count=len(after))


def _behind(session: str, meeting: Meeting) -> Document:
    """Select the invitations to a session that were judged by an earlier version of it."""
    return {"session": session, "seen": {"$not": {"$gte": meeting.version}}}
