"""Copies of all that a stack keeps: its databases, the broker's definitions, and the messages in stream and queues.

Made while the services are stopped, so that all of it is of one moment: requests wait in their queues meanwhile.
"""
