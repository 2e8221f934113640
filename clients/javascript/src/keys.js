// The keys of intents, kept until the intent is over with certainty: over a reload, a crash of the tab, and in every tab.

/** @import { KeyStorage } from "./api.js" */

const PREFIX = "headless-checkout:";
/** How long another tab may hold an intent before this one asks the service itself, with the same key. */
const HELD = 90_000;

/** @returns {KeyStorage} */
export function memory() {
    /** @type {Map<string, string>} */
    const kept = new Map();
    return {
        getItem: (name) => kept.get(name) ?? null,
        setItem: (name, value) => kept.set(name, value),
        removeItem: (name) => kept.delete(name),
    };
}

/** What the page has, or memory: reading `localStorage` throws where the browser forbids it. */
function inPage() {
    try {
        return globalThis.document && globalThis.localStorage;
    } catch {
        return undefined;
    }
}

export class Keys {
    /** @param {KeyStorage} [storage] */
    constructor(storage) {
        this.storage = storage ?? inPage() ?? memory();
        this.spare = memory();
    }

    /** @param {string} name */
    async get(name) {
        return (await this.spare.getItem(name)) ?? (await this.storage.getItem(PREFIX + name));
    }

    /**
     * @param {string} name
     * @param {string} value
     */
    async set(name, value) {
        try {
            await this.storage.setItem(PREFIX + name, value);
        } catch {
            // A full storage keeps nothing; this page still does.
            this.spare.setItem(name, value);
        }
    }

    /** @param {string} name */
    async remove(name) {
        this.spare.removeItem(name);
        await this.storage.removeItem(PREFIX + name);
    }
}

/**
 * Runs one at a time, in all tabs of this origin.
 * @template T
 * @param {string} name
 * @param {AbortSignal | undefined} signal
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function alone(name, signal, work) {
    const locks = globalThis.document && globalThis.navigator?.locks;
    if (!locks) return work();
    const waiting = new AbortController();
    const giveUp = () => waiting.abort();
    const timer = setTimeout(giveUp, HELD);
    signal?.addEventListener("abort", giveUp);
    let isHeld = false;
    try {
        return await locks.request(PREFIX + name, { signal: waiting.signal }, () => {
            isHeld = true;
            return work();
        });
    } catch (error) {
        if (isHeld || !waiting.signal.aborted) throw error;
        signal?.throwIfAborted();
        return await work();
    } finally {
        clearTimeout(timer);
        signal?.removeEventListener("abort", giveUp);
    }
}
