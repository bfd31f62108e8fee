"""The AsyncAPI document in front of those who made AsyncAPI: their parser, their component, and a browser.

`npm.py` installs what the lock says, once for each lock, under `build/`; `python -m tests.asyncapi` is `make look`.
"""
