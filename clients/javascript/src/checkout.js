// One checkout. Every POST is an intent: it has one key until its outcome is certain, and is never sent twice at once.

/**
 * @import { AddItems, BillingAddress, CallOptions, CompleteInput, Confirmation, Consignments, EventTicket, PaymentInput,
 *     PaymentMethods, RedirectUrls, ShippingOptions, Snapshot, Transport, UpdateItem } from "./api.js"
 * @import { Keys } from "./keys.js"
 */
import { follow, isFinal } from "./events.js";
import { newKey, within } from "./http.js";
import { alone } from "./keys.js";
import { agreed, Exact, toJson } from "./money.js";
import { CheckoutProblem, ENDS, inDoubt } from "./problem.js";

/** @typedef {Snapshot | string | number | Exact} Shown The snapshot on the shopper's screen, or its total. */

/** The intents of a checkout. A payment and a completion share a key: they are two ways to one end. */
export const PAY = "pay";
export const INTENTS = [PAY, "order", "items", "coupons", "redirect-urls"];

/** @param {Snapshot} snapshot */
const isWorking = ({ status }) => status === "running" || status === "waiting" || status === "compensating";

/**
 * Where a checkout is, for the page to show: `open` (the shopper goes on), `working` (wait, and do not pay again), `paid`,
 * `review` (the shop looks into it: do not pay again), `ended` (canceled or expired).
 * @param {Snapshot} snapshot
 * @returns {"open" | "working" | "paid" | "review" | "ended"}
 */
export function stateOf(snapshot) {
    if (snapshot.status === "completed") return "paid";
    if (snapshot.status === "stuck") return "review";
    if (isFinal(snapshot) || snapshot.status === "compensating") return "ended";
    return isWorking(snapshot) || !mayPay(snapshot) ? "working" : "open";
}

/**
 * Whether nothing of what a further payment would take can have been charged already.
 * @param {Snapshot} snapshot
 */
export function mayPay({ status, payment }) {
    return status === "awaiting_input" && (!payment || payment.safe_to_pay_again === true);
}

export class Checkout {
    /** @type {Map<string, Promise<any>>} */
    #running = new Map();
    /** @type {Promise<unknown>} */
    #last = Promise.resolve();
    /** @type {Map<string, string>} What this page sent with a key. Card data: it is never stored. */
    #sent = new Map();
    #http;
    #keys;
    #credential;
    #events;

    /**
     * @param {{ http: import("./http.js").Http, keys: Keys, events?: Transport }} client
     * @param {{ id: string, credential: string, token?: string, snapshot?: Snapshot }} about
     */
    constructor({ http, keys, events }, { id, credential, token, snapshot }) {
        this.#http = http;
        this.#keys = keys;
        this.#credential = credential;
        this.#events = events;
        this.id = id;
        /** The `checkout_token`: whoever has it acts on this checkout. */
        this.token = token;
        /** @type {Snapshot | undefined} The newest snapshot that arrived. */
        this.snapshot = snapshot;
    }

    get #path() {
        return `/v1/checkouts/${encodeURIComponent(this.id)}`;
    }

    /**
     * @param {Snapshot} snapshot
     * @returns {Snapshot}
     */
    #seen(snapshot) {
        if (!this.snapshot || snapshot.version >= this.snapshot.version) this.snapshot = snapshot;
        return snapshot;
    }

    /**
     * @param {string} path
     * @param {AbortSignal} [signal]
     */
    async #get(path, signal) {
        return (await this.#http.send("GET", this.#path + path, { credential: this.#credential, signal })).data;
    }

    /**
     * The checkout as it is now.
     * @param {CallOptions} [options]
     * @returns {Promise<Snapshot>}
     */
    async read({ signal } = {}) {
        return this.#seen(await this.#get("", signal));
    }

    /**
     * Every newer snapshot, until the final one.
     * @param {{ after?: number, signal?: AbortSignal, events?: Transport }} [options]
     * @returns {AsyncGenerator<Snapshot, void>}
     */
    async *follow(options) {
        const source = { http: this.#http, path: this.#path, credential: this.#credential };
        for await (const snapshot of follow(source, { events: this.#events, ...options })) yield this.#seen(snapshot);
    }

    /**
     * Waits until nothing is running or settling, and gives the last snapshot when it takes longer than `patience`.
     * @param {{ signal?: AbortSignal, patience?: number }} [options]
     * @returns {Promise<Snapshot>}
     */
    async settled({ signal, patience = this.#http.patience } = {}) {
        const limit = within(signal, patience);
        let seen;
        try {
            for await (seen of this.follow({ signal: limit.signal })) if (!isWorking(seen)) break;
        } catch (error) {
            if (signal?.aborted || !limit.signal.aborted) throw error;
        } finally {
            limit.end();
        }
        return seen ?? this.read({ signal });
    }

    /**
     * Writes of one checkout go one after the other, so that a repeat of an older one never overtakes a newer one.
     * @template T
     * @param {() => Promise<T>} work
     * @returns {Promise<T>}
     */
    #inTurn(work) {
        const turn = this.#last.then(work, work);
        this.#last = turn.catch(() => {});
        return turn;
    }

    /**
     * Sends a request, and while it is answered with 202 waits and asks for its outcome with the same key.
     * @param {string} method
     * @param {string} path
     * @param {{ key: string, body?: unknown, ifMatch?: number, signal?: AbortSignal }} call
     * @returns {Promise<{ data: any, isOver: boolean }>}
     */
    async #outcome(method, path, call) {
        const deadline = Date.now() + this.#http.patience;
        const request = { ...call, credential: this.#credential, deadline };
        for (;;) {
            const { status, data } = await this.#http.send(method, this.#path + path, request);
            if (status !== 202) return { data, isOver: true };
            this.#seen(data);
            const patience = Math.max(deadline - Date.now(), 0);
            const seen = await this.settled({ signal: call.signal, patience });
            if (isWorking(seen) || Date.now() >= deadline) return { data: seen, isOver: false };
        }
    }

    /**
     * @param {string} method
     * @param {string} path
     * @param {unknown} body
     * @param {CallOptions} [options]
     * @returns {Promise<Snapshot>}
     */
    #put(method, path, body, { signal, ifMatch, idempotencyKey } = {}) {
        const key = idempotencyKey ?? newKey();
        return this.#inTurn(async () => this.#seen((await this.#outcome(method, path, { key, body, ifMatch, signal })).data));
    }

    /**
     * One intent: calls that come while it runs get its outcome.
     * @param {string} name
     * @param {string} path
     * @param {string | undefined} body
     * @param {CallOptions} [options]
     */
    #submit(name, path, body, options = {}) {
        // A second click on "pay" is the same intent, whatever the form holds by then; a second item is another one.
        const same = name === PAY ? PAY : `${name} ${body}`;
        const running = this.#running.get(same);
        if (running) return running;
        const work = () => alone(`${this.id}:${name}`, options.signal, () => this.#intent(name, path, body, options));
        const promise = this.#inTurn(work).finally(() => this.#running.delete(same));
        this.#running.set(same, promise);
        return promise;
    }

    /**
     * @param {string} name
     * @param {string} path
     * @param {string | undefined} body
     * @param {CallOptions} options
     */
    async #intent(name, path, body, { signal, ifMatch, idempotencyKey }) {
        const slot = `${this.id}:${name}`;
        const kept = idempotencyKey ?? (await this.#keys.get(slot));
        const text = path + (body ?? "");
        let key = kept ?? newKey();
        for (let renewed = 0; ; renewed++) {
            // Before a reload, or with another card: then an old refusal is not the answer to this.
            const isOld = key === kept && key !== idempotencyKey && this.#sent.get(key) !== text;
            if (key !== idempotencyKey) await this.#keys.set(slot, key);
            this.#sent.set(key, text);
            const end = async () => {
                this.#sent.delete(key);
                if (key !== idempotencyKey) await this.#keys.remove(slot);
            };
            try {
                const { data, isOver } = await this.#outcome("POST", path, { key, body, ifMatch, signal });
                if (isOver) await end();
                return data;
            } catch (error) {
                // Without an answer of the service nothing is certain, and the key stays.
                if (!(error instanceof CheckoutProblem)) throw error;
                // The key belongs to another request: that one comes first.
                const isBound = error.code === "idempotency-key-reused" && key !== idempotencyKey;
                if (isBound) this.#sent.delete(key);
                if (isBound || (error.code === "checkout-closed" && name === PAY)) {
                    const seen = await this.settled({ signal });
                    if (name === PAY && seen.status === "completed") {
                        await end();
                        return seen;
                    }
                    const isCertain = name === PAY ? mayPay(seen) : !isWorking(seen);
                    if (isBound && !isCertain) throw inDoubt("The outcome of an earlier attempt of this checkout is not known yet.");
                }
                if (isBound || ENDS.has(error.code)) await end();
                if (renewed > 0 || !(isBound || (isOld && error.replayed && ENDS.has(error.code)))) throw error;
                key = newKey();
            }
        }
    }

    /**
     * @param {string} name
     * @param {string} path
     * @param {string | undefined} body
     * @param {CallOptions} [options]
     * @returns {Promise<Snapshot>}
     */
    async #change(name, path, body, options) {
        return this.#seen(await this.#submit(name, path, body, options));
    }

    /** @param {BillingAddress} address @param {CallOptions} [options] */
    setBillingAddress(address, options) {
        return this.#put("PUT", "/billing-address", address, options);
    }

    /** @param {Consignments} consignments @param {CallOptions} [options] */
    setConsignments(consignments, options) {
        return this.#put("PUT", "/consignments", consignments, options);
    }

    /** @param {ShippingOptions} choices @param {CallOptions} [options] */
    setShippingOptions(choices, options) {
        return this.#put("PUT", "/shipping-options", choices, options);
    }

    /** @param {string} message @param {CallOptions} [options] */
    setCustomerMessage(message, options) {
        return this.#put("PUT", "/customer-message", { customer_message: message }, options);
    }

    /** @param {AddItems} items @param {CallOptions} [options] */
    addItems(items, options) {
        return this.#change("items", "/items", toJson(items), options);
    }

    /** @param {string} itemId @param {UpdateItem} change @param {CallOptions} [options] */
    updateItem(itemId, change, options) {
        return this.#put("PUT", `/items/${encodeURIComponent(itemId)}`, change, options);
    }

    /** @param {string} itemId @param {CallOptions} [options] */
    removeItem(itemId, options) {
        return this.#put("DELETE", `/items/${encodeURIComponent(itemId)}`, undefined, options);
    }

    /** @param {string} code @param {CallOptions} [options] */
    addCoupon(code, options) {
        return this.#change("coupons", "/coupons", toJson({ coupon_code: code }), options);
    }

    /** @param {string} code @param {CallOptions} [options] */
    removeCoupon(code, options) {
        return this.#put("DELETE", `/coupons/${encodeURIComponent(code)}`, undefined, options);
    }

    /**
     * Creates the order without paying it.
     * @param {Shown} [shown]
     * @param {CallOptions} [options]
     */
    order(shown, options) {
        return this.#change("order", "/order", toJson(shown === undefined ? {} : { agreed_total: agreed(shown, this.id) }), options);
    }

    /**
     * Pays the order, at most what the shopper saw.
     * @param {Shown} shown
     * @param {PaymentInput} payment
     * @param {CallOptions} [options]
     */
    async pay(shown, payment, options) {
        return this.#change(PAY, "/payment", toJson({ ...payment, agreed_total: agreed(shown, this.id) }), options);
    }

    /**
     * Everything that is missing, the order and the payment: at most what the shopper saw.
     * @param {Shown} shown
     * @param {CompleteInput} input
     * @param {CallOptions} [options]
     */
    async complete(shown, input, options) {
        return this.#change(PAY, "/complete", toJson({ ...input, agreed_total: agreed(shown, this.id) }), options);
    }

    /** Cancels before payment. @param {CallOptions} [options] */
    cancel(options) {
        return this.#put("DELETE", "", undefined, options);
    }

    /** @param {CallOptions} [options] @returns {Promise<PaymentMethods>} */
    paymentMethods({ signal } = {}) {
        return this.#get("/payment-methods", signal);
    }

    /** The order, for the confirmation page. @param {CallOptions} [options] @returns {Promise<Confirmation>} */
    confirmation({ signal } = {}) {
        return this.#get("/order", signal);
    }

    /** Where BigCommerce's hosted checkout goes on. @param {CallOptions} [options] @returns {Promise<RedirectUrls>} */
    redirectUrls(options) {
        return this.#submit("redirect-urls", "/redirect-urls", undefined, options);
    }

    /** For an `EventSource` of your own. @param {CallOptions} [options] @returns {Promise<EventTicket>} */
    async eventTicket({ signal } = {}) {
        return (await this.#http.send("POST", `${this.#path}/event-tickets`, { credential: this.#credential, signal })).data;
    }

    /** Whether a payment was sent whose outcome this storage does not know. */
    async isPaymentOpen() {
        return (await this.#keys.get(`${this.id}:${PAY}`)) !== null;
    }
}
