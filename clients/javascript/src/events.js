// Follows a checkout: by its event stream, and by polling where no stream comes through.

/** @import { EventTicket, Snapshot, Transport } from "./api.js" */
import { pause, within } from "./http.js";
import { fromJson } from "./money.js";
import { CheckoutProblem } from "./problem.js";

/**
 * @typedef {object} Source
 * @property {import("./http.js").Http} http
 * @property {string} path
 * @property {string} credential
 */

/** The service sends a comment every 15 seconds: a connection that is silent for longer is dead. */
const SILENCE = 45_000;
/** After so many streams in a row that brought nothing, it is polled. */
const STREAMS = 3;

/** @param {Snapshot} snapshot */
export const isFinal = ({ status }) => ["completed", "cancelled", "expired"].includes(status);

/**
 * By `fetch`, which can send the token. Null: there is nothing more to follow.
 * @param {Source} source
 * @param {number} last
 * @param {AbortSignal} [signal]
 * @returns {AsyncGenerator<Snapshot | null>}
 */
async function* stream({ http, path, credential }, last, signal) {
    const limit = within(signal);
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const alive = () => {
        clearTimeout(timer);
        timer = setTimeout(limit.abort, SILENCE);
    };
    try {
        alive();
        /** @type {Record<string, string>} */
        const headers = { ...http.headers, Authorization: `Bearer ${credential}`, Accept: "text/event-stream" };
        if (last >= 0) headers["Last-Event-ID"] = String(last);
        const response = await http.fetch(`${http.url + path}/events`, { headers, signal: limit.signal });
        if (response.status === 204) return yield null;
        const isStream = response.headers.get("Content-Type")?.startsWith("text/event-stream");
        if (!response.ok || !isStream || !response.body) return void (await http.read(response));
        const reader = response.body.getReader();
        const decoder = new TextDecoder();
        let rest = "";
        for (;;) {
            const { done, value } = await reader.read();
            if (done) return;
            alive();
            const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
            rest = lines.pop() ?? "";
            for (const line of lines) if (line.startsWith("data:")) yield fromJson(line.slice(5));
        }
    } finally {
        clearTimeout(timer);
        limit.abort();
        limit.end();
    }
}

/**
 * By the browser's `EventSource`, which cannot send the token and takes a ticket in its place.
 * @param {Source} source
 * @param {number} _last
 * @param {AbortSignal} [signal]
 * @returns {AsyncGenerator<Snapshot>}
 */
async function* eventSource({ http, path, credential }, _last, signal) {
    const { data } = await http.send("POST", `${path}/event-tickets`, { credential, signal });
    const events = new EventSource(http.url + /** @type {EventTicket} */ (data).url);
    /** @type {Snapshot[]} */
    const arrived = [];
    const news = new EventTarget();
    const tell = () => news.dispatchEvent(new Event("news"));
    let isOpen = true;
    events.addEventListener("checkout", (event) => {
        arrived.push(fromJson(event.data));
        tell();
    });
    // It could connect again with the same ticket, but not for long: a new stream gets a new one.
    events.onerror = () => {
        isOpen = false;
        tell();
    };
    signal?.addEventListener("abort", tell);
    try {
        for (;;) {
            for (let next = arrived.shift(); next; next = arrived.shift()) yield next;
            signal?.throwIfAborted();
            if (!isOpen) return;
            await new Promise((resolve) => news.addEventListener("news", resolve, { once: true }));
        }
    } finally {
        signal?.removeEventListener("abort", tell);
        events.close();
    }
}

/**
 * By asking.
 * @param {Source} source
 * @param {number} _last
 * @param {AbortSignal} [signal]
 * @returns {AsyncGenerator<Snapshot>}
 */
async function* poll({ http, path, credential }, _last, signal) {
    for (let asked = 0; ; asked++) {
        const { data, retryAfter } = await http.send("GET", path, { credential, signal });
        yield data;
        await pause(Math.max((retryAfter ?? 0) * 1000, http.backoff(Math.min(asked, 3))), signal);
    }
}

const WAYS = { stream, eventsource: eventSource, poll };

/**
 * Every newer snapshot until the final one. It connects again by itself; only a refusal of the service ends it earlier.
 * @param {Source} source
 * @param {{ after?: number, signal?: AbortSignal, events?: Transport }} [options]
 * @returns {AsyncGenerator<Snapshot, void>}
 */
export async function* follow(source, { after = -1, signal, events = "stream" } = {}) {
    let last = after;
    for (let failures = 0; ; failures++) {
        const began = Date.now();
        try {
            for await (const seen of WAYS[failures < STREAMS ? events : "poll"](source, last, signal)) {
                if (seen === null) return;
                if (events !== "poll" && failures < STREAMS) failures = 0;
                if (seen.version > last) {
                    last = seen.version;
                    yield seen;
                }
                if (isFinal(seen)) return;
            }
            // The service ends a stream after some time, also when there was no news.
            if (Date.now() - began > SILENCE / 4) failures = 0;
        } catch (error) {
            signal?.throwIfAborted();
            const refused = error instanceof CheckoutProblem && !error.retryable;
            if (refused) throw error;
            if (error instanceof CheckoutProblem && error.retryAfter) await pause(error.retryAfter * 1000, signal);
        }
        await pause(source.http.backoff(Math.min(failures, 4)), signal);
    }
}
