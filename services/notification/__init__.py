"""Notification: owns invitations to sessions and notices about waiting lists and refusals, and mails them.

Hears `EditionPublished` and `JoiningDetailsPublished` (when a session is, where, and by which link),
`InvitationRequested` and `NoticeRequested` (whom to write to, and what about). Tells `InviteSent` and `InviteFailed`.
A mail is stored first and sent after; where a mail server's silence leaves its fate unknown, it is held and listed.
"""
