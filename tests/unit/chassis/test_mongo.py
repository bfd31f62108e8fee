"""What the driver's errors mean."""

from __future__ import annotations

import pytest
from pymongo.errors import NotPrimaryError, OperationFailure, PyMongoError, WriteConcernError

from chassis.errors import Conflict, InstroomError, Unavailable
from chassis.mongo import translated

STEPPING_DOWN = OperationFailure("stepping down", 11602, {"errorLabels": ["RetryableWriteError"]})
OVERTAKEN = OperationFailure("write conflict", 112, {"errorLabels": ["TransientTransactionError"]})


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (NotPrimaryError("another member leads now"), Unavailable),
        (WriteConcernError("no majority in time", 64), Unavailable),
        (STEPPING_DOWN, Unavailable),
        (OVERTAKEN, Conflict),
    ],
)
def test_trouble_of_the_database_is_no_fault_of_a_message(error: PyMongoError, meaning: type[InstroomError]) -> None:
    """The batch is decided again, at once or later; nothing goes to the quarantine."""
    with pytest.raises(meaning), translated():
        raise error


def test_what_the_database_refuses_stays_what_it_is() -> None:
    """Such a message is found by halving, and held."""
    with pytest.raises(OperationFailure), translated():
        raise OperationFailure("document failed validation", 121)
