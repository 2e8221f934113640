// What can go wrong: the service refuses with a problem (RFC 9457), or no answer of the service arrives.

/** @import { Code, ProblemError } from "./api.js" */

/** The service refused. */
export class CheckoutProblem extends Error {
    /**
     * @param {Record<string, any>} body
     * @param {{ status?: number, retryAfter?: number, replayed?: boolean }} [answer]
     */
    constructor(body, { status = 0, retryAfter, replayed = false } = {}) {
        super(`${body.code}: ${body.detail}`);
        Object.assign(this, body);
        this.name = "CheckoutProblem";
        /** @type {Code} */
        this.code = body.code;
        /** @type {number} */
        this.status = body.status ?? status;
        /** @type {string} */
        this.title = body.title;
        /** @type {string} What is wrong, for developers. */
        this.detail = body.detail;
        /** @type {ProblemError[]} Places in the body that do not fit. */
        this.errors = body.errors ?? [];
        /** Whether the same request may succeed later without a change. */
        this.retryable = body.retryable === true || this.status === 429 || this.status === 503;
        /** True only when it is certain that nothing was charged. What was not said is not certain. */
        this.safe_to_pay_again = body.safe_to_pay_again === true;
        /** @type {string} A sentence for the shopper. */
        this.shopper_message = body.shopper_message ?? "Something went wrong. Please try again.";
        /** @type {number | undefined} Seconds. */
        this.retryAfter = retryAfter;
        /** @type {string | undefined} For the operator of the service. */
        this.trace_id = body.trace_id;
        /** Whether this is the recorded answer to an earlier request with the same key. */
        this.replayed = replayed;
    }
}

/** No answer of the service arrived: whether the request took effect is not known. The key is kept. */
export class CheckoutNetworkError extends Error {
    /**
     * @param {string} message
     * @param {{ status?: number, cause?: unknown }} [about]
     */
    constructor(message, { status = 0, cause } = {}) {
        super(message, { cause });
        this.name = "CheckoutNetworkError";
        /** @type {"network-error"} */
        this.code = "network-error";
        /** The status of whoever answered in place of the service; 0: nobody. */
        this.status = status;
        this.retryable = true;
        this.safe_to_pay_again = false;
        this.shopper_message = "The shop cannot be reached. Please check your connection and try again.";
        /** @type {number | undefined} */
        this.retryAfter = undefined;
    }
}

/**
 * @param {unknown} error
 * @returns {error is import("./api.js").Problem}
 */
export const isProblem = (error) => error instanceof CheckoutProblem;

/** @param {string} detail */
export const inDoubt = (detail) =>
    new CheckoutProblem({
        type: "/problems/payment-in-doubt",
        code: "payment-in-doubt",
        title: "Earlier payment unresolved",
        status: 409,
        detail,
        safe_to_pay_again: false,
        shopper_message: "We are still checking your payment. Please do not pay again.",
    });

/** The problems that end an intent: its key answers with them forever. After every other one the same key is sent again. */
export const ENDS = new Set([
    "payment-declined",
    "total-changed",
    "rejected-by-bigcommerce",
    "not-deliverable",
    "payment-method-unavailable",
    "checkout-closed",
]);
