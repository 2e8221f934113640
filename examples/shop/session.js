// The checkout of this page. Everything goes through the client: it finds the checkout again after a reload, the back button, in another tab,
// and never pays twice. Here is only what the pages show of it.

import { CheckoutNetworkError, HeadlessCheckout, stateOf } from "/client/index.js";

export class Session extends EventTarget {
    checkout = null;
    /** What went wrong last, to be shown. */
    error = null;
    /** What this page is doing: "" or a sentence. */
    doing = "";
    #client;
    #following = new AbortController();

    constructor({ api, publishable_key }) {
        super();
        this.#client = new HeadlessCheckout({ url: api, publishableKey: publishable_key });
    }

    get snapshot() {
        return this.checkout?.snapshot ?? null;
    }

    /** `none`, or what `stateOf` says. */
    get state() {
        return this.snapshot ? stateOf(this.snapshot) : "none";
    }

    /** Whether money may be moving: then the pages wait, and offer no payment. */
    get isPaying() {
        if (this.state !== "working") return false;
        const { steps, payment } = this.snapshot;
        const begun = steps.some(({ name, status }) => (name === "order" || name === "payment") && (status === "running" || status === "unknown"));
        return begun || Boolean(payment && !payment.safe_to_pay_again);
    }

    #tell() {
        this.dispatchEvent(new Event("change"));
    }

    #use(checkout) {
        this.#following.abort();
        this.#following = new AbortController();
        this.checkout = checkout;
        if (checkout) this.#follow(checkout, this.#following.signal);
    }

    async #follow(checkout, signal) {
        try {
            for await (const snapshot of checkout.follow({ after: checkout.snapshot.version, signal })) {
                this.dispatchEvent(new CustomEvent("version", { detail: snapshot }));
                this.#tell();
            }
        } catch (error) {
            if (!signal.aborted) console.warn("no longer following:", error);
        }
    }

    /** The checkout of this browser as it is now: on load, after the back button, when another tab started a new one. */
    async sync() {
        if (this.doing) return;
        try {
            const found = await this.#client.resume();
            const isSame = found && this.checkout?.id === found.id && this.snapshot.version === found.snapshot.version;
            if (!isSame) this.#use(found);
            if (this.error instanceof CheckoutNetworkError) this.error = null;
        } catch (error) {
            this.error = error;
        }
        this.#tell();
    }

    /** Does something with the checkout, one thing at a time, and keeps what went wrong. */
    async do(what, work) {
        if (this.doing) return false;
        this.doing = what;
        this.error = null;
        this.#tell();
        try {
            await work(this.checkout);
            return true;
        } catch (error) {
            this.error = error;
            if (!(error instanceof CheckoutNetworkError)) await this.checkout?.read().catch(() => {});
            return false;
        } finally {
            this.doing = "";
            this.#tell();
        }
    }

    add(product) {
        return this.do(`Adding ${product.name} …`, async (checkout) => {
            const line_items = [{ product_id: product.id, variant_id: product.variant, quantity: 1 }];
            // A checkout that is over makes room for the next one; the client refuses while a payment is in doubt.
            if (["none", "paid", "ended"].includes(this.state)) this.#use(await this.#client.create({ line_items }));
            else await checkout.addItems({ line_items });
        });
    }

    /** Pays at most the total of the snapshot that was on the screen. */
    pay(shown, payment) {
        return this.do("Paying …", (checkout) => checkout.complete(shown, { payment }));
    }

    async startOver() {
        await this.#client.forget();
        this.error = null;
        this.#use(null);
        this.#tell();
    }
}
