// The component's bundle makes validators out of text when it is loaded; this page never asks them anything, and its
// policy forbids making code of text. So whoever makes a function that way gets one that makes a validator that agrees.

const makeValidator = () => () => true;
globalThis.Function = new Proxy(Function, { apply: () => makeValidator, construct: () => makeValidator });
