"""What travels between Instroom and others, as one AsyncAPI 3 document, and rights that follow from it.

The document (`contracts/asyncapi.json`) is generated from what runs: the events of the contract with their samples, the
services' two tables, and the queues and exchanges that follow from them. `make asyncapi` writes it; `deploy.contract`
shows it to a person.
"""
