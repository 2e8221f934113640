// The client of headless-checkout for storefronts.

/** @typedef {import("./api.js").Snapshot} Snapshot */
/** @typedef {import("./api.js").Problem} Problem */
/** @typedef {import("./api.js").Code} Code */
/** @typedef {import("./api.js").ClientOptions} ClientOptions */
/** @typedef {import("./api.js").CallOptions} CallOptions */
/** @typedef {import("./api.js").KeyStorage} KeyStorage */
/** @typedef {import("./openapi.js").components} components */

export { Checkout, mayPay, stateOf } from "./checkout.js";
export { HeadlessCheckout } from "./client.js";
export { Exact, exact, totalOf } from "./money.js";
export { CheckoutNetworkError, CheckoutProblem, isProblem } from "./problem.js";
