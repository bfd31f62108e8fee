// Show asyncapi.json with AsyncAPI's React component: what an integrator does, or with ?everything also the rest.
//
// The component comes without AsyncAPI's parser, since that makes code of text. The document was validated by the parser
// before it was committed; what is left is what the parser does next: name channels, operations, messages and schemas by
// their keys, and put what a reference points to in its place.

const FEW = 5;

function named(objects, attribute) {
  for (const [key, object] of Object.entries(objects ?? {})) {
    if (!object.$ref) object[attribute] = key;
  }
}

function target(document, pointer) {
  const keys = pointer.slice("#/".length).split("/");
  return keys.reduce((node, key) => node[key.replaceAll("~1", "/").replaceAll("~0", "~")], document);
}

function resolved(document, node = document, seen = new Set()) {
  if (node === null || typeof node !== "object") return node;
  if (typeof node.$ref === "string") return resolved(document, target(document, node.$ref), seen);
  if (!seen.has(node)) {
    seen.add(node);
    for (const key of Object.keys(node)) node[key] = resolved(document, node[key], seen);
  }
  return node;
}

function prepared(document) {
  for (const objects of [document.channels, document.operations, document.components.messages]) {
    named(objects, "x-parser-unique-object-id");
  }
  named(document.components.schemas, "x-parser-schema-id");
  return { ...resolved(document), "x-parser-spec-parsed": true };
}

function done(by, operations) {
  return Object.fromEntries(
    Object.entries(operations).filter(([, { tags }]) => tags.some(({ name }) => name === by)),
  );
}

// A long list of messages that was shown before makes a page that nobody reads and that takes seconds to show.
function once(operations) {
  const shown = new Map();
  for (const operation of Object.values(operations)) {
    const messages = operation.messages.map(({ $ref }) => $ref.split("/").at(-1));
    const before = messages.length > FEW && shown.get(messages.join());
    if (before) {
      operation.description = `The messages are those of “${before}”.`;
      operation.messages = [];
    }
    shown.set(messages.join(), operation.title);
  }
  return operations;
}

async function show(place) {
  const answer = await fetch("asyncapi.json");
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  const document = await answer.json();
  const everything = new URLSearchParams(location.search).has("everything");
  if (!everything) {
    document.operations = once(done("integrator", document.operations));
    document.info.tags = [];
  }
  const config = {
    show: { sidebar: true, errors: false, messages: false, schemas: false },
    expand: { messageExamples: true },
    sidebar: { showOperations: everything ? "byOperationsTags" : "byDefault" },
  };
  AsyncApiStandalone.render({ schema: prepared(document), config }, place);
}

const place = document.getElementById("contract");
show(place).catch((error) => {
  place.textContent = `The document cannot be shown (${error.message}). It can still be downloaded: see above.`;
});
