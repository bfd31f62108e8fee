"""Watching a stack in containers: alarms and dashboards, MongoDB's figures, and what single runs tell of themselves."""
