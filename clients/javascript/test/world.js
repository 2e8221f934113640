// What the tests share: the shopper, her network, and what really happened at BigCommerce.
import { HeadlessCheckout } from "../src/index.js";

const required = (name) => {
    const value = process.env[name];
    if (!value) throw new Error(`${name} is not set: run the tests with \`npm test\`, which starts the service`);
    return value;
};
export const API = required("TEST_API");
const SIMULATOR = `${required("TEST_SIMULATOR")}/simulator`;
export const ORIGIN = required("TEST_ORIGIN");
export const PUBLISHABLE = required("TEST_KEY");
export const SERVER = "dev-storefront-key";

export const ADDRESS = {
    first_name: "Ada",
    last_name: "Lovelace",
    email: "ada@example.com",
    address1: "1 Main St",
    city: "Austin",
    state_or_province_code: "TX",
    postal_code: "78701",
    country_code: "US",
};
export const CART = {
    line_items: [{ product_id: 120, quantity: 1 }],
    billing_address: ADDRESS,
    consignments: [{ address: ADDRESS }],
    shipping_preference: "cheapest",
};
export const card = (number = "4111111111111111") => ({
    payment_method_id: "stripe.card",
    instrument: {
        type: "card",
        number,
        cardholder_name: "Ada Lovelace",
        expiry_month: 12,
        expiry_year: 2035,
        verification_value: "123",
    },
});
export const DECLINED = "4000030106000002";

/** A storage that outlives a page, as the browser's does. */
export function browserStorage() {
    const kept = new Map();
    return {
        kept,
        getItem: (name) => kept.get(name) ?? null,
        setItem: (name, value) => void kept.set(name, value),
        removeItem: (name) => void kept.delete(name),
    };
}

/**
 * A network that does what `plan` says about each request: "lose" (the answer never arrives), "cut" (the request does not
 * arrive), a Response (in place of the service), or nothing. `sent` lists every request.
 */
export function network(plan = () => undefined) {
    const sent = [];
    const fetch = async (url, init = {}) => {
        const headers = new Headers(init.headers);
        const request = { method: init.method ?? "GET", path: new URL(url).pathname, key: headers.get("Idempotency-Key"), headers, body: init.body };
        sent.push(request);
        const fate = await plan(request, sent.length);
        if (fate instanceof Response) return fate;
        if (fate === "cut") throw new TypeError("fetch failed");
        const response = await globalThis.fetch(url, init);
        if (fate === "lose") {
            await response.arrayBuffer();
            throw new TypeError("fetch failed");
        }
        return response;
    };
    const to = (end) => sent.filter(({ method, path }) => method === "POST" && path.endsWith(end));
    return { fetch, sent, to };
}

/** The first requests to this path meet these fates, one each. */
export const fates = (end, ...list) => ({ method, path }) => (method === "POST" && path.endsWith(end) ? list.shift() : undefined);

/** The page of a shop. A second one with the same storage is the page after a reload. */
export const page = ({ network: { fetch } = network(), storage = browserStorage(), ...more } = {}) =>
    new HeadlessCheckout({
        url: API,
        publishableKey: PUBLISHABLE,
        headers: { Origin: ORIGIN },
        storage,
        fetch,
        firstPause: 5,
        ...more,
    });

export const server = (more = {}) => new HeadlessCheckout({ url: API, serverKey: SERVER, firstPause: 5, ...more });

export async function simulator(method, path, body) {
    const response = await fetch(SIMULATOR + path, { method, body: body && JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json().catch(() => undefined);
}

/** Something goes wrong with the next call of this name that BigCommerce gets about this checkout. */
export const fault = ({ id }, call, fault, more = {}) =>
    simulator("POST", "/faults", { call, match: { correlation_id: id }, fault, ...more });

/** The orders and charges that really happened. */
export async function happened({ id }) {
    const { orders, charges } = await simulator("GET", "/ledger");
    const mine = ({ correlation_id }) => correlation_id === id;
    return { orders: orders.filter(mine).length, charges: charges.filter(mine).length };
}
export const ONCE = { orders: 1, charges: 1 };
