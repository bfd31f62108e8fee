"""The effects of facts in a subscriber's own store, where it says how to look at that: a command that prints it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from instroom_checking.trouble import Trouble

LOOK_EVERY_S = 0.1
LOOK_WITHIN_S = 15.0
FAILS_FOR_S = 5.0


@dataclass(frozen=True)
class Effects:
    """Looks at a store by running a shell command; two looks that print the same found the same."""

    command: str

    async def look(self) -> bytes:
        """Return what the command prints. Raises `Trouble` where it fails time and again: a store may be locked."""
        now = asyncio.get_running_loop().time
        deadline = now() + FAILS_FOR_S
        while True:
            code, out, err = await self._run()
            if code == 0:
                return out
            if now() > deadline:
                said = err.decode(errors="replace").strip()
                raise Trouble(f"--state: the command ends with code {code}. {said}".strip())
            await asyncio.sleep(LOOK_EVERY_S)

    async def _run(self) -> tuple[int | None, bytes, bytes]:
        process = await asyncio.create_subprocess_shell(
            self.command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(LOOK_WITHIN_S):
                out, err = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise Trouble(f"--state: the command did not end within {LOOK_WITHIN_S:g} s.") from None
        return process.returncode, out, err

    async def differs(self, before: bytes, within_s: float) -> bool:
        """Tell whether the store comes to differ from what it was."""
        now = asyncio.get_running_loop().time
        deadline = now() + within_s
        while await self.look() == before:
            if now() > deadline:
                return False
            await asyncio.sleep(LOOK_EVERY_S)
        return True
