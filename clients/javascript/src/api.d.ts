// The words of the API, by their short names.
import type { components } from "./openapi.js";
import type { CheckoutProblem } from "./problem.js";
import type { Exact } from "./money.js";

type Schemas = components["schemas"];

/** A checkout as it was at one moment. */
export type Snapshot = Schemas["Checkout"];
/** Every problem that the service names. */
export type Code = Schemas["Problem"]["code"];
export type ProblemError = Schemas["ProblemError"];

/** What some problems hold beside the members of all. */
interface Extra {
    "agreement-required": object;
    "not-deliverable": { next_step: Snapshot["next_step"] };
    "payment-declined": { decline: Schemas["ProblemDecline"] };
    "payment-method-unavailable": { upstream: Schemas["Upstream"] };
    "rejected-by-bigcommerce": { upstream: Schemas["Upstream"]; coupon_codes?: string[]; next_step?: Snapshot["next_step"] };
    "service-unavailable": { may_be_recorded: boolean };
    "step-out-of-order": { next_step: Snapshot["next_step"] };
    "total-changed": { agreed_total: number; grand_total: number };
    "version-mismatch": { version: number };
}

/** A problem: `switch (problem.code)` knows what each holds. */
export type Problem = {
    [C in Code]: CheckoutProblem & { readonly code: C } & (C extends keyof Extra ? Readonly<Extra[C]> : unknown);
}[Code];

/** A body whose numbers may also be exact decimals. */
export type Input<T> = T extends number
    ? number | Exact
    : T extends readonly (infer E)[]
      ? Input<E>[]
      : T extends object
        ? { [K in keyof T]: Input<T[K]> }
        : T;

export type NewCheckout = Input<Schemas["NewCheckout"]>;
export type DirectOrder = Input<Schemas["DirectOrder"]>;
export type BillingAddress = Schemas["BillingAddress"];
export type Consignments = Schemas["Consignments"];
export type ShippingOptions = Schemas["ShippingOptions"];
export type AddItems = Input<Schemas["AddItems"]>;
export type UpdateItem = Input<Schemas["UpdateItem"]>;
export type PaymentInput = Omit<Schemas["PaymentInput"], "agreed_total">;
export type CompleteInput = Input<Omit<Schemas["CompleteInput"], "agreed_total">>;
export type PaymentMethods = Schemas["PaymentMethods"];
export type Confirmation = Schemas["Confirmation"];
export type RedirectUrls = Schemas["RedirectUrls"];
export type EventTicket = Schemas["EventTicket"];

/** Where keys and the checkout are kept: `localStorage` and `sessionStorage` fit, and so does an asynchronous one. */
export interface KeyStorage {
    getItem(name: string): string | null | Promise<string | null>;
    setItem(name: string, value: string): unknown;
    removeItem(name: string): unknown;
}

export interface ClientOptions {
    /** Where the service is: `https://checkout.shop.example`. */
    url: string;
    /** The key of a page. */
    publishableKey?: string;
    /** The key of a server. It is refused in a page. */
    serverKey?: string;
    /** `localStorage` in a page, else memory. */
    storage?: KeyStorage;
    /** Another `fetch`. */
    fetch?: typeof globalThis.fetch;
    /** Headers for every request. */
    headers?: Record<string, string>;
    /** How often a request is sent at most; 6 by default. */
    tries?: number;
    /** The longest time for one operation with all its waits, in milliseconds; 60,000 by default. */
    patience?: number;
    /** The first pause before a repeat, in milliseconds; 400 by default, and twice as long each time, up to 20 times. */
    firstPause?: number;
    /** How changes arrive; `stream` (`fetch`) by default. */
    events?: Transport;
}

export type Transport = "stream" | "eventsource" | "poll";

export interface CallOptions {
    signal?: AbortSignal;
    /** A key of your own, in place of the kept one: the same for every repeat of the same intent. */
    idempotencyKey?: string;
    /** Refuse with `version-mismatch` when the checkout is not this version anymore. */
    ifMatch?: number;
}
