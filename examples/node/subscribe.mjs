// Hear every fact on a durable queue of your own, until Ctrl-C: node subscribe.mjs.
//
// While it is away, the queue keeps what is told. A fact may come twice: to print it twice does no harm. Where work may
// be done once only, see inbox.mjs.

import amqp from "amqplib";
import { EVENTS } from "instroom-contracts";

const QUEUE = "int.formulier.facts";

// Runs on every connection, the first and those that follow one that was lost.
async function listen(connection) {
  const channel = await connection.createChannel();
  await channel.prefetch(100);
  await channel.assertQueue(QUEUE, { durable: true, arguments: { "x-queue-type": "quorum" } });
  await channel.bindQueue(QUEUE, EVENTS, "#"); // or only the types that you need, with a bind for each
  await channel.consume(QUEUE, (message) => {
    const fact = JSON.parse(message.content);
    console.log(fact.type, fact.data.editionId, fact.subject);
    channel.ack(message); // after the work, never before
  });
}

const connection = await amqp.connect(process.env.RABBITMQ_URL, {
  timeout: 10_000,
  recovery: { setup: listen, maxDelay: 5000 },
});
connection.on("error", (trouble) => console.error(trouble)); // what your own work throws as well; the fact comes again
connection.on("disconnect", (trouble) => console.error("no connection:", trouble.message));
