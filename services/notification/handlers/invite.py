"""A request for an invitation, or for its withdrawal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chassis.documents import Documents
from chassis.handling import Tell
from instroom_contracts.cloudevent import CloudEvent
from instroom_contracts.notification import InvitationRequested
from instroom_contracts.origin import origin_of
from services.notification.domain.invitation import invitation_id
from services.notification.domain.inviting import asked
from services.notification.domain.meeting import Meeting
from services.notification.storage.kinds import INVITATIONS, MEETINGS, meeting_id


def invite_or_withdraw(event: CloudEvent[InvitationRequested], documents: Documents, now: datetime) -> Sequence[Tell]:
    """Store an invitation or its withdrawal.

    Its session is written along as it is: a change of that at the same time makes this a conflict, and it is judged
    by the newest details when it is decided again.
    """
    request = event.data
    session = meeting_id(request.edition_id, request.session_id)
    meeting = documents.get(MEETINGS, session) or Meeting()
    id = invitation_id(request.enrolment_id, request.edition_id, request.session_id)
    known = documents.get(INVITATIONS, id)
    invitation = asked(known, request, meeting, origin_of(event), now)
    invitation = invitation.belonging_to(event.ownersource, event.provider)
    if invitation != known:
        documents.put(MEETINGS, session, meeting)
        documents.put(INVITATIONS, id, invitation)
    return ()
