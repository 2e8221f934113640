// How a page hears of changes: by the stream, by polling, after a break, and when it is offline.
import assert from "node:assert/strict";
import { test } from "node:test";
import { stateOf } from "../src/index.js";
import { ADDRESS, card, CART, fault, happened, network, ONCE, page } from "./world.js";

const streams = (net) => net.sent.filter(({ path }) => path.endsWith("/events"));

/** Collects what a page sees until the end. */
async function seenBy(checkout, options) {
    const seen = [];
    for await (const snapshot of checkout.follow(options)) seen.push(snapshot);
    return seen;
}
const isGrowing = (seen) => seen.every(({ version }, at) => at === 0 || version > seen[at - 1].version);

for (const events of ["stream", "poll"]) {
    test(`${events}: every version once, up to the final one`, async () => {
        const checkout = await page({ events }).create(CART);
        const following = seenBy(checkout);
        await checkout.complete(checkout.snapshot, { payment: card() });
        const seen = await following;
        assert.equal(seen.at(-1).status, "completed");
        assert.ok(isGrowing(seen));
        assert.ok(checkout.snapshot.version >= seen.at(-1).version);
    });
}

test("202: the page waits by the stream and gets the recorded outcome", async () => {
    const net = network();
    const checkout = await page({ network: net, patience: 20_000 }).create(CART);
    await fault(checkout, "process-payment", { kind: "hang", effect: "after", seconds: 60 });
    // A service that answers at once, as one does whose step takes longer than the wait.
    const atOnce = network((request) => void request.headers);
    const impatient = page({ network: { fetch: (url, init) => atOnce.fetch(url, { ...init, headers: { ...init.headers, Prefer: "wait=0" } }) } });
    const paid = await impatient.checkout(checkout.id, checkout.token).complete(checkout.snapshot, { payment: card() });
    assert.equal(stateOf(paid), "paid");
    assert.ok(streams(atOnce).length > 0);
    assert.equal(new Set(atOnce.to("/complete").map(({ key }) => key)).size, 1);
    assert.deepEqual(await happened(checkout), ONCE);
});

test("a stream that breaks goes on after the last version that arrived", async () => {
    let broken = 0;
    const net = network();
    const breaking = async (url, init) => {
        const response = await net.fetch(url, init);
        if (!new URL(url).pathname.endsWith("/events") || broken++ > 0) return response;
        // One event, and then the connection is gone.
        const { value } = await response.body.getReader().read();
        let pulled = 0;
        const body = new ReadableStream({
            pull(controller) {
                if (pulled++ === 0) controller.enqueue(value);
                else controller.error(new TypeError("terminated"));
            },
        });
        return new Response(body, { headers: response.headers });
    };
    const checkout = await page({ network: { fetch: breaking } }).create(CART);
    const following = checkout.follow();
    const first = await following.next();
    await checkout.setCustomerMessage("ring twice");
    const second = await following.next();
    await following.return();
    assert.ok(second.value.version > first.value.version);
    assert.equal(streams(net)[1].headers.get("Last-Event-ID"), String(first.value.version));
});

test("where no stream comes through, it is polled", async () => {
    const page404 = () => new Response("<html>", { headers: { "Content-Type": "text/html" } });
    const net = network(({ path }) => (path.endsWith("/events") ? page404() : undefined));
    const checkout = await page({ network: net }).create(CART);
    const following = seenBy(checkout);
    await checkout.complete(checkout.snapshot, { payment: card() });
    assert.equal((await following).at(-1).status, "completed");
});

test("who already has the final version hears nothing more", async () => {
    const checkout = await page().create(CART);
    const paid = await checkout.complete(checkout.snapshot, { payment: card() });
    assert.deepEqual(await seenBy(checkout, { after: paid.version }), []);
});

test("a signal ends the following", async () => {
    const checkout = await page().create(CART);
    const stop = new AbortController();
    const following = checkout.follow({ signal: stop.signal });
    await following.next();
    const next = following.next();
    stop.abort(new Error("the page was left"));
    await assert.rejects(next, /the page was left/);
});

test("offline, a page waits and sends when it is back", async (t) => {
    const net = network();
    const checkout = await page({ network: net }).create(CART);
    const listeners = new Set();
    const offline = { onLine: false };
    const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
    Object.defineProperty(globalThis, "navigator", { value: offline, configurable: true });
    const isWaiting = new Promise((resolve) => {
        globalThis.addEventListener = (_, listener) => void resolve(listeners.add(listener));
    });
    globalThis.removeEventListener = (_, listener) => void listeners.delete(listener);
    t.after(() => {
        delete globalThis.addEventListener;
        delete globalThis.removeEventListener;
        if (before) Object.defineProperty(globalThis, "navigator", before);
        else delete globalThis.navigator;
    });
    const paying = checkout.complete(checkout.snapshot, { payment: card() });
    await isWaiting;
    assert.equal(net.to("/complete").length, 0);
    offline.onLine = true;
    for (const listener of listeners) listener();
    assert.equal(stateOf(await paying), "paid");
});

test("changes of one checkout go one after the other", async () => {
    const net = network(({ path, body }) => (path.endsWith("/billing-address") && body.includes("1 Main St") && net.sent.length < 4 ? "lose" : undefined));
    const checkout = await page({ network: net }).create({ line_items: CART.line_items });
    await Promise.all([
        checkout.setBillingAddress(ADDRESS),
        checkout.setBillingAddress({ ...ADDRESS, address1: "2 Oak Ave" }),
    ]);
    assert.equal((await checkout.read()).billing_address.address1, "2 Oak Ave");
    assert.ok(net.sent.filter(({ path }) => path.endsWith("/billing-address")).length > 2);
});
