"""Random histories of the service, lived through beside the reference model."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from hypothesis import strategies as st

from instroom_contracts import catalog
from instroom_contracts.cloudevent import EventData
from instroom_contracts.enrolment import (
    EnrolmentCancelled,
    EnrolmentConfirmed,
    EnrolmentQueued,
    EnrolmentRejected,
    SessionFull,
    SessionReopened,
)
from services.enrolment.domain.enrolment import Enrolment
from services.enrolment.domain.ids import SessionKey
from services.enrolment.storage.kinds import ENROLMENTS
from tests.support.memory import Contested
from tests.unit.enrolment.examples import ASKED, EDITION, STARTS, Desk, companion, edition, one_of, request, session
from tests.unit.enrolment.model import Model, Onlooker, Party

NAMES = ("robin", "kim", "sam", "lou", "noa", "bo", "max", "jip")
SISTER = "zustereditie"
DURING = STARTS + timedelta(minutes=30)
HALL, FOYER = "zaal", "foyer"
POOL_OF = {
    "start": f"{EDITION}/start",
    "een": f"{EDITION}/een",
    "twee": f"{EDITION}/twee",
    "drie": HALL,
    "elders": HALL,
}
"""Five sessions on four pools: "start" is for everyone, the hall is shared with another edition."""

SHARED = (HALL, FOYER)
OWN = {id: f"{SISTER if id == 'elders' else EDITION}/{id}" for id in POOL_OF}
POOLS = sorted({*OWN.values(), *SHARED})
PROVIDER = "aanbieder"

Capacity = st.one_of(st.integers(0, 3), st.none())
Seats = st.fixed_dictionaries(dict.fromkeys(POOLS, Capacity))


def id_of(pool: str) -> str:
    """Return the id under which the service keeps a pool."""
    return f"{PROVIDER}:{pool}" if pool in SHARED else pool


@dataclass(frozen=True)
class Enrol:
    """Somebody enrols, with so many companions in every session."""

    name: str
    chosen: frozenset[str]
    companions: int
    all_or_nothing: bool
    elsewhere: bool


@dataclass(frozen=True)
class Cancel:
    """One of the live enrolments is cancelled, a participant's or a companion's."""

    which: int


@dataclass(frozen=True)
class Offer:
    """A pool gets another number of seats."""

    pool: str
    capacity: int | None


@dataclass(frozen=True)
class Move:
    """Sessions of the main edition, or the one elsewhere, go to these rooms at once; None is a room of their own."""

    rooms: dict[str, str | None]
    pool: str
    capacity: int | None


@dataclass(frozen=True)
class Begin:
    """The sessions with a date begin."""


@dataclass(frozen=True)
class Toggle:
    """A session or an edition is cancelled, or goes ahead after all."""

    what: str


@dataclass(frozen=True)
class GoOn:
    """A portion of everything that was left undone is done."""


@dataclass(frozen=True)
class AtOnce:
    """Two processes do this at the same moment."""

    one: Step
    other: Step


Room = st.sampled_from([HALL, FOYER, None])
Rooms = st.one_of(
    st.dictionaries(st.sampled_from(["start", "een", "twee", "drie"]), Room, min_size=1),
    st.fixed_dictionaries({"elders": Room}),
)
Step = Enrol | Cancel | Offer | Move | Begin | Toggle | GoOn | AtOnce
STEP: st.SearchStrategy[Step] = st.one_of(
    st.builds(
        Enrol,
        st.sampled_from(NAMES),
        st.frozensets(st.sampled_from(["een", "twee", "drie"])),
        st.integers(0, 2),
        st.booleans(),
        st.booleans(),
    ),
    st.builds(Cancel, st.integers(0, 20)),
    st.builds(Offer, st.sampled_from(POOLS), Capacity),
    st.builds(Move, Rooms, st.sampled_from(POOLS), Capacity),
    st.builds(Begin),
    st.builds(Toggle, st.sampled_from([*POOL_OF, EDITION, SISTER])),
)
STEPS = st.lists(STEP, min_size=5, max_size=30)
ANY = STEP | st.builds(GoOn)
INTERRUPTED = st.lists(ANY, min_size=5, max_size=30)
"""Histories in which long work may be left for a while, and is gone on with when others have come in between."""

CONTESTED = st.lists(ANY | st.builds(AtOnce, ANY, ANY), min_size=5, max_size=30)
"""The same, decided by two processes; for a desk whose memory is `Contested`."""


@dataclass
class History:
    """The service and the model, living through the same steps."""

    seats: dict[str, int | None]
    now: datetime = ASKED
    version: int = 0
    leaves_work: bool = False
    off: frozenset[str] = frozenset()
    desk: Desk = field(default_factory=Desk)
    told: list[EventData] = field(default_factory=list)
    shown_full: dict[SessionKey, bool] = field(default_factory=dict)
    """What a website shows: full or not by the newest fact, or by how many seats were published before any."""

    def __post_init__(self) -> None:
        dates = {"start": STARTS, "een": STARTS + timedelta(hours=4), "twee": None, "drie": None, "elders": STARTS}
        kind = Onlooker if self.leaves_work else Model
        self.model = kind(dict(POOL_OF), dates, dict(self.seats))
        self.publish()

    def publish(self) -> None:
        """Publish both editions with the seats of this moment."""
        self.version += 1
        for id in (EDITION, SISTER):
            sessions = [self._session(session_id) for session_id in self.sessions_of(id)]
            state = "cancelled" if id in self.off else "open"
            for one in sessions:
                if one.capacity is None or (id, one.session_id) not in self.shown_full:
                    self.shown_full[id, one.session_id] = one.capacity == 0
            published = edition(*sessions, edition_id=id, state=state, version=self.version)
            self.hear(self.desk.publish(published, at=self.now))
        for edition_id, session_id in self.shown_full:
            if self.model.capacity[self.model.pool_of[session_id]] is None:  # no fact tells that, but the editions
                self.shown_full[edition_id, session_id] = False

    def hear(self, told: list[EventData]) -> None:
        """Take in what was told, as a website would."""
        self.told += told
        for fact in told:
            if isinstance(fact, SessionFull | SessionReopened):
                self.shown_full[fact.edition_id, fact.session_id] = isinstance(fact, SessionFull)

    @staticmethod
    def sessions_of(edition_id: str) -> tuple[str, ...]:
        """Return the sessions of an edition."""
        return ("elders",) if edition_id == SISTER else ("start", "een", "twee", "drie")

    def goes_ahead(self, session_id: str) -> bool:
        """Say whether neither a session nor its edition is cancelled."""
        return not {session_id, SISTER if session_id == "elders" else EDITION} & self.off

    def _session(self, id: str) -> catalog.Session:
        starts, pool = self.model.starts[id], self.model.pool_of[id]
        return session(
            id,
            starts_at=starts,
            attendance="everyone" if id in {"start", "elders"} else "choice",
            capacity=self.model.capacity[pool],
            pool=pool if pool in SHARED else None,
            companion="optional",
            state="cancelled" if id in self.off else "planned",
        )

    def as_it_is(self) -> Model:
        """Return a model of the parties and seats that the service has now."""
        sizes = {one.id: Counter[str]() for one in self.live() if one.main_id is None}
        seated = {id: set[str]() for id in sizes}
        for one in self.live():
            for place in (place for place in one.places if place.state != "released"):
                sizes[one.main_id or one.id][place.session_id] += 1
                if place.state == "confirmed":
                    seated[one.main_id or one.id].add(place.session_id)
        wishes = {one.id: one.all_or_nothing for one in self.live()}
        parties = {id: Party(size, wishes[id], seated[id]) for id, size in sizes.items()}
        return Model(dict(self.model.pool_of), self.model.starts, self.model.capacity, parties)

    @property
    def is_contested(self) -> bool:
        """Say whether two processes are at work."""
        return isinstance(self.desk.memory, Contested)

    def live(self) -> list[Enrolment]:
        """Return the enrolments that were not cancelled."""
        return [one for one in self.desk.memory.all(ENROLMENTS).values() if one.state != "cancelled"]

    def take(self, step: Step) -> None:
        """Live through one step."""
        match step:
            case Enrol():
                self._enrol(step)
            case Cancel(which):
                self._cancel(which)
            case Offer(pool, capacity):
                self.model.offer(pool, capacity, self.now)
                self.publish()
            case Move(rooms, pool, capacity):
                self._move({id: room or OWN[id] for id, room in rooms.items()}, pool, capacity)
            case Begin():
                self.now = max(self.now, DURING)
            case Toggle(what):
                self._toggle(what)
            case GoOn():
                self.hear(self.desk.go_on())
            case AtOnce(one, other):
                self._at_once(one, other)
        if not self.leaves_work:
            self.hear(self.desk.finish())

    def _at_once(self, one: Step, other: Step) -> None:
        memory = self.desk.memory
        assert isinstance(memory, Contested)
        memory.rival = partial(self.take, other)
        self.take(one)
        memory.rival = None

    def _move(self, rooms: dict[str, str], pool: str, capacity: int | None) -> None:
        if "elders" in rooms and self.model.pool_of["elders"] != pool:
            self.model.offer(pool, capacity, self.now)  # its edition is published last: nobody knows yet that it comes
        self.model.move(rooms, pool, capacity, self.now)
        self.publish()

    def _toggle(self, what: str) -> None:
        self.off ^= {what}
        self.model.call_off({id for id in POOL_OF if not self.goes_ahead(id)}, self.now)
        self.publish()

    def _enrol(self, step: Enrol) -> None:
        edition_id = SISTER if step.elsewhere else EDITION
        chosen = () if step.elsewhere else tuple(sorted(step.chosen))
        everyone = [id for id in ("elders" if step.elsewhere else "start",) if self.goes_ahead(id)]
        attended = (*everyone, *chosen)
        companions = step.companions if attended else 0
        beside = tuple(companion(f"{step.name}-{n}", *attended) for n in range(companions))
        before = {(one.edition_id, one.participant.email) for one in self.live()}
        asked = request(
            *chosen,
            name=step.name,
            at=self.now,
            edition_id=edition_id,
            companions=beside,
            all_or_nothing=step.all_or_nothing,
        )
        told = self.desk.told(asked)
        self.hear(told)
        if self.is_contested:  # then it depends on what came first
            return
        answer = one_of(told, EnrolmentConfirmed, EnrolmentQueued, EnrolmentRejected)
        people = [asked.data.participant, *(one.participant for one in beside)]
        refused = answer.reason if isinstance(answer, EnrolmentRejected) else None
        if not any(map(self.goes_ahead, self.sessions_of(edition_id))):
            assert refused == "edition-cancelled"
        elif any((edition_id, person.email) in before for person in people):
            assert refused == "already-enrolled"
        elif not all(map(self.goes_ahead, chosen)):
            assert refused == "unknown-session"
        elif not attended:
            assert refused == "too-few-choices"
        elif refused:
            assert refused == "session-over"
            assert self.now == DURING
        else:
            size = Counter(dict.fromkeys(attended, 1 + companions))
            self.model.enrol(answer.enrolment_id, Party(size, step.all_or_nothing), self.now)

    def _cancel(self, which: int) -> None:
        live = self.live()
        if not live:
            return
        one = live[which % len(live)]
        told = self.desk.cancel(one.id, at=self.now)
        self.hear(told)
        assert self.is_contested or one_of(told[:1], EnrolmentCancelled).enrolment_id == one.id
        if one.main_id:
            held = {place.session_id for place in one.places if place.state != "released"}
            self.model.shrink(one.main_id, held, self.now)
        else:
            self.model.cancel(one.id, self.now)
