// What a register states about a credential, asked by its id alone: testamur/http/client.py and
// testamur/cli/evidence_sources.py. Its answer is evidence like any other, and nothing of it is
// verified here.
import { Refuted, Unavailable, shown } from "./errors.mjs";
import { MAX_EVIDENCE, parseEvidence } from "./evidence.mjs";
import { policyIn } from "./policy.mjs";
import { parseStrict } from "./strict_json.mjs";

export const MAX_ANCHORS = 8;
const MAX_STATUS = 64 * 1024;
const MAX_KEYS = 64 * 1024;
const SECONDS = 120;

// What `judge` takes of the register at `origin`: {evidenceFrom, evidence, flags, notes}. `anchors` are
// those that it is to show chains to. Throws `Unavailable` where it does not answer, or about another.
export const askRegister = async (origin, credential, { anchors = [], fetch = globalThis.fetch } = {}) => {
  if (anchors.length > MAX_ANCHORS) {
    throw new Unavailable(
      `a registry is asked for chains to at most ${MAX_ANCHORS} anchors, and ${anchors.length} were given; give fewer`,
    );
  }
  const asked = new Asked(origin, fetch);
  const path = `/credentials/${encodeURIComponent(credential)}`;
  const query = anchors.length > 0 ? `?${new URLSearchParams(anchors.map((each) => ["anchor", each]))}` : "";
  const evidence = await evidenceOf(asked, `${path}/evidence${query}`, credential);
  return { evidenceFrom: "register", evidence, ...(await flagsOf(asked, path)) };
};

// A policy by the register's own word for the keys of its log, as `read` returns one.
export const askPolicy = async (origin, { fetch = globalThis.fetch } = {}) => {
  const asked = new Asked(origin, fetch);
  const text = new TextDecoder().decode(await asked.get("/log/vkey", MAX_KEYS));
  try {
    return { name: `${origin}/log/vkey`, kind: "policy", policy: await policyIn(text), isOwnWord: true };
  } catch (error) {
    throw error instanceof Refuted ? new Unavailable(`${origin} answered with no key: ${error.message}`) : error;
  }
};

const evidenceOf = async (asked, path, credential) => {
  const answer = await asked.get(path, MAX_EVIDENCE);
  let found;
  try {
    found = parseEvidence(answer);
  } catch (error) {
    // An answer of another kind says nothing about the credential.
    throw error instanceof Refuted ? new Unavailable(`${asked.origin} answered with no evidence: ${error.message}`) : error;
  }
  if (found.credential !== credential) {
    throw new Unavailable(`${asked.origin} answered about ${found.credential}, not about ${credential}`);
  }
  if (found.size !== undefined) {
    throw new Unavailable(`${asked.origin} answered as of size ${found.size}, and was asked about now`);
  }
  return found;
};

// No flag changes a verdict, so a register that does not state them is told about and no more.
const flagsOf = async (asked, path) => {
  let flags;
  try {
    ({ flags } = parseStrict(await asked.get(path, MAX_STATUS)));
  } catch (error) {
    if (!(error instanceof Refuted || error instanceof Unavailable)) throw error;
    return { flags: null, notes: [`The registry does not state how the issuance was flagged: ${error.message}`] };
  }
  if (!Array.isArray(flags) || !flags.every((code) => typeof code === "string")) {
    return { flags: null, notes: [`The registry states flags in an unknown form: ${shown(flags)}`] };
  }
  return { flags, notes: [] };
};

// Questions to one origin, over TLS or to this machine: on the way anybody could leave out a revocation.
class Asked {
  constructor(origin, fetch) {
    const { protocol, hostname } = new URL(origin);
    const isHere = /^(localhost|127\.[0-9.]+|\[::1\])$/.test(hostname);
    if (protocol !== "https:" && !(protocol === "http:" && isHere)) {
      throw new Unavailable(
        `${origin} is asked without TLS, so that anybody on the way could leave out a revocation; use https`,
      );
    }
    Object.assign(this, { origin, fetch });
  }

  async get(path, atMost) {
    const address = `${this.origin}${path}`;
    const { signal, clear } = within(SECONDS);
    try {
      const answer = await this.fetch.call(globalThis, address, {
        // Neither who asks nor from which page: the id is all that it needs to know.
        ...{ credentials: "omit", referrerPolicy: "no-referrer", cache: "no-store", redirect: "error" },
        headers: { Accept: "application/json, text/plain" },
        signal,
      });
      if (answer.status !== 200) throw new Unavailable(`${address} answered ${answer.status}`);
      return await bodyOf(answer, atMost, address);
    } catch (error) {
      if (error instanceof Unavailable) throw error;
      throw new Unavailable(`${this.origin} cannot be reached: ${shown(error.message)}`);
    } finally {
      clear();
    }
  }
}

const within = (seconds) => {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new Error(`no answer in ${seconds} s`)), seconds * 1000);
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
};

const bodyOf = async (answer, atMost, address) => {
  const pieces = [];
  let size = 0;
  for (const reader = answer.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > atMost) {
      await reader.cancel();
      throw new Unavailable(`${address} answered more than ${atMost} bytes`);
    }
    pieces.push(value);
  }
  const body = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    body.set(piece, at);
    at += piece.length;
  }
  return body;
};
