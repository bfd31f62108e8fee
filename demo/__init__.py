"""The demonstration: other systems enrol a few hundred people in the five programmes, and the promises are audited.

It knows Instroom as any other system does: plain AMQP and the contracts package, and the command line for the audit.
"""
