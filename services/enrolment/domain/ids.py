"""What things are called by: ids that follow from what they name, so that the same request leads to the same one."""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID, uuid5

from instroom_contracts.intake import Participant
from instroom_contracts.mailbox import mailbox
from instroom_contracts.visible import plain

NAMESPACE = UUID("3b1f8a52-6d0e-4b6c-9a57-2f4f6e0d8c11")
SessionKey = tuple[str, str]
"""The pair that names a session: its edition's id and its own."""


def enrolment_id(source: str, request_id: str) -> str:
    """Return the id of the enrolment that a request leads to; the same request leads to the same id."""
    return str(uuid5(NAMESPACE, f"{source} {request_id}"))


def companion_id(main_id: str, number: int) -> str:
    """Return the id of a companion's enrolment (number from 1), in a name space that no request can reach."""
    return str(uuid5(UUID(main_id), f"#{number}"))


def turn_id(main_id: str, session_id: str) -> str:
    """Return the id of the turn of a party, named by its main enrolment, in a session."""
    return f"{main_id}/{session_id}"


def invite_id(enrolment_id: str, session_id: str) -> str:
    """Return the id of an invitation: one per enrolment and session, for all its updates."""
    return sha256(f"{enrolment_id}/{session_id}".encode()).hexdigest()[:32]


def participant_key(edition_id: str, participant: Participant) -> str:
    """Return the hash that names a participant in an edition: the mailbox, however it is spelt, and the reference."""
    reference = plain(participant.reference or "")
    return sha256(f"{edition_id}\n{mailbox(participant.email)}\n{reference}".encode()).hexdigest()
