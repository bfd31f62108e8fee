"""The contract with everybody outside Instroom: what travels on the bus, and in which form.

Owns the envelope (`cloudevent`), the requests that other systems send (`intake`), the facts that the services tell
(`catalog`, `enrolment`, `notification`), and the names on the broker (`topology`). Needs pydantic and idna, and
no broker library.
"""
