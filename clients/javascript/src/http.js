// One request, sent again with the same key as long as its outcome is unknown and the rules allow it.

/** @import { ClientOptions } from "./api.js" */
import { fromJson, toJson } from "./money.js";
import { CheckoutNetworkError, CheckoutProblem } from "./problem.js";

/**
 * @typedef {object} Call
 * @property {string} credential
 * @property {unknown} [body]
 * @property {string} [key]
 * @property {number} [ifMatch]
 * @property {AbortSignal} [signal]
 * @property {number} [deadline]
 */

/** Nothing was done and the same key may be sent again, after the time that the service asks for. */
const LATER = new Set(["step-in-progress", "idempotency-key-in-use"]);
/** A proxy that answers in place of the service. */
const GATEWAY = new Set([502, 503, 504]);
/** How long the service is asked to wait for a step, in seconds, and what is longer than that, in milliseconds. */
const WAIT = 10;
const TIMEOUT = 30_000;

/** A random key. @returns {string} */
export function newKey() {
    // crypto.randomUUID is missing in pages without https.
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Resolves after the time, or earlier when the signal or the event comes.
 * @param {number} ms
 * @param {AbortSignal} [signal]
 * @param {string} [event] Of the window.
 * @returns {Promise<void>}
 */
export function pause(ms, signal, event) {
    return new Promise((resolve, reject) => {
        const done = () => {
            clearTimeout(timer);
            signal?.removeEventListener("abort", done);
            if (event) globalThis.removeEventListener?.(event, done);
            if (signal?.aborted) reject(signal.reason);
            else resolve();
        };
        const timer = setTimeout(done, ms);
        signal?.addEventListener("abort", done);
        if (event) globalThis.addEventListener?.(event, done);
        if (signal?.aborted) done();
    });
}

/**
 * A signal that follows another one and can also be aborted by itself.
 * @param {AbortSignal} [signal]
 * @param {number} [ms]
 */
export function within(signal, ms) {
    const own = new AbortController();
    const follow = () => own.abort(signal?.reason);
    if (signal?.aborted) follow();
    signal?.addEventListener("abort", follow);
    const timer = ms === undefined ? undefined : setTimeout(() => own.abort(new Error(`no answer within ${ms} ms`)), ms);
    const end = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", follow);
    };
    return { signal: own.signal, abort: () => own.abort(), end };
}

export class Http {
    /** @param {ClientOptions} options */
    constructor(options) {
        this.url = options.url.replace(/\/+$/, "");
        this.fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
        this.headers = options.headers ?? {};
        this.tries = options.tries ?? 6;
        this.patience = options.patience ?? 60_000;
        this.firstPause = options.firstPause ?? 400;
    }

    /**
     * A growing pause with jitter, in milliseconds.
     * @param {number} failures
     */
    backoff(failures) {
        return this.firstPause * Math.min(2 ** failures, 20) * (0.5 + Math.random() / 2);
    }

    /**
     * Sends one request once.
     * @param {string} method
     * @param {string} path
     * @param {Call} call
     */
    async once(method, path, { credential, body, key, ifMatch, signal, deadline = Infinity }) {
        const limit = within(signal, TIMEOUT);
        try {
            /** @type {Record<string, string>} */
            const headers = { ...this.headers, Authorization: `Bearer ${credential}`, Accept: "application/json" };
            const left = Math.max(0, Math.floor((deadline - Date.now()) / 1000));
            if (method !== "GET") headers.Prefer = `wait=${Math.min(WAIT, left)}`;
            if (key) headers["Idempotency-Key"] = key;
            if (ifMatch !== undefined) headers["If-Match"] = `"${ifMatch}"`;
            if (body !== undefined) headers["Content-Type"] = "application/json";
            const sent = body === undefined ? undefined : typeof body === "string" ? body : toJson(body);
            const response = await this.fetch(this.url + path, { method, headers, body: sent, signal: limit.signal });
            return await this.read(response);
        } catch (error) {
            if (signal?.aborted) throw signal.reason;
            if (error instanceof CheckoutProblem || error instanceof CheckoutNetworkError) throw error;
            throw new CheckoutNetworkError(`${method} ${path} was not answered`, { cause: error });
        } finally {
            limit.end();
        }
    }

    /**
     * The answer, if it is one of the service.
     * @param {Response} response
     */
    async read(response) {
        const { status, headers } = response;
        const text = await response.text();
        const seconds = Number(headers.get("Retry-After") ?? NaN);
        const retryAfter = Number.isFinite(seconds) ? seconds : undefined;
        const replayed = headers.get("Idempotent-Replayed") === "true";
        let data;
        try {
            data = fromJson(text);
        } catch {
            data = undefined;
        }
        if (response.ok && data && typeof data === "object") return { status, data, retryAfter, replayed };
        if (!response.ok && typeof data?.code === "string") throw new CheckoutProblem(data, { status, retryAfter, replayed });
        throw new CheckoutNetworkError(`an answer with status ${status} that is not the service's`, { status });
    }

    /**
     * Sends a request, and again while that may help: always with the same key.
     * @param {string} method
     * @param {string} path
     * @param {Call} call
     */
    async send(method, path, call) {
        const deadline = call.deadline ?? Date.now() + this.patience;
        for (let failures = 0; ; failures++) {
            while (globalThis.navigator?.onLine === false && Date.now() < deadline) {
                await pause(deadline - Date.now(), call.signal, "online");
            }
            try {
                return await this.once(method, path, { ...call, deadline });
            } catch (error) {
                const wait = this.wait(error, failures);
                if (wait === undefined || failures + 1 >= this.tries || Date.now() + wait > deadline) throw error;
                await pause(wait, call.signal);
            }
        }
    }

    /**
     * How long to wait before the same request is sent again; undefined: it may not be.
     * @param {unknown} error
     * @param {number} failures
     */
    wait(error, failures) {
        const grown = this.backoff(failures);
        if (error instanceof CheckoutNetworkError) {
            return error.status < 300 || GATEWAY.has(error.status) ? grown : undefined;
        }
        if (!(error instanceof CheckoutProblem) || error.retryAfter === undefined) return undefined;
        const asked = error.status === 429 || error.status === 503 || LATER.has(error.code);
        return asked ? Math.max(error.retryAfter * 1000, grown) : undefined;
    }
}
