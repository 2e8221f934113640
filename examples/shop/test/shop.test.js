// The example shop in a real browser: whatever goes wrong, one order, one charge, and a page that tells the truth. `./dev client` runs it.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";
import { ADDRESS, PRODUCTS } from "../catalog.js";

const { chromium } = createRequire(new URL("../../../clients/javascript/package.json", import.meta.url))("playwright-core");
const SHOP = process.env.TEST_SHOP;
const BROWSERS = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const PAID = "main[data-view=confirmation]";
const MUG = PRODUCTS[0].name;

let browser;
before(async () => {
    assert.ok(SHOP, "TEST_SHOP is not set: run the tests with `./dev client`");
    const executablePath = BROWSERS.find((path) => path && existsSync(path));
    assert.ok(executablePath, "no Chromium: install one, or name it in CHROMIUM");
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
});
after(() => browser?.close());

async function open(context, hash = "") {
    const page = await context.newPage();
    page.on("pageerror", (error) => console.error(error));
    await page.goto(`${SHOP}/${hash}`);
    await page.locator("body[data-ready]").waitFor();
    return page;
}

/** A shopper who has only the payment left. */
async function shopper(work, options = {}) {
    const context = await browser.newContext(options);
    context.setDefaultTimeout(20_000);
    const sent = [];
    context.on("request", (request) => request.method() === "POST" && request.url().endsWith("/complete") && sent.push(request));
    const page = await open(context);
    await page.evaluate(async ({ address, product }) => {
        const [{ HeadlessCheckout }, { api, publishable_key }] = await Promise.all([import("/client/index.js"), fetch("/demo").then((answer) => answer.json())]);
        const client = new HeadlessCheckout({ url: api, publishableKey: publishable_key });
        await client.create({ line_items: [product], billing_address: address, consignments: [{ address }], shipping_preference: "cheapest" });
        location.hash = "#/payment";
        location.reload();
    }, { address: ADDRESS, product: { product_id: PRODUCTS[0].id, quantity: 1 } });
    await page.locator("#pay").waitFor();
    try {
        await work(page, { context, sent });
    } finally {
        await context.close();
    }
}

const idOf = (page) => page.evaluate(() => JSON.parse(localStorage["headless-checkout:current"])[0]);
async function books(id) {
    const { orders, charges } = await (await fetch(`${SHOP}/demo/ledger?checkout=${id}`)).json();
    return { orders: orders.filter(({ status_id }) => status_id !== 0).length, charges: charges.length };
}
async function isPaidOnce(page) {
    await page.locator(PAID).waitFor();
    await page.locator("#charges", { hasText: /^1$/ }).waitFor();
    await page.locator("#orders", { hasText: /^1 order$/ }).waitFor();
    assert.deepEqual(await books(await idOf(page)), { orders: 1, charges: 1 });
}
const turn = async (page, name) => {
    await page.locator(`[data-act="${name}"]`).click();
    await page.locator(`[data-act="${name}"][data-state="armed"]`).waitFor();
};
const paying = (page) => page.locator("main[data-view=paying]").waitFor();

describe("whatever goes wrong", { concurrency: 6 }, () => {
    test("from the shelf to the confirmation", async () => {
        const context = await browser.newContext();
        const page = await open(context);
        await page.getByRole("button", { name: `Add ${MUG} to cart` }).click();
        await page.getByRole("link", { name: "Go to the cart" }).click();
        await page.getByRole("button", { name: "One more" }).click();
        await page.locator("#count", { hasText: "2" }).waitFor();
        await page.getByRole("link", { name: "Go to checkout" }).click();
        await page.getByRole("button", { name: "Continue to shipping" }).click();
        await page.getByText("Free Shipping").click();
        await page.getByRole("button", { name: "Continue to payment" }).click();
        await page.locator("#pay", { hasText: "Pay $32.48" }).click();
        await isPaidOnce(page);
        await context.close();
    });

    test("a double click pays once", () =>
        shopper(async (page, { sent }) => {
            await page.locator("#pay").dblclick();
            await isPaidOnce(page);
            assert.equal(sent.length, 1);
        }));

    test("a reload in the middle of a payment, and the back button after it", () =>
        shopper(async (page, { sent }) => {
            await turn(page, "slow-payment");
            await page.locator("#pay").click();
            await page.locator("#charges", { hasText: /^1$/ }).waitFor();
            await page.reload();
            await page.locator("main[data-view=paying], main[data-view=confirmation]").waitFor();
            assert.equal(await page.locator("#pay").count(), 0);
            await page.goto("about:blank");
            await page.goBack();
            await isPaidOnce(page);
            await page.evaluate(() => history.back());
            await page.locator("main[data-view=products]").waitFor();
            await page.getByRole("link", { name: "Cart" }).click();
            await isPaidOnce(page);
            assert.equal(sent.length, 1);
        }));

    test("offline in the middle of a payment: the page says so, and finds it paid", () =>
        shopper(async (page, { context }) => {
            await turn(page, "slow-payment");
            const id = await idOf(page);
            await page.locator("#pay").click();
            await paying(page);
            await context.setOffline(true);
            await page.locator("#offline", { hasText: "offline" }).waitFor();
            await page.locator("#charges", { hasText: "?" }).waitFor();
            while ((await books(id)).charges === 0);
            await context.setOffline(false);
            await isPaidOnce(page);
        }));

    test("two tabs pay once, and both say so", () =>
        shopper(async (page, { context }) => {
            const other = await open(context, "#/payment");
            await Promise.all([page.locator("#pay").click(), other.locator("#pay").click()]);
            await isPaidOnce(page);
            await isPaidOnce(other);
        }));

    for (const name of ["lose-order-answer", "gateway-timeout"]) {
        test(`${name}: it heals`, () =>
            shopper(async (page) => {
                await turn(page, name);
                await page.locator("#pay").click();
                await isPaidOnce(page);
                await page.locator(`[data-act="${name}"][data-state="struck"]`).waitFor();
            }));
    }

    test("a price that rises is shown before anything is paid", () =>
        shopper(async (page) => {
            const before = await page.locator("#total").textContent();
            await page.locator('[data-act="raise-price"]').click();
            await page.getByText("Done.").waitFor();
            await page.locator("#pay").click();
            await page.locator(".trouble", { hasText: "You agreed to" }).waitFor();
            const now = await page.locator("#total").textContent();
            assert.ok(Number(now.slice(1)) > Number(before.slice(1)), `${before} ${now}`);
            assert.equal((await books(await idOf(page))).charges, 0);
            await page.locator("#pay", { hasText: now }).click();
            await isPaidOnce(page);
        }));

    test("the hosted page is opened too: its order stays unpaid", () =>
        shopper(async (page) => {
            await page.locator('[data-act="open-hosted-page"]').click();
            await page.getByText("by the hosted page").waitFor();
            await page.locator("#pay").click();
            await isPaidOnce(page);
        }));

    test("the meter hides nothing: not a second charge, and not that it does not know", () =>
        shopper(async (page) => {
            const charge = { order_id: 1, amount: 10, currency: "USD", state: "captured" };
            const json = { carts: [], orders: [], charges: [charge, { ...charge, state: "voided" }, charge], requests: [], faults: [], service: null };
            await page.route("**/demo/ledger?*", (route) => route.fulfill({ json }));
            await page.locator("#charges", { hasText: /^2$/ }).waitFor();
            await page.locator(".verdict", { hasText: "more than one: this is wrong" }).waitFor();
            await page.unroute("**/demo/ledger?*");
            await page.route("**/demo/ledger?*", (route) => route.fulfill({ status: 502, json: {} }));
            await page.locator("#charges", { hasText: "?" }).waitFor();
            await page.locator(".verdict", { hasText: "not known right now" }).waitFor();
        }));

    test("a declined card says why, and another one pays", () =>
        shopper(async (page) => {
            await page.selectOption("#card", "4000030106000002");
            await page.locator("#pay").click();
            await page.locator(".trouble", { hasText: "insufficient funds" }).waitFor();
            await page.locator("#charges", { hasText: /^0$/ }).waitFor();
            await page.locator("#pay").click();
            await isPaidOnce(page);
        }));

    test("the labels of the shelves are the prices of the service", async () => {
        const context = await browser.newContext();
        const page = await open(context);
        // Without what is sold out, and without what is reduced.
        const plain = PRODUCTS.filter(({ id }) => id !== 114 && id !== 117);
        for (const { name } of plain) {
            await page.getByRole("button", { name: `Add ${name} to cart` }).click();
            await page.getByText(`${name} is in the cart`).waitFor();
        }
        await page.getByRole("link", { name: "Go to the cart" }).click();
        const basket = await page.locator(".basket").textContent();
        for (const { name, price } of plain) assert.ok(basket.includes(`${name}$${price.toFixed(2)} each`), `${name}: ${basket}`);
        await context.close();
    });

    test("axe finds nothing serious at 1280 and 320 px, in light and dark, nothing is cut off, and the keyboard is enough", async (context) => {
        if (!process.env.AXE_CORE) return context.skip("!!! AXE_CORE names no file, so axe-core has not looked at the shop !!!");
        const axe = readFileSync(process.env.AXE_CORE, "utf8");
        const look = async (page, name) => {
            for (const [width, colorScheme] of [[1280, "light"], [320, "dark"], [320, "light"], [1280, "dark"]]) {
                await page.setViewportSize({ width, height: 800 });
                await page.emulateMedia({ colorScheme });
                // What differs in the dark is the colors.
                const some = colorScheme === "dark" ? { runOnly: ["color-contrast"] } : {};
                const violations = await page.evaluate(async ([source, chosen]) => {
                    if (!globalThis.axe) (0, eval)(source);
                    return (await globalThis.axe.run(document, { preload: false, resultTypes: ["violations"], ...chosen })).violations;
                }, [axe, some]);
                const found = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
                assert.deepEqual(found.map(({ id, nodes }) => [name, width, colorScheme, id, nodes[0].html]), []);
                assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} is wider than ${width}`);
            }
        };
        await shopper(async (page) => {
            await look(page, "payment");
            for (const name of ["shipping", "address", "cart", ""]) {
                await page.evaluate((hash) => { location.hash = hash; }, `#/${name}`);
                await page.locator(`main[data-view=${name || "products"}]`).waitFor();
                await look(page, name);
            }
            await page.evaluate(() => { location.hash = "#/payment"; });
            await page.locator("#pay").focus();
            await page.keyboard.press("Enter");
            await isPaidOnce(page);
            assert.equal(await page.evaluate(() => document.activeElement.localName), "h1", "the focus is on what is new");
            await look(page, "confirmation");
        }, { bypassCSP: true });
    });
});

// Alone: the others want to know that nothing was sent twice.
test("the service is killed while the card is charged", () =>
    shopper(async (page) => {
        await turn(page, "slow-payment");
        await page.locator("#pay").click();
        await page.locator("#charges", { hasText: /^1$/ }).waitFor();
        await page.locator('[data-act="kill"]').click();
        await page.getByText(/killed, starting|running, killed 1 time/).waitFor();
        await isPaidOnce(page);
    }));
