"""The catalogue: programmes, their editions and sessions, versioned and told to everybody.

Owns: editions as last published, and the meeting links of their sessions.
Hears: EditionSubmitted, RepublishRequested.
Tells: EditionPublished, SessionRescheduled, SessionCancelled, EditionCancelled, JoiningDetailsPublished,
RequestAccepted, RequestRefused.
"""
