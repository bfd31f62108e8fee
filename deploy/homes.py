"""Where this clone is, and the folders in it in which its stacks keep what they have."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
USUAL_HOME = ROOT / ".local"
SANDBOX_HOME = ROOT / ".sandbox"
"""Where the stack lives on which anything may be tried."""
