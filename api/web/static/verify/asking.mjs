// What a register states about a credential, asked by its id alone: testamur/http/client.py and
// testamur/cli/evidence_sources.py. Its answer is evidence like any other, and nothing of it is
// verified here.
import { joined } from "./encodings.mjs";
import { Refuted, Unavailable, printable, shown } from "./errors.mjs";
import { MAX_EVIDENCE, parseEvidence } from "./evidence.mjs";
import { policyIn } from "./policy.mjs";
import { parseStrict } from "./strict_json.mjs";

export const MAX_ANCHORS = 8;
const MAX_STATUS = 64 * 1024;
const MAX_KEYS = 64 * 1024;
const SECONDS = 120;

// What `judge` takes of the register at `origin`: {evidenceFrom, evidence, flags, notes}. `anchors` are
// those that it is to show chains to, `fetch` and `patience` (seconds) how it is asked. Throws `Unavailable` where
// it does not answer, or about another.
export const askRegister = async (origin, credential, { anchors = [], ...how } = {}) => {
  if (anchors.length > MAX_ANCHORS) {
    throw new Unavailable(
      `a registry is asked for chains to at most ${MAX_ANCHORS} anchors, and ${anchors.length} were given; give fewer`,
    );
  }
  const asked = new Asked(origin, how);
  const path = `/credentials/${encodeURIComponent(credential)}`;
  const query = anchors.length > 0 ? `?${new URLSearchParams(anchors.map((each) => ["anchor", each]))}` : "";
  const evidence = await evidenceOf(asked, `${path}/evidence${query}`, credential);
  return { evidenceFrom: "register", evidence, ...(await flagsOf(asked, path)) };
};

// A policy by the register's own word for the keys of its log, as `read` returns one.
export const askPolicy = async (origin, how = {}) => {
  const asked = new Asked(origin, how);
  const text = new TextDecoder().decode(await asked.get("/log/vkey", MAX_KEYS));
  try {
    return { name: `${asked.origin}/log/vkey`, kind: "policy", policy: await policyIn(text), isOwnWord: true };
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

// --- One question ---

// The register, or a proxy before it, wants another try: nothing was decided.
const ASK_AGAIN = [408, 425, 429, 502, 503, 504];
const [FIRST_PAUSE, LONGEST_PAUSE] = [0.25, 8];

// Questions to one origin, over TLS or to this machine: on the way anybody could leave out a revocation.
// `patience` is in seconds, for all attempts at one question.
class Asked {
  constructor(origin, { fetch = globalThis.fetch, patience = 30 }) {
    const { protocol, hostname } = new URL(origin);
    const isHere = /^(localhost|127\.[0-9.]+|\[::1\])$/.test(hostname);
    if (protocol !== "https:" && !(protocol === "http:" && isHere)) {
      throw new Unavailable(
        `${origin} is asked without TLS, so that anybody on the way could leave out a revocation; use https`,
      );
    }
    Object.assign(this, { origin: origin.replace(/\/+$/, ""), fetch, patience });
  }

  async get(path, atMost) {
    const address = `${this.origin}${path}`;
    for (let [waited, pause] = [0, FIRST_PAUSE]; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      const { status, body, why, after } = await this.attempt(address, atMost);
      if (status === 200) return body;
      const seconds = Math.max(after, pause);
      if (!ASK_AGAIN.includes(status) || waited + seconds > this.patience) {
        throw new Unavailable(`${address} answered ${status}${why}`);
      }
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      waited += seconds;
    }
  }

  async attempt(address, atMost) {
    const { signal, clear } = within(SECONDS);
    try {
      const answer = await this.fetch.call(globalThis, address, {
        // Neither who asks nor from which page: the id is all that it needs to know.
        ...{ credentials: "omit", referrerPolicy: "no-referrer", cache: "no-store", redirect: "error" },
        headers: { Accept: "application/json, text/plain" },
        signal,
      });
      const { status } = answer;
      if (status === 200) return { status, body: await bodyOf(answer, atMost, address) };
      return { status, why: await problemIn(answer, address), after: retryAfter(answer) };
    } catch (error) {
      if (error instanceof Unavailable) throw error;
      throw new Unavailable(`${this.origin} cannot be reached: ${printable(String(error.message), 120)}`);
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
    if (done) return joined(...pieces);
    size += value.length;
    pieces.push(value);
    if (size > atMost) {
      await reader.cancel();
      throw new Unavailable(`${address} answered more than ${atMost} bytes`);
    }
  }
};

// What a problem document (RFC 9457) says, or nothing.
const problemIn = async (answer, address) => {
  if (!answer.headers.get("Content-Type")?.startsWith("application/problem+json")) return "";
  try {
    const { rule, detail, title } = parseStrict(await bodyOf(answer, MAX_STATUS, address));
    const text = [rule, detail ?? title].filter((each) => typeof each === "string" && each !== "").join(": ");
    return text === "" ? "" : `: ${printable(text, 600)}`;
  } catch (error) {
    // The body of an error is a courtesy; its status is enough.
    if (error instanceof Refuted || error instanceof Unavailable || error instanceof TypeError) return "";
    throw error;
  }
};

// The seconds that Retry-After asks for (RFC 9110 section 10.2.3), or 0.
const retryAfter = (answer) => {
  const text = answer.headers.get("Retry-After")?.trim() ?? "";
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  const seconds = (Date.parse(text) - Date.now()) / 1000;
  return seconds > 0 ? seconds : 0;
};
