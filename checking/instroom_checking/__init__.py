"""Check another system's publisher or subscriber: stand between it and the broker, and judge what passes.

A distribution of its own, beside the contracts: whoever checks a system needs nothing of a service. `instroom-check`
runs it, and `instroom integration check` is the same.

Owns exchanges and queues of its own on the broker, for as long as a check takes. Hears every frame that the system
under test sends; tells it facts and answers that nobody else gets. Nothing reaches Instroom itself.
"""
