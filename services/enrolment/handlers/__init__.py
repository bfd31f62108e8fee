"""What is done about each thing that is heard: a handler, with what it will need, in a file for each.

A handler reads what is kept, lets the rules decide, and returns what to tell. What it will need, as far as can be
foreseen, is asked for together, so that a batch is read in a few queries.
"""
