// Copy what the package shares with the Python one. npm runs this before it packs, and after an install from this folder.
import { cpSync, rmSync } from "node:fs";

for (const [name, origin] of [["schemas", "../schemas"], ["samples", "../samples"], ["LICENSE", "../LICENSE"]]) {
  const [from, to] = [new URL(origin, import.meta.url), new URL(name, import.meta.url)];
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true });
}
