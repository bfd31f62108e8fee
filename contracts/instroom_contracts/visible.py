"""What can be seen of a text: the one place that decides which characters are taken out of everything people write.

Characters without a shape of their own turn the reading order around, hide an address from whoever looks for one, and
make two texts of what people see as one. They come with text that was copied from a page or a phone, so whoever sends
them seldom knows; hence they are taken out, and nothing is refused for them.
"""

from __future__ import annotations

import re
from unicodedata import normalize

from idna.core import valid_contextj

JOINERS = "\u200c\u200d"
"""They join and part the letters of Persian, Hindi and others, and are kept where such a script asks for them."""

# Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt), then the marks of annotations and the controls of
# ISO 6429, some of which a terminal acts on.
_UNSEEN = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    r"\ufff9-\ufffb\x80-\x84\x86-\x9f]"
)
_REACH = 4
_LINE_ENDS = re.compile(r"[\x85\u2028\u2029]")


def visible(text: str) -> str:
    """Return a text without what cannot be seen in it; every kind of line end that is none in ASCII becomes one."""
    return text if text.isascii() else _UNSEEN.sub(_if_joining, _LINE_ENDS.sub("\n", text))


def plain(text: str) -> str:
    """Return the form in which two texts are one and the same: what can be seen, composed (NFC), with single spaces."""
    return " ".join(normalize("NFC", visible(text)).split())


def _if_joining(found: re.Match[str]) -> str:
    """Keep a joiner between letters that it acts on. RFC 5892, appendices A.1 and A.2."""
    return found[0] if found[0] in JOINERS and _joins(found.string, found.start()) else ""


def _joins(text: str, at: int) -> bool:
    """Look at the nearest characters only: in a text made for it, looking further would take for ever."""
    start = max(at - _REACH, 0)
    try:
        return valid_contextj(text[start : at + _REACH + 1], at - start)
    except ValueError:  # a neighbour that Unicode has no name for
        return False
