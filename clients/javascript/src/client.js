// The client: creates checkouts and finds them again after a reload.

/** @import { CallOptions, ClientOptions, DirectOrder, NewCheckout } from "./api.js" */
import { Checkout, INTENTS, mayPay } from "./checkout.js";
import { isFinal } from "./events.js";
import { Http, newKey } from "./http.js";
import { alone, Keys } from "./keys.js";
import { toJson } from "./money.js";
import { CheckoutProblem, ENDS, inDoubt } from "./problem.js";

const CURRENT = "current";
const CREATE = "create";

export class HeadlessCheckout {
    #http;
    #keys;
    #key;
    #isServer;
    #events;
    /** @type {Map<string, Promise<Checkout>>} */
    #running = new Map();

    /** @param {ClientOptions} options */
    constructor(options) {
        const { publishableKey, serverKey } = options;
        if (!publishableKey === !serverKey) throw new TypeError("pass either publishableKey or serverKey");
        if (serverKey && globalThis.document) throw new TypeError("a server key must not be in a page: everybody could read it");
        this.#http = new Http(options);
        this.#keys = new Keys(options.storage);
        this.#key = String(serverKey ?? publishableKey);
        this.#isServer = serverKey !== undefined;
        this.#events = options.events;
    }

    /**
     * @param {string} id
     * @param {string | undefined} token
     * @param {import("./api.js").Snapshot} [snapshot]
     */
    #checkout(id, token, snapshot) {
        const credential = this.#isServer ? this.#key : String(token);
        const client = { http: this.#http, keys: this.#keys, events: this.#events };
        return new Checkout(client, { id, credential, token, snapshot });
    }

    /**
     * A checkout by its id: with a publishable key also by its token.
     * @param {string} id
     * @param {string} [token]
     */
    checkout(id, token) {
        if (!this.#isServer && !token) throw new TypeError("with a publishable key a checkout needs its checkout_token");
        return this.#checkout(id, token);
    }

    /**
     * Takes over a checkout that a server created, and keeps it for `resume`.
     * @param {string} id
     * @param {string} token
     * @param {CallOptions} [options]
     */
    async adopt(id, token, options) {
        const checkout = this.checkout(id, token);
        await checkout.read(options);
        await this.#keep(id, token);
        return checkout;
    }

    /**
     * @param {string} id
     * @param {string} token
     */
    async #keep(id, token) {
        if (!this.#isServer) await this.#keys.set(CURRENT, JSON.stringify([id, token]));
    }

    async #current() {
        const kept = this.#isServer ? null : await this.#keys.get(CURRENT);
        if (!kept) return null;
        try {
            const [id, token] = JSON.parse(kept);
            return this.#checkout(id, token);
        } catch {
            return null;
        }
    }

    /**
     * The checkout of this browser as it is now, after a reload, a crash or the back button. Null: there is none.
     * @param {CallOptions} [options]
     * @returns {Promise<(Checkout & { snapshot: import("./api.js").Snapshot }) | null>}
     */
    async resume(options) {
        const checkout = await this.#current();
        if (!checkout) return null;
        try {
            await checkout.read(options);
        } catch (error) {
            const isGone = error instanceof CheckoutProblem && (error.status === 404 || error.status === 401);
            // With an open payment the shopper has to hear of it.
            if (!isGone || (await checkout.isPaymentOpen())) throw error;
            await this.forget();
            return null;
        }
        return /** @type {any} */ (checkout);
    }

    /** Forgets the checkout of this browser, and the keys of what is not known about it. */
    async forget() {
        const checkout = await this.#current();
        for (const name of checkout ? INTENTS : []) await this.#keys.remove(`${checkout?.id}:${name}`);
        await this.#keys.remove(CURRENT);
    }

    /**
     * Creates a checkout. A refusal with a `checkout_token` created one: `resume` gives it.
     * @param {NewCheckout} body
     * @param {CallOptions} [options]
     * @returns {Promise<Checkout & { snapshot: import("./api.js").Snapshot }>}
     */
    create(body, options) {
        return this.#create("/v1/checkouts", toJson(body), options);
    }

    /**
     * Creates an order without a cart, to be paid with `pay`. It needs a server key.
     * @param {DirectOrder} body
     * @param {CallOptions} [options]
     * @returns {Promise<Checkout & { snapshot: import("./api.js").Snapshot }>}
     */
    createDirectOrder(body, options) {
        return this.#create("/v1/direct-orders", toJson(body), options);
    }

    /**
     * @param {string} path
     * @param {string} body
     * @param {CallOptions} [options]
     * @returns {Promise<any>}
     */
    #create(path, body, options = {}) {
        // A server works for many shoppers at once: two equal carts are two intents.
        if (this.#isServer) return this.#send(path, body, options);
        const running = this.#running.get(body);
        if (running) return running;
        const promise = alone(CREATE, options.signal, async () => {
            await this.#refuseInDoubt(options);
            return this.#send(path, body, options);
        }).finally(() => this.#running.delete(body));
        this.#running.set(body, promise);
        return promise;
    }

    /**
     * While an earlier payment may have been charged, a new checkout could be paid a second time.
     * @param {CallOptions} options
     */
    async #refuseInDoubt(options) {
        const checkout = await this.#current();
        if (!checkout || !(await checkout.isPaymentOpen())) return;
        const seen = await checkout.read(options);
        if (!isFinal(seen) && !mayPay(seen)) throw inDoubt(`The payment of checkout ${checkout.id} is not settled: resume() gives it.`);
    }

    /**
     * @param {string} path
     * @param {string} body
     * @param {CallOptions} options
     */
    async #send(path, body, { signal, idempotencyKey }) {
        const isKept = !this.#isServer && idempotencyKey === undefined;
        let key = idempotencyKey ?? (isKept && (await this.#keys.get(CREATE))) ?? null;
        key ||= newKey();
        for (let renewed = false; ; renewed = true) {
            if (isKept) await this.#keys.set(CREATE, key);
            try {
                const { status, data } = await this.#http.send("POST", path, { credential: this.#key, body, key, signal });
                const checkout = this.#checkout(data.id, data.checkout_token, data);
                if (!this.#isServer) await this.forget();
                await this.#keep(data.id, data.checkout_token);
                if (isKept) await this.#keys.remove(CREATE);
                if (status === 202) await checkout.settled({ signal });
                return checkout;
            } catch (error) {
                if (!(error instanceof CheckoutProblem)) throw error;
                const created = /** @type {any} */ (error);
                const id = created.instance?.split("/").pop();
                const isCreated = id && created.checkout_token && error.code !== "cart-taken";
                if (isCreated) await this.#keep(id, created.checkout_token);
                if (isKept && (isCreated || ENDS.has(error.code))) await this.#keys.remove(CREATE);
                // With a public key a replay proves nothing: what the lost answer created has no token, and cannot be paid.
                if (error.code !== "idempotency-key-reused" || !isKept || renewed) throw error;
                key = newKey();
            }
        }
    }
}
