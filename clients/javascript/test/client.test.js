// Creating, finding again, the server's client, and what is refused.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CheckoutNetworkError, exact, HeadlessCheckout, isProblem, stateOf, totalOf } from "../src/index.js";
import { fromJson, toJson } from "../src/money.js";
import { ADDRESS, API, browserStorage, card, CART, fates, happened, network, ONCE, page, PUBLISHABLE, server } from "./world.js";

const refusal = (code) => (error) => isProblem(error) && error.code === code;

test("a lost creation is repeated, and gives one checkout that can be paid", async () => {
    const net = network(fates("/v1/checkouts", "cut", "lose"));
    const storage = browserStorage();
    const checkout = await page({ network: net, storage }).create(CART);
    assert.equal(stateOf(await checkout.complete(checkout.snapshot, { payment: card() })), "paid");
    assert.deepEqual(await happened(checkout), ONCE);
    const keys = net.to("/v1/checkouts").map(({ key }) => key);
    assert.equal(keys[0], keys[2]);
});

test("equal creations at the same time are one", async () => {
    const net = network();
    const client = page({ network: net });
    const [one, other] = await Promise.all([client.create(CART), client.create(CART)]);
    assert.equal(one, other);
    assert.equal(net.to("/v1/checkouts").length, 1);
});

test("resume gives the present snapshot, null without a checkout, and forgets one that is gone", async () => {
    const storage = browserStorage();
    assert.equal(await page({ storage }).resume(), null);
    const checkout = await page({ storage }).create(CART);
    const changed = await checkout.setCustomerMessage("ring twice");
    const resumed = await page({ storage }).resume();
    assert.equal(resumed.snapshot.version, changed.version);
    await checkout.cancel();
    assert.equal(stateOf((await page({ storage }).resume()).snapshot), "ended");
    storage.setItem("headless-checkout:current", JSON.stringify([checkout.id, "wrong"]));
    assert.equal(await page({ storage }).resume(), null);
    assert.equal(storage.kept.size, 0);
});

test("a refused creation that made a checkout can be resumed", async () => {
    const client = page();
    const body = { ...CART, consignments: [{ address: { ...ADDRESS, country_code: "AQ", state_or_province_code: "" } }] };
    await assert.rejects(client.create(body), (error) => isProblem(error) && error.code === "not-deliverable");
    const checkout = await client.resume();
    assert.equal(checkout.snapshot.next_step, "consignments");
});

test("a server creates with its prices and its customer, and hands the token to the page", async () => {
    const created = await server().create({
        customer_id: 1,
        custom_items: [{ name: "Engraving", sku: "e-1", quantity: 1, list_price: exact("10.10") }],
        billing_address: ADDRESS,
        consignments: [{ address: ADDRESS }],
        shipping_preference: "cheapest",
    });
    const checkout = await page().adopt(created.id, created.token);
    assert.equal(totalOf(checkout.snapshot), totalOf(created.snapshot));
    assert.equal(stateOf(await checkout.complete(checkout.snapshot, { payment: card() })), "paid");
    assert.equal(stateOf(await server().checkout(created.id).read()), "paid");
    assert.deepEqual(await happened(checkout), ONCE);
});

test("a server repeats a lost creation with one key, and gets the same checkout", async () => {
    const net = network(fates("/v1/checkouts", "lose"));
    const checkout = await server({ fetch: net.fetch }).create(CART);
    assert.equal(net.to("/v1/checkouts").length, 2);
    const again = await server().create(CART, { idempotencyKey: net.to("/v1/checkouts")[0].key });
    assert.equal(again.id, checkout.id);
});

test("a server makes a direct order and pays it", async () => {
    const checkout = await server().createDirectOrder({
        billing_address: { first_name: "Ada", last_name: "Lovelace", email: "ada@example.com", street_1: "1 Main St", city: "Austin", state: "Texas", zip: "78701", country: "United States", country_iso2: "US" },
        products: [{ name: "Engraving", quantity: 1, price_inc_tax: 10, price_ex_tax: 10 }],
    });
    assert.equal(stateOf(await checkout.pay(checkout.snapshot, card())), "paid");
});

test("a page may not carry a server key, and sets no price", async (t) => {
    globalThis.document = {};
    t.after(() => delete globalThis.document);
    assert.throws(() => server(), /must not be in a page/);
    delete globalThis.document;
    assert.throws(() => new HeadlessCheckout({ url: API }), /either/);
    const priced = { line_items: [{ product_id: 120, quantity: 1, list_price: 1 }] };
    await assert.rejects(page().create(priced), (error) => refusal("forbidden")(error) && error.errors.length > 0);
});

test("what does not fit is refused with its places, and not sent again", async () => {
    const net = network();
    await assert.rejects(page({ network: net }).create({ line_items: [{ product_id: 120, quantity: 0 }] }), (error) => {
        assert.ok(refusal("invalid-input")(error));
        assert.match(error.errors[0].pointer, /quantity/);
        assert.equal(error.retryable, false);
        return true;
    });
    assert.equal(net.sent.length, 1);
});

const problem = (status, code, headers = {}) =>
    new Response(JSON.stringify({ code, status, title: code, detail: code }), {
        status,
        headers: { "Content-Type": "application/problem+json", ...headers },
    });
const counted = async (answer, tries) => {
    const net = network(() => answer());
    const error = await page({ network: net, tries }).create(CART).catch((error) => error);
    return [error.code, net.sent.length, new Set(net.sent.map(({ key }) => key)).size];
};

test("only what the rules allow is repeated, with one key, and not without end", async () => {
    const soon = { "Retry-After": "0" };
    const table = [
        [() => "cut", "network-error", 4],
        [() => problem(503, "service-unavailable", soon), "service-unavailable", 4],
        [() => problem(429, "rate-limited", soon), "rate-limited", 4],
        [() => problem(503, "service-unavailable"), "service-unavailable", 1],
        [() => problem(500, "internal", soon), "internal", 1],
        [() => problem(403, "forbidden", soon), "forbidden", 1],
        [() => new Response("<html>", { status: 504 }), "network-error", 4],
        [() => new Response("<html>sign in to this network", { status: 200 }), "network-error", 4],
        [() => new Response("<html>", { status: 404 }), "network-error", 1],
        // Longer than anybody waits: the caller is told instead.
        [() => problem(429, "rate-limited", { "Retry-After": "3600" }), "rate-limited", 1],
    ];
    for (const [answer, code, times] of table) assert.deepEqual(await counted(answer, 4), [code, times, 1], `${code} ${times}`);
});

test("a network error says that the outcome is unknown", async () => {
    const net = network(() => "cut");
    await assert.rejects(page({ network: net, tries: 1 }).create(CART), (error) => {
        assert.ok(error instanceof CheckoutNetworkError);
        assert.equal(error.safe_to_pay_again, false);
        assert.ok(error.cause instanceof TypeError);
        return true;
    });
});

test("amounts keep the digits that the service sent", async () => {
    const text = '{"cart":{"totals":{"grand_total":1}},"a":["totals",{"grand_total":2}],"totals":{"subtotal":3,"grand_total":33.80}}';
    const snapshot = { ...JSON.parse(text), id: "x" };
    assert.equal(totalOf(fromJson(text)), "33.80");
    assert.equal(totalOf(snapshot), "33.8");
    assert.equal(totalOf(fromJson('{"totals":null}')), null);
    assert.equal(toJson({ a: exact("19.90"), b: [undefined, 1], c: undefined, d: 'x"y' }), '{"a":19.90,"b":[null,1],"d":"x\\"y"}');
    assert.throws(() => exact("1e3"), TypeError);

    const net = network();
    const checkout = await page({ network: net }).create(CART);
    const raw = await (await fetch(`${API}/v1/checkouts/${checkout.id}`, { headers: { Authorization: `Bearer ${checkout.token}` } })).text();
    const written = /"totals":\{[^}]*"grand_total":([0-9.]+)/.exec(raw)[1];
    await checkout.complete(checkout.snapshot, { payment: card() });
    assert.ok(net.to("/complete")[0].body.includes(`"agreed_total":${written}`));
});

test("nobody agrees to what was not shown", async () => {
    const checkout = await page().create(CART);
    const pay = (shown) => checkout.complete(shown, { payment: card() });
    await assert.rejects(pay(undefined), /snapshot/);
    await assert.rejects(pay({ ...checkout.snapshot, id: "another" }), /another checkout/);
    await assert.rejects(pay({ ...checkout.snapshot, totals: null }), /not known/);
    await assert.rejects(pay(0.1 + 0.2), /floating point/);
    await assert.rejects(pay("12,50"), /amount/);
    assert.equal((await happened(checkout)).orders, 0);
});

test("a storage that refuses keeps nothing, and the page still pays once", async () => {
    const refuse = () => {
        throw new Error("QuotaExceededError");
    };
    const client = page({ storage: { getItem: () => null, setItem: refuse, removeItem: () => undefined } });
    const checkout = await client.create(CART);
    assert.equal((await client.resume()).id, checkout.id);
    const clicks = [1, 2].map(() => checkout.complete(checkout.snapshot, { payment: card() }));
    assert.equal(stateOf((await Promise.all(clicks))[0]), "paid");
    assert.deepEqual(await happened(checkout), ONCE);
});

test("with a publishable key a checkout needs its token", () => {
    const client = new HeadlessCheckout({ url: API, publishableKey: PUBLISHABLE });
    assert.throws(() => client.checkout("01a22c79-6d3e-70b2-bd2e-8fdd9e16b478"), /checkout_token/);
});
