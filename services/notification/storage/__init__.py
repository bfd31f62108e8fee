"""What is kept: the kinds of document, and where earlier releases kept it."""
