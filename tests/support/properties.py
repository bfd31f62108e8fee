"""Properties as senders write them, well and badly, for random tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st
from pamqp.commands import Basic

shorts = st.text(max_size=60)
moments = st.integers(0, 2**32 - 1).map(lambda seconds: datetime.fromtimestamp(seconds, tz=UTC))
plain = (
    st.text()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, width=32)
    | moments
    | st.none()
    | st.binary().map(bytearray)
    | st.decimals(-999_999, 999_999, places=3)
)
names = st.text(max_size=30)
values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=6
)
properties = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("content_type", "content_encoding", "correlation_id", "reply_to"), shorts),
        **dict.fromkeys(("message_id", "message_type", "user_id", "app_id"), shorts),
        "expiration": st.integers(0, 10**9).map(str),
        "headers": st.dictionaries(names, values, max_size=6),
        "delivery_mode": st.sampled_from([1, 2]),
        "priority": st.integers(0, 255),
        "timestamp": moments,
    },
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Give properties with a few bytes changed, as a careless or a hostile client would."""
    written: dict[str, Any] = draw(properties)
    data = bytearray(Basic.Properties(**written).marshal())
    for at in draw(st.lists(st.integers(0, len(data) - 1), max_size=4)):
        data[at] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(2, len(data)))])
