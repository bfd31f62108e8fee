"""Tests of the notification service without servers."""
