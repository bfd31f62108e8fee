"""The page on which a person reads what travels between Instroom and others (`page`), and what to do (`runbook`).

Shows `contracts/asyncapi.json` as it is committed; `make asyncapi` writes that.
"""
