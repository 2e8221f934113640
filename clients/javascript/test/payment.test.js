// One order and one charge, whatever the network and the shopper do.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isProblem, stateOf, totalOf } from "../src/index.js";
import { ADDRESS, browserStorage, card, CART, DECLINED, fates, fault, happened, network, ONCE, page, simulator } from "./world.js";

const refusal = (code) => (error) => isProblem(error) && error.code === code;

test("step by step: addresses, shipping, order, payment, confirmation", async () => {
    const client = page();
    const checkout = await client.create({ line_items: CART.line_items });
    await checkout.setBillingAddress(ADDRESS);
    const { consignments } = await checkout.setConsignments([{ address: ADDRESS }]);
    const option = consignments[0].available_shipping_options.find(({ type }) => type === "freeshipping");
    const shown = await checkout.setShippingOptions([{ shipping_option_id: option.id }]);
    await checkout.order(shown);
    const paid = await checkout.pay(shown, card());
    assert.equal(stateOf(paid), "paid");
    assert.equal((await checkout.confirmation()).order.id, paid.order.id);
    assert.deepEqual(await happened(checkout), ONCE);
});

test("a double click is one intent", async () => {
    const net = network();
    const checkout = await page({ network: net }).create(CART);
    const shown = checkout.snapshot;
    const clicks = [1, 2, 3].map(() => checkout.complete(shown, { payment: card() }));
    const [first, ...others] = await Promise.all(clicks);
    assert.ok(others.every((other) => other === first));
    assert.equal(net.to("/complete").length, 1);
    assert.deepEqual(await happened(checkout), ONCE);
});

test("a lost answer is asked for again with the same key", async () => {
    const net = network(fates("/complete", "lose", "cut", "lose"));
    const checkout = await page({ network: net }).create(CART);
    const paid = await checkout.complete(checkout.snapshot, { payment: card() });
    assert.equal(stateOf(paid), "paid");
    const keys = net.to("/complete").map(({ key }) => key);
    assert.equal(keys.length, 4);
    assert.equal(new Set(keys).size, 1);
    assert.deepEqual(await happened(checkout), ONCE);
});

test("after a reload the key is the same, and it is gone with the outcome", async () => {
    const storage = browserStorage();
    const lost = network(({ path }) => (path.endsWith("/complete") ? "lose" : undefined));
    const before = await page({ network: lost, storage, tries: 1 }).create(CART);
    await assert.rejects(before.complete(before.snapshot, { payment: card() }), { code: "network-error", safe_to_pay_again: false });

    const net = network();
    const after = await page({ network: net, storage }).resume();
    assert.equal(after.id, before.id);
    const paid = await after.complete(after.snapshot, { payment: card() });
    assert.equal(stateOf(paid), "paid");
    assert.deepEqual(
        net.to("/complete").map(({ key }) => key),
        lost.to("/complete").map(({ key }) => key),
    );
    assert.equal([...storage.kept.keys()].filter((name) => name.endsWith(":pay")).length, 0);
    assert.deepEqual(await happened(after), ONCE);
});

test("nothing about a card is stored", async () => {
    const storage = browserStorage();
    const net = network(({ path }) => (path.endsWith("/complete") ? "cut" : undefined));
    const checkout = await page({ network: net, storage, tries: 1 }).create(CART);
    await assert.rejects(checkout.complete(checkout.snapshot, { payment: card() }));
    const kept = JSON.stringify([...storage.kept]);
    assert.ok(kept.includes(":pay"));
    assert.ok(!kept.includes("4111") && !kept.includes("Lovelace"));
});

test("after a reload a new card is a new attempt, once the old one is certainly declined", async () => {
    const storage = browserStorage();
    const lost = network(fates("/complete", "lose"));
    const before = await page({ network: lost, storage, tries: 1 }).create(CART);
    await assert.rejects(before.complete(before.snapshot, { payment: card(DECLINED) }), { code: "network-error" });

    const net = network();
    const after = await page({ network: net, storage }).resume();
    const paid = await after.complete(after.snapshot, { payment: card() });
    assert.equal(stateOf(paid), "paid");
    const keys = net.to("/complete").map(({ key }) => key);
    assert.equal(keys[0], lost.to("/complete")[0].key);
    assert.equal(new Set(keys).size, 2);
    assert.equal((await happened(after)).charges, 1);
});

test("the same page hears that the first try was declined, and does not try that card again", async () => {
    const net = network(fates("/complete", "lose"));
    const checkout = await page({ network: net, tries: 1 }).create(CART);
    const pay = (number) => checkout.complete(checkout.snapshot, { payment: card(number) });
    await assert.rejects(pay(DECLINED), { code: "network-error" });
    await assert.rejects(pay(DECLINED), (error) => refusal("payment-declined")(error) && error.safe_to_pay_again && error.replayed);
    assert.equal(stateOf(await pay()), "paid");
    assert.deepEqual((await happened(checkout)).charges, 1);
});

test("a request that changed under an unknown outcome waits for that outcome", async () => {
    const storage = browserStorage();
    const lost = network(fates("/complete", "lose"));
    const before = await page({ network: lost, storage, tries: 1 }).create(CART);
    await assert.rejects(before.complete(before.snapshot, { payment: card() }), { code: "network-error" });

    // Another body with the kept key: the service refuses it, so the first one arrived, and it was paid.
    const net = network();
    const after = await page({ network: net, storage }).resume();
    const paid = await after.complete("99.99", { payment: card() });
    assert.equal(stateOf(paid), "paid");
    assert.equal(net.to("/complete").length, 1);
    assert.deepEqual(await happened(after), ONCE);
});

test("a card that is charged while its answer is lost behind the service is charged once", async () => {
    const net = network();
    const checkout = await page({ network: net }).create(CART);
    await fault(checkout, "process-payment", { kind: "html", status: 504, effect: "after" });
    const paid = await checkout.complete(checkout.snapshot, { payment: card() });
    assert.equal(stateOf(paid), "paid");
    assert.equal(new Set(net.to("/complete").map(({ key }) => key)).size, 1);
    assert.deepEqual(await happened(checkout), ONCE);
});

test("an order whose answer is lost is made once", async () => {
    const checkout = await page().create(CART);
    await fault(checkout, "create-order", { kind: "reset", effect: "after" });
    const shown = checkout.snapshot;
    const ordered = await checkout.order(shown);
    assert.equal(ordered.next_step, "payment");
    assert.equal(stateOf(await checkout.pay(shown, card())), "paid");
    assert.deepEqual(await happened(checkout), ONCE);
});

test("two pages with one storage pay once, and both see it", async () => {
    const storage = browserStorage();
    const one = await page({ storage }).create(CART);
    const other = await page({ storage }).resume();
    const both = await Promise.all([one, other].map((tab) => tab.complete(tab.snapshot, { payment: card() })));
    assert.deepEqual(both.map(stateOf), ["paid", "paid"]);
    assert.deepEqual(await happened(one), ONCE);
});

test("a declined card says so, and the next one gets a new key", async () => {
    const net = network();
    const checkout = await page({ network: net }).create(CART);
    const shown = checkout.snapshot;
    await assert.rejects(checkout.complete(shown, { payment: card(DECLINED) }), (error) => {
        assert.ok(refusal("payment-declined")(error));
        assert.equal(error.status, 402);
        assert.equal(error.safe_to_pay_again, true);
        assert.match(error.shopper_message, /declined/);
        return true;
    });
    assert.equal(stateOf(await checkout.complete(shown, { payment: card() })), "paid");
    assert.equal(new Set(net.to("/complete").map(({ key }) => key)).size, 2);
});

test("a total that rose is not paid before the shopper agrees to it", async () => {
    const checkout = await page().create(CART);
    const shown = checkout.snapshot;
    await simulator("POST", "/meanwhile", { does: "add_fee", cart_id: shown.cart.id });
    await assert.rejects(checkout.complete(shown, { payment: card() }), (error) => {
        assert.equal(error.code, "total-changed");
        assert.ok(error.grand_total > error.agreed_total);
        assert.equal(String(error.agreed_total), String(Number(totalOf(shown))));
        return true;
    });
    assert.equal((await happened(checkout)).charges, 0);
    assert.equal(stateOf(await checkout.complete(await checkout.read(), { payment: card() })), "paid");
    assert.equal((await happened(checkout)).charges, 1);
});

test("while a payment is in doubt, no new checkout is created", async () => {
    const storage = browserStorage();
    const client = page({ storage, patience: 300 });
    const checkout = await client.create(CART);
    await fault(checkout, "process-payment", { kind: "hold", effect: "after" });
    const seen = await checkout.complete(checkout.snapshot, { payment: card() });
    assert.equal(stateOf(seen), "working");
    await assert.rejects(page({ storage }).create(CART), refusal("payment-in-doubt"));
    const resumed = await page({ storage }).resume();
    const end = await resumed.settled();
    assert.equal(stateOf(end), "paid");
    assert.notEqual((await page({ storage }).create(CART)).id, checkout.id);
    assert.deepEqual(await happened(checkout), ONCE);
});
