// Ask for a place and wait for the answer: node enrol.mjs [NAME MAIL-ADDRESS].

import { randomUUID } from "node:crypto";
import amqp from "amqplib";
import { EVENTS, INTAKE, STRUCTURED, TYPES } from "instroom-contracts";

const URL_OF_BROKER = process.env.RABBITMQ_URL;
const SOURCE = "urn:nld:oin:00000001823288444000:systeem:formulier";
const ANSWERS = [TYPES.EnrolmentConfirmed, TYPES.EnrolmentQueued, TYPES.EnrolmentRejected];
const [name, email] = process.argv.length > 2 ? process.argv.slice(2) : ["Sam de Vries", "sam.de.vries@example.org"];

// It keeps its id for ever: sent twice, it is decided once.
const request = {
  specversion: "1.0",
  id: randomUUID(),
  source: SOURCE,
  type: TYPES.EnrolmentRequested,
  subject: "cmo-stamm-participatie-2021",
  time: "2021-05-20T11:30:00+02:00", // when the participant asked
  datacontenttype: "application/json",
  data: {
    editionId: "cmo-stamm-participatie-2021",
    participant: { name, email, organisation: "Gemeente Voorbeeld", role: "beleidsmedewerker", region: "groningen" },
  },
};

// Listen first, then ask: the answer is told once.
const connection = await amqp.connect(URL_OF_BROKER);
const channel = await connection.createConfirmChannel();
const { queue } = await channel.assertQueue("int.formulier.enrol", { exclusive: true });
for (const answer of ANSWERS) await channel.bindQueue(queue, EVENTS, answer);
const answered = new Promise((resolve) =>
  channel.consume(
    queue,
    (message) => {
      const fact = JSON.parse(message.content);
      if (fact.correlationsource === SOURCE && fact.correlationid === request.id) resolve(fact);
    },
    { noAck: true },
  ),
);

channel.on("return", (message) => {
  throw new Error(`The broker has no queue for ${message.fields.routingKey}.`);
});
channel.publish(INTAKE, request.type, Buffer.from(JSON.stringify(request)), {
  contentType: STRUCTURED,
  messageId: request.id,
  type: request.type,
  userId: decodeURIComponent(new URL(URL_OF_BROKER).username), // says whose source it is; the broker checks it
  persistent: true,
  mandatory: true,
});
await channel.waitForConfirms(); // the broker has it on disk; where this throws, send the same again
console.log("request", request.id);

const timer = setTimeout(() => {
  throw new Error("No answer came within 30 s.");
}, 30_000);
const fact = await answered;
clearTimeout(timer);
console.log(fact.type, JSON.stringify(fact.data, null, 2));
await connection.close();
