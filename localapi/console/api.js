// Calls of the local API. The session's token is kept for this tab alone.
import { lang } from "./texts.js";

export const signedIn = () => Boolean(sessionStorage.token);

export function forget() { delete sessionStorage.token; }

// Failure is what the service answered, in its own words.
export class Failure extends Error {
  constructor(status, text) { super(text); this.status = status; }
}

async function send(method, path, body, accept) {
  const headers = { "Accept-Language": lang(), Accept: accept ?? "application/json" };
  if (sessionStorage.token) headers.Authorization = "Bearer " + sessionStorage.token;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store" });
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  const fields = (problem.fields ?? []).map((f) => `${f.field}: ${f.message}`);
  throw new Failure(answer.status, [problem.detail ?? problem.title ?? String(answer.status), ...fields].join(" "));
}

export const get = async (path) => (await send("GET", path)).json();
export const post = async (path, body = {}) => (await send("POST", path, body)).json();
export const blob = async (path, accept = "*/*") => (await send("GET", path, undefined, accept)).blob();

// signIn trades a one-time code or a token for a session.
export async function signIn(proof) {
  forget();
  sessionStorage.token = (await post("/v1/session", proof)).token;
}

export async function signOut() {
  try { await send("DELETE", "/v1/session", {}); } finally { forget(); }
}

// After so long (ms) without a word nobody cares any more for what was missed.
const stale = 3 * 60 * 1000;

// follow calls heard for events, at once and again after each break, until the
// signal ends it; broken and mended tell of the connection. What happened in a
// break, or while the page was loaded again, is heard after it.
export async function follow(signal, heard, broken, mended) {
  let pause = 1000;
  while (!signal.aborted) {
    try {
      const headers = { Authorization: "Bearer " + sessionStorage.token };
      if (Date.now() - sessionStorage.heardAt < stale) headers["Last-Event-ID"] = sessionStorage.heard;
      const answer = await fetch("/v1/events", { headers, signal, cache: "no-store" });
      if (answer.status === 401) return heard({ type: "signed.out" });
      if (!answer.ok) throw new Error(String(answer.status));
      mended();
      pause = 1000;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = ""; ;) {
        const { value, done } = await reader.read();
        if (done) break;
        const parts = (rest + value).split("\n\n");
        rest = parts.pop();
        for (const part of parts) {
          const field = (name) => part.split("\n").find((line) => line.startsWith(name))?.slice(name.length);
          Object.assign(sessionStorage, { heardAt: Date.now(), heard: field("id: ") ?? sessionStorage.heard ?? "" });
          const data = field("data: ");
          if (data) heard(JSON.parse(data));
        }
      }
    } catch {
      if (signal.aborted) return;
    }
    broken();
    await new Promise((go) => setTimeout(go, pause));
    pause = Math.min(2 * pause, 15000);
  }
}
