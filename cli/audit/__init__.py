"""The audit: proves from live data that the promises hold, knowing nothing of how the services keep them.

`evidence` is what was found, as plain data; `readers` find it in the databases, the replay stream and the queues. Each
promise is one function from evidence to a verdict, in `seats`, `answers`, `waiting`, `mails` and `leftovers`; `history`
plays the facts of the waiting lists again. `auditor` asks all of them, and again while something is still on its way;
`command` shows what they say.
"""
