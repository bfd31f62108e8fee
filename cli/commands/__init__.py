"""The commands that need one file: each reads what was typed, asks the servers, and shows the outcome.

Those with more have a folder of their name. None imports another; what several of them need stands in `cli`.
"""
