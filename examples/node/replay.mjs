// Read from the stream what was told since a date, each fact once: node replay.mjs DATE, such as 2026-01-31.
//
// It ends when nothing has come for two seconds. To go on from there, keep listening on a queue of your own that was
// bound before the replay: what comes twice is recognised by its source and id.

import amqp from "amqplib";
import { STREAM } from "instroom-contracts";

const QUIET_MS = 2000;
const moment = new Date(process.argv[2]);
const offset = { "!": "timestamp", value: Math.floor(moment.getTime() / 1000) }; // tells amqplib that it is a timestamp

const connection = await amqp.connect(process.env.RABBITMQ_URL);
const channel = await connection.createChannel();
await channel.prefetch(200); // a stream demands it, and acknowledgements

const seen = new Set();
const quiet = setTimeout(() => connection.close(), QUIET_MS);
await channel.consume(
  STREAM,
  (message) => {
    quiet.refresh();
    channel.ack(message); // asks for more; a stream keeps what it has
    const fact = JSON.parse(message.content);
    const key = `${fact.source} ${fact.id}`;
    if (seen.has(key)) return; // after a crash a fact may be told again
    seen.add(key);
    if (new Date(fact.time) < moment) return; // the stream begins somewhat earlier
    const { editionId, sessionId, sessionVersion } = fact.data;
    console.log(fact.time, fact.type, ...[editionId, sessionId, sessionVersion].filter(Boolean));
  },
  { arguments: { "x-stream-offset": offset } },
);
