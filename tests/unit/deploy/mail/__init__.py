"""Tests of the mail server for development, and of the page on which a person reads what it kept."""
