// The service, over fetch. Errors of every kind come out as a ServiceError.

import { calm } from "./text.js";

export class ServiceError extends Error {
  /** `kind`: busy, key, forbidden, missing, unusable, too_large, stopping, model, network, cut or other. */
  constructor(kind, message = "", { status = 0, retryAfter = null } = {}) {
    super(message);
    this.kind = kind;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

// What a code says goes before what its status says; a streamed error has a code alone.
const KINDS_OF_CODES = {
  busy: "busy", foreign_host: "forbidden", foreign_origin: "forbidden", overloaded: "busy",
  stopped: "stopping", stopping: "stopping",
};
const KINDS = {
  401: "key", 403: "forbidden", 404: "missing", 408: "network", 413: "too_large", 422: "unusable", 429: "busy",
  502: "model", 503: "stopping", 504: "model",
};

// A reply's texts, and the names of its metadata, without what steers a line.
const read = (json) => JSON.parse(json, (_, value) => {
  if (typeof value === "string") return calm(value);
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [calm(name), part]));
});

async function send(path, { body = null, key = "", signal = null }) {
  const headers = { Accept: "application/json, text/event-stream" };
  if (key) headers.Authorization = `Bearer ${key}`;
  if (body !== null) headers["Content-Type"] = "application/json";
  let reply;
  try {
    reply = await fetch(new URL(path, document.baseURI), {
      method: body === null ? "GET" : "POST",
      headers,
      body: body === null ? undefined : JSON.stringify(body),
      signal,
      cache: "no-store",
      redirect: "error",
    });
  } catch (error) {
    throw signal?.aborted ? error : new ServiceError("network");
  }
  if (!reply.ok) throw await failure(reply);
  return reply;
}

async function failure(reply) {
  let message = reply.statusText || String(reply.status);
  let code = "";
  try {
    const { error } = await reply.json();
    if (typeof error.message === "string") message = error.message;
    code = error.code;
  } catch {
    // Something in between answered; its status has to do.
  }
  const seconds = Number.parseInt(reply.headers.get("Retry-After") ?? "", 10);
  const kind = KINDS_OF_CODES[code] ?? KINDS[reply.status];
  return new ServiceError(kind ?? "other", message, {
    status: reply.status,
    retryAfter: Number.isFinite(seconds) ? seconds : null,
  });
}

async function json(path, options) {
  const reply = await send(path, options);
  try {
    return read(await reply.text());
  } catch (error) {
    throw options.signal?.aborted ? error : new ServiceError("cut");
  }
}

export const knowledgeBase = (options) => json("v1/knowledge-base", options);
export const readDocument = (id, options) => json(`v1/documents/${encodeURIComponent(id)}`, options);
/** The thumbnail of a picture, as bytes that an image element can show. */
export const thumbnail = async (image, options) => (await send(`v1/images/${encodeURIComponent(image)}`, options)).blob();
export const search = (body, options) => json("v1/search", { ...options, body });

/** Yield `{event, data}` of a streamed answer; it always ends with the event `answer`. */
export async function* ask(body, options) {
  const reply = await send("v1/ask", { ...options, body: { ...body, stream: true } });
  try {
    for await (const sent of events(reply.body)) {
      if (sent.event === "error") {
        const { code, message } = sent.data.error;
        throw new ServiceError(KINDS_OF_CODES[code] ?? "other", message);
      }
      yield sent;
      if (sent.event === "answer") return;
    }
  } catch (error) {
    if (error instanceof ServiceError || options.signal?.aborted) throw error;
  }
  throw new ServiceError("cut");
}

async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      waiting += value;
      const blocks = waiting.split(/\r?\n\r?\n/);
      waiting = blocks.pop();
      for (const block of blocks) {
        const event = parsed(block);
        if (event !== null) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function parsed(block) {
  let event = "message";
  const data = [];
  for (const line of block.split(/\r?\n/)) {
    const [, name, value] = /^([^:]*):? ?(.*)$/su.exec(line) ?? [];
    if (name === "event") event = value;
    if (name === "data") data.push(value);
  }
  return data.length ? { event, data: read(data.join("\n")) } : null;
}
