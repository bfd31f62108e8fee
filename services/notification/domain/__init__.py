"""The rules of mailing: pure, without clock or chance.

`meeting`, `invitation` and `notice` are what is kept; a `letter` is one of the last two. `inviting` says what an
invitation comes to: by what was asked last, the session as it is, and what the participant's calendar shows. `delivery`
says how far one mail has come, `standing` how we stand with the mail server, `daily` what one mailbox gets in a day.
"""
