// Read an AsyncAPI document on standard input with AsyncAPI's own parser; write what it says of it as JSON.
import { text } from "node:stream/consumers";
import { Parser } from "@asyncapi/parser";
import Ajv from "ajv";
import addFormats from "ajv-formats";

const { document, diagnostics } = await new Parser().parse(await text(process.stdin));
// The parser leaves examples unread: hold them to their schemas ourselves.
const ajv = addFormats(new Ajv({ strict: false, allErrors: true }));

function misfits(message) {
  return message.examples().all().flatMap((example) =>
    [["payload", message.payload(), example.payload()], ["headers", message.headers(), example.headers()]]
      .filter(([, schema, value]) => schema && value && !ajv.validate(schema.json(), value))
      .map(([part]) => ({ severity: 0, code: "sample", message: ajv.errorsText(), path: `${message.id()}/${part}` })),
  );
}

const said = diagnostics.map(({ severity, code, message, path }) => ({ severity, code, message, path: path.join("/") }));
const samples = document?.components().messages().all().flatMap(misfits) ?? [];
console.log(JSON.stringify({ accepted: document !== undefined, said: [...said, ...samples] }));
