// Asking the server: fragments as text, writes as JSON answers, and what to say when it does not work.
import { sayFailed, toast } from "./toast.js";
import { word } from "./words.js";

export const csrf = () => document.querySelector('meta[name="csrf"]').content;

export class Problem extends Error {
  constructor(status, error) {
    super(error?.message || word(status ? "failed" : "offline"));
    this.status = status;
    this.code = error?.code ?? "";
    this.fields = error ?? {};
  }
}

// The text of a fragment. Throws a Problem; leaves for the sign-in page when the session has ended.
export async function fragment(url, { signal } = {}) {
  const answer = await ask(url, { signal, headers: { "HX-Request": "true" } });
  if (!answer.ok) throw await problemOf(answer);
  return answer.text();
}

// A write. Answers what the server said as an object (empty for 204). Throws a Problem.
export async function send(url, body = null, { method = "POST", keepalive = false } = {}) {
  const headers = { Accept: "application/json", "X-CSRF-Token": csrf() };
  const answer = await ask(url, { method, headers, body, keepalive });
  if (!answer.ok) throw await problemOf(answer);
  return answer.status === 204 ? {} : answer.json();
}

// A write of small fields, whose failure is said to the person. Answers whether it worked.
export async function act(url, fields = {}) {
  try {
    await send(url, new URLSearchParams(fields));
    return true;
  } catch (problem) {
    sayFailed(problem.message);
    return false;
  }
}

async function ask(url, options) {
  let answer;
  try {
    answer = await fetch(url, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0);
  }
  if (answer.status === 401) leaveForSignIn();
  return answer;
}

async function problemOf(answer) {
  const said = await answer.json().catch(() => ({}));
  return new Problem(answer.status, said.error);
}

export function leaveForSignIn() {
  location.assign("/sign-in?next=" + encodeURIComponent(location.pathname + location.search));
}

document.addEventListener("htmx:config:request", (event) => {
  event.detail.ctx.request.headers["X-CSRF-Token"] = csrf();
});
document.addEventListener("htmx:response:error", (event) => {
  const { status } = event.detail.ctx.response;
  if (status === 401) return leaveForSignIn();
  let said = {};
  try {
    said = JSON.parse(event.detail.ctx.text);
  } catch {
    // A page instead of JSON: the general sentence has to do.
  }
  sayFailed(said.error?.message);
});
document.addEventListener("htmx:error", () => toast(word("offline"), { bad: true }));
