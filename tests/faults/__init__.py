"""The promises under faults: processes that are killed or stall, a broker and a database that go away in mid-load.

Each test lets many systems ask for places (`load.py`), breaks something meanwhile, and checks afterwards, by the
databases and the replay stream, that nothing was lost and nothing was decided twice.
"""
