"""Enrolment: decides once and for good who gets a place, a turn on the waiting list, or a refusal with its reason.

Owns pools with their seats, enrolments with their places, waiting lists, requests that wait for their edition, and who
may speak for which source.

Hears, on the intake, EnrolmentRequested and EnrolmentCancellationRequested; from the catalogue, EditionPublished; from
an operator, SourcesClaimed; from itself, that requests have waited long enough, and that long work goes on.

Tells the answer to each request (EnrolmentConfirmed, EnrolmentQueued, EnrolmentRejected, RequestRefused,
RequestAccepted), what changes later (EnrolmentCancelled, PlaceConfirmed, PlaceReleased), when a session is full or has
seats again (SessionFull, SessionReopened), and privately which mails are due (InvitationRequested, NoticeRequested).
"""
