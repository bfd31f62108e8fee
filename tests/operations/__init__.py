"""What an operator does with a stack that has data: back up, restore, upgrade.

All but the upgrade from 0.2.0 needs a Docker engine; that one needs the commit of 0.2.0 in git.
"""
