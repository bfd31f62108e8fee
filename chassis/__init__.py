"""The microservice chassis: what any service needs that is not its business.

A service gives it two tables (what it hears, what it tells) and pure handlers; the chassis consumes from RabbitMQ,
decides in batches, writes each batch in one MongoDB transaction, and relays what was told.
"""
