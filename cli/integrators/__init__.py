"""Other systems on the broker: `accounts`, `parts` of the facts that one may read, and `inlets` that lead facts back.

Owns no account: the broker keeps them. `instroom integrator` changes them, and `instroom status` looks for inlets.
"""
