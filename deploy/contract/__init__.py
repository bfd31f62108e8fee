"""What travels between Instroom and others, as one AsyncAPI 3 document, and the page on which a person reads it.

The document (`contracts/asyncapi.json`) is generated from what runs: the events of the contract with their samples, the
services' two tables, and the queues and exchanges that follow from them. `python -m deploy.contract` writes it.
"""
