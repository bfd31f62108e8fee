"""Tests of the notification service on real servers."""
