"""Reference 2, the textbook consumer: FastStream and MongoDB as their own guides show them.

A subscriber with a pydantic model and injected dependencies, one transaction per request (read the decision and the
pool, insert the decision, update the pool), one published answer, then FastStream's own acknowledgement. Its favours:
FastStream's log line per message is off, and its prefetch count is the one that was fastest. Run as
`python -m tests.bench.textbook`; it works until it is told to stop.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from typing import Annotated, Any

from faststream import Depends, FastStream
from faststream.rabbit import Channel, ExchangeType, RabbitBroker, RabbitExchange, RabbitMessage, RabbitQueue
from motor.motor_asyncio import AsyncIOMotorClient

from instroom_contracts.cloudevent import CloudEvent
from instroom_contracts.intake import EnrolmentRequested
from tests.bench.layout import ANSWERS, TEXTBOOK
from tests.bench.messages import answer

PREFETCH = 50

fact = answer()
broker = RabbitBroker(
    os.environ["RABBITMQ_URL"],
    default_channel=Channel(prefetch_count=PREFETCH),
    app_id=fact.app_id,
    log_level=logging.DEBUG,
)
app = FastStream(broker)
client: Any = AsyncIOMotorClient(os.environ["MONGO_URL"])
answers = RabbitExchange(ANSWERS, type=ExchangeType.TOPIC, declare=False)


async def decode(message: RabbitMessage) -> Any:
    """Read the body, which FastStream leaves as bytes for this content type."""
    return json.loads(message.body)


async def mongo() -> Any:
    """Return the database client."""
    return client


async def decide(session: Any, request: CloudEvent[EnrolmentRequested]) -> None:
    """Give the request a place in its edition's pool, unless it has been decided."""
    database = session.client[os.environ["MONGO_DATABASE"]]
    key = f"{request.source} {request.id}"
    if await database.decisions.find_one({"_id": key}, session=session):
        return
    pool = await database.pools.find_one({"_id": request.data.edition_id}, session=session)
    decision = {"_id": key, "edition": pool["_id"], "number": pool["taken"] + 1}
    await database.decisions.insert_one(decision, session=session)
    await database.pools.update_one({"_id": pool["_id"]}, {"$inc": {"taken": 1}}, session=session)


@broker.subscriber(RabbitQueue(TEXTBOOK, declare=False), decoder=decode)
async def enrol(request: CloudEvent[EnrolmentRequested], database: Annotated[Any, Depends(mongo)]) -> None:
    """Decide one request and publish the answer."""
    async with await database.start_session() as session:
        await session.with_transaction(lambda opened: decide(opened, request))
    await broker.publish(
        fact.body,
        exchange=answers,
        routing_key=fact.routing_key,
        persist=True,
        headers=dict(fact.headers),
        message_id=request.id,
        correlation_id=request.id,
        content_type=fact.content_type,
        message_type=fact.type,
        timestamp=fact.timestamp,
    )


if __name__ == "__main__":
    asyncio.run(app.run())
