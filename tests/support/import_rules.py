"""A kind of import rule that import-linter lacks: a package may import nothing but what is listed."""

from __future__ import annotations

import sys
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class OnlyContract(Contract):
    """`package` imports itself, the standard library and the packages `allowed`, and nothing else."""

    package: Any = fields.StringField()
    allowed: Any = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Find every import that leaves what is allowed."""
        within = {self.package, *graph.find_descendants(self.package)}
        permitted = {self.package, *self.allowed, *sys.stdlib_module_names}
        strangers = {
            f"{module} -> {imported}"
            for module in within
            for imported in graph.find_modules_directly_imported_by(module)
            if imported.partition(".")[0] not in permitted
        }
        return ContractCheck(kept=not strangers, metadata={"strangers": sorted(strangers)})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print the imports that are not allowed."""
        for stranger in check.metadata["strangers"]:
            output.print_error(stranger)
