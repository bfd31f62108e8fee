// Count the enrolments of each edition, each of them once, whatever is told twice: node inbox.mjs, until Ctrl-C.
//
// The inbox is a table of what was taken in. It is written in one transaction with the work; the message is acknowledged
// after that. A program that dies in between gets the fact again, and finds it in its inbox.

import { DatabaseSync } from "node:sqlite";
import amqp from "amqplib";
import { EVENTS, TYPES } from "instroom-contracts";

const QUEUE = "int.formulier.enrolments";

const store = new DatabaseSync("inbox.sqlite");
store.exec(`
  pragma busy_timeout = 5000; -- wait for who reads the file
  create table if not exists inbox (source text, id text, primary key (source, id));
  create table if not exists enrolments (edition text primary key, number integer);
`);
const note = store.prepare("insert or ignore into inbox values (?, ?)");
const count = store.prepare(
  "insert into enrolments values (?, 1) on conflict (edition) do update set number = number + 1 returning number",
);

// Do the work of a fact, unless it was done.
function takeIn(fact) {
  store.exec("begin immediate"); // one transaction: all of it happens, or nothing
  try {
    const isNew = note.run(fact.source, fact.id).changes === 1;
    const counted = isNew && count.get(fact.data.editionId);
    store.exec("commit");
    if (counted) console.log(fact.data.editionId, counted.number);
  } catch (trouble) {
    store.exec("rollback");
    throw trouble;
  }
}

// Runs on every connection, the first and those that follow one that was lost.
async function listen(connection) {
  const channel = await connection.createChannel();
  await channel.prefetch(100);
  await channel.assertQueue(QUEUE, { durable: true, arguments: { "x-queue-type": "quorum" } });
  await channel.bindQueue(QUEUE, EVENTS, TYPES.EnrolmentConfirmed);
  await channel.consume(QUEUE, (message) => {
    takeIn(JSON.parse(message.content));
    channel.ack(message); // after the commit, never before
  });
}

const connection = await amqp.connect(process.env.RABBITMQ_URL, {
  timeout: 10_000,
  recovery: { setup: listen, maxDelay: 5000 },
});
connection.on("error", (trouble) => console.error(trouble)); // what your own work throws as well; the fact comes again
connection.on("disconnect", (trouble) => console.error("no connection:", trouble.message));
