"""Running a service: connect, declare, consume, relay, answer health checks, and stop without losing anything."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import structlog
import uvloop
from aio_pika.exceptions import AMQPError
from faststream.asgi import AsgiFastStream
from faststream.rabbit import RabbitBroker

from chassis import allowances, connections, health, logs, outbox, quarantine, topology
from chassis.clock import COLLECTION as CLOCK
from chassis.clock import Clock, SettableClock
from chassis.committer import Committer, Limits
from chassis.consumer import LOST, Consumer
from chassis.due import DUE
from chassis.errors import Unavailable, is_asked_to_stop
from chassis.gauges import Gauges, Look
from chassis.handling import Hears, Tells
from chassis.kept import Collected, Kept, make
from chassis.management import looking
from chassis.mongo import Database, Mongo
from chassis.outbox import Teller
from chassis.refusals import Refusals
from chassis.relay import Relay
from chassis.replies import DECIDED
from chassis.senders import SENDERS
from chassis.settings import CONNECT_TIMEOUT_S, ServiceSettings
from chassis.tracing import OFF, Tracer

log = structlog.get_logger()

GC_THRESHOLDS = (20_000, 20, 20)
"""A batch makes thousands of short-lived objects that reference counting frees: look for cycles less often."""
RECONNECT_S = 1.0
SWITCH_INTERVAL_S = 0.0005
"""Motor's threads wait for the interpreter's lock several times per operation, each time up to this long."""


@dataclass(frozen=True)
class Running:
    """A service at work, as its background tasks see it."""

    mongo: Mongo
    database: Database
    teller: Teller
    consumer: Consumer
    relay: Relay
    tracer: Tracer
    clock: Clock


KEPT: tuple[Collected, ...] = (
    *(DECIDED, DUE, SENDERS, allowances.ALLOWANCES),
    Kept(outbox.COLLECTION, ("events.body",)),
    Kept(quarantine.COLLECTION, ("body", "headers", "problems")),
    Kept("counters", ()),
    Kept("leases", ()),
    Kept(CLOCK, ()),
)
"""What every service keeps. A fact names nobody; what is told to notification does, until it is told."""

Task = Callable[[Running], Coroutine[Any, Any, None]]
Migration = Callable[[Mongo, Database], Awaitable[None]]
"""Brings what an earlier release stored into the form of this one, before anything is decided; at every start."""
Remark = Callable[[Database], Awaitable[str | None]]
"""Say in a sentence what an operator should know of a service that is ready; None where there is nothing."""


@dataclass(frozen=True)
class Service:
    """A service: its name, its two tables, what it keeps and how that is prepared, and what it does besides listening.

    `looks` read the figures that it shows besides those that every service does, `remarks` what `/readyz` says besides.
    """

    name: str
    hears: tuple[Hears, ...]
    tells: tuple[Tells, ...]
    keeps: Sequence[Collected]
    prepare: Callable[[Database, datetime], Awaitable[None]]
    tasks: Sequence[Task] = ()
    looks: Sequence[Look] = ()
    migrations: Sequence[Migration] = ()
    remarks: Mapping[str, Remark] = field(default_factory=dict)


def tracer_of(source: str, name: str, collector: str) -> Tracer:
    """Return what makes the spans of the service with this name and `source`; `OFF` without a collector's address."""
    if not collector:
        return OFF
    from chassis.spans import exporting  # noqa: PLC0415  what is off is not imported

    return exporting(source, name)


class Runner:
    """Brings one service up and down around FastStream's broker."""

    def __init__(self, service: Service, settings: ServiceSettings) -> None:
        self._service = service
        self._settings = settings
        self._url = settings.broker_url(service.name)
        self._mongo = Mongo(settings.mongo_url.get_secret_value(), driver=settings.mongo_driver)
        self._database = self._mongo.database(settings.mongo_database)
        self._heard = topology.heard_queues(service.name, service.hears)
        source, name = settings.source(service.name), f"instroom-{service.name}"
        tracer = tracer_of(source, name, settings.otel_exporter_otlp_endpoint)
        teller = Teller.of(source, service.tells)
        refusals = Refusals(looking(settings.rabbitmq_management_url, self._url))
        poll_s = settings.outbox_poll_ms / 1000
        relay = Relay(self._url, self._database, name, poll_s=poll_s, tracer=tracer, refusals=refusals)
        clock = (SettableClock if settings.clock == "settable" else Clock)(self._database)
        self._committer = Committer(
            self._mongo,
            self._database,
            teller,
            after_commit=relay.wake,
            admission=settings.admission,
            clock=clock,
            tracer=tracer,
        )
        self._limits = Limits(settings.batch_size, settings.batch_wait_ms / 1000)
        consumer = Consumer(self._committer, self._heard, self._limits, tracer)
        self._running = Running(self._mongo, self._database, teller, consumer, relay, tracer, clock)
        self._broker = self._make_broker()
        self._tasks: list[asyncio.Task[None]] = []
        self.failed = False
        self._has_started = False
        self._stopping = False

    async def run(self) -> None:
        """Work until told to stop; until the servers are up there is nothing to finish, and a signal just ends it."""
        await self._wait_for_servers()
        options = {"host": self._settings.http_host, "port": str(self._settings.http_port)}
        quiet = {"access_log": "false", "log_config": None}
        await self._app().run(log_level=logging.WARNING, run_extra_options={**options, **quiet})

    def _app(self) -> AsgiFastStream:
        """Return the ASGI application: health routes outside, the consumers inside."""
        return AsgiFastStream(
            self._broker,
            asgi_routes=health.routes(
                {"mongodb": self._database_trouble, "rabbitmq": self._broker_trouble},
                {about: partial(remark, self._database) for about, remark in self._service.remarks.items()},
            ),
            lifespan=self._lifespan,
            after_startup=[self._begin_consuming],
            on_shutdown=[self._drain],
            logger=None,
        )

    def _make_broker(self) -> RabbitBroker:
        broker = RabbitBroker(
            self._url,
            apply_types=False,
            timeout=CONNECT_TIMEOUT_S,
            graceful_timeout=self._settings.graceful_timeout_s,
            reconnect_interval=RECONNECT_S,
            logger=None,
        )
        # Deliveries are taken off the connection: FastStream has no argument for its class (docs/decisions/0030).
        broker._connection_kwargs["connection_class"] = connections.consuming(self._running.consumer)  # noqa: SLF001
        for name, heard in self._heard.items():
            broker.subscriber(
                topology.queue(name, topology.routing_key(heard)),
                topology.exchange(heard.exchange),
                channel=topology.own_channel(self._limits.prefetch),
            )  # without a handler it declares and binds its queue, and does not consume
        return broker

    async def _begin_consuming(self) -> None:
        self._has_started = True
        task = asyncio.create_task(self._consume())
        task.add_done_callback(lambda done: self._ended(done) if done.cancelled() or done.exception() else None)
        self._tasks.append(task)

    async def _consume(self) -> None:
        """Consume every queue, once all are declared; a connection that is lost meanwhile is waited for."""
        for name, heard in self._heard.items():
            queue = await self._broker.declare_queue(topology.queue(name, topology.routing_key(heard)))  # it is known
            while True:
                try:
                    await queue.consume(_never_called)
                    break
                except (*LOST, asyncio.CancelledError) as error:
                    if is_asked_to_stop():
                        raise
                    log.warning("consuming_later", queue=name, error=type(error).__name__)
                    await asyncio.sleep(RECONNECT_S)

    @contextlib.asynccontextmanager
    async def _lifespan(self) -> AsyncIterator[None]:
        running = self._running
        await make(self._database, (*KEPT, *self._service.keeps))
        await quarantine.prepare(self._database)
        await allowances.prepare(self._database)
        await outbox.prepare(self._database)
        await running.clock.prepare()
        await self._service.prepare(self._database, running.clock.now())
        for migrate in self._service.migrations:
            await migrate(self._mongo, self._database)
        gauges = Gauges(self._database, self._service.looks, running.clock.now)
        jobs = [
            running.consumer.run(),
            running.relay.run(),
            gauges.run(),
            running.clock.run(),
            *(task(running) for task in self._service.tasks),
        ]
        self._tasks = [asyncio.create_task(job) for job in jobs]
        for task in self._tasks:
            task.add_done_callback(self._ended)
        log.info("service_started", driver=self._settings.mongo_driver, port=self._settings.http_port)
        try:
            yield
        except BaseException as error:
            if not self._has_started:  # FastStream's part failed, and the web server would go on by itself
                self._fail(error)
            raise
        finally:
            await self._end()
            log.info("service_stopped")

    async def _wait_for_servers(self) -> None:
        """Declare what is needed on the broker and reach the database, as often as it takes for both to be up."""
        while True:
            try:
                await self._mongo.ping()
                async with await connections.connect_robust(self._url, timeout=CONNECT_TIMEOUT_S) as connection:
                    await topology.declare(connection, list(self._heard))
                    await topology.declare_heard(connection, self._heard)
            except (AMQPError, OSError, Unavailable) as error:
                log.warning("waiting_for_servers", error=type(error).__name__)
                await asyncio.sleep(1.0)
            else:
                return

    async def _drain(self) -> None:
        """Finish and acknowledge the batch at hand, before FastStream closes the connection."""
        self._stopping = True
        await self._running.consumer.stop()
        await asyncio.wait(self._tasks[:1], timeout=self._settings.graceful_timeout_s)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Stop the whole service when a part of it fails, so that whoever watches over it starts it afresh."""
        if not self._stopping:
            self._fail(None if task.cancelled() else task.exception())

    def _fail(self, error: BaseException | None) -> None:
        log.error("service_failed", error=type(error).__name__, exc_info=error)
        self.failed = True
        signal.raise_signal(signal.SIGTERM)

    async def _end(self) -> None:
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._running.relay.close()
        await self._mongo.close()
        await asyncio.to_thread(self._running.tracer.close)

    async def _database_trouble(self) -> str | None:
        if not self._committer.available:
            return "the database does not answer; messages wait in their queues"
        try:
            await self._mongo.ping()
        except Unavailable as error:
            return str(error)
        return None

    async def _broker_trouble(self) -> str | None:
        """Ask the broker itself whether somebody consumes from each queue."""
        try:
            async with asyncio.timeout(3):
                return await self._idle_queue() or self._running.consumer.trouble()
        except (AMQPError, OSError, TimeoutError, RuntimeError) as error:
            return f"RabbitMQ does not answer: {type(error).__name__}"

    async def _idle_queue(self) -> str | None:
        connection = await self._broker.connect()
        async with connection.channel() as channel:
            for name in self._heard:
                declared = await channel.declare_queue(name, passive=True)
                if not declared.declaration_result.consumer_count:
                    return f"nobody consumes from {name}"
        return None


async def _never_called(_: object) -> None:
    """Stand in for what would take deliveries: they are taken before (`chassis.incoming`)."""


def run(service: Service, settings: ServiceSettings) -> None:
    """Run a service until it is told to stop; the process ends with 1 where a part of it failed."""
    logs.configure(service.name, settings.log_level)
    runner = Runner(service, settings)
    gc.freeze()  # what was imported lives as long as the process: no collection need look at it again
    gc.set_threshold(*GC_THRESHOLDS)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    uvloop.run(runner.run())
    sys.exit(1 if runner.failed else 0)
