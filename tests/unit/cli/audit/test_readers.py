"""The readers, as far as no server is needed; the rest is tested on real ones."""

from __future__ import annotations

import subprocess
import sys

from cli.audit import readers


def test_the_audit_knows_no_service() -> None:
    """An auditor that shares code with whom it audits shares their mistakes."""
    program = "import sys, cli.audit.auditor, cli.audit.readers; print(*[m for m in sys.modules if 'services' in m])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_participant_is_known_by_address_without_case_and_reference() -> None:
    """And by a digest only: an audit's report may be passed on."""
    robin = readers._digest({"email": "Robin@Example.org", "reference": None}, "e1")
    assert robin == readers._digest({"email": "robin@example.org", "reference": " "}, "e2")
    assert robin != readers._digest({"email": "robin@example.org", "reference": "2"}, "e3")
    assert "robin" not in robin


def test_an_erased_participant_is_nobody_else() -> None:
    """Two erased participants are two people."""
    assert readers._digest({}, "e1") != readers._digest({}, "e2")


def test_an_invitation_that_somebody_spoilt_does_not_end_the_audit() -> None:
    """It is named among what waits for the operator, under the place that it is for where that can be read."""
    spoilt = {"_id": "x", "enrolmentId": "bob", "editionId": "leeratelier", "sessionId": "ronde-1", "delivery": 7}
    for also in ({}, {"mail": {"method": "REQUEST", "sequence": 0}, "askedMethod": "REQUEST", "askedAt": "soon"}):
        read = readers._invitation({**spoilt, **also})
        assert (read.enrolment, read.session, read.state) == ("bob", ("leeratelier", "ronde-1"), "unreadable")
    assert readers._invitation({"_id": "x"}).state == "unreadable"
