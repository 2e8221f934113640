// A real browser, and a page from an origin that its publishable key lists.
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { API, card, CART, fault, happened, ONCE, ORIGIN, PUBLISHABLE } from "./world.js";

const BROWSERS = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const PAGE = `<!doctype html><button id="pay">Pay</button><output></output><script type="module">
import { HeadlessCheckout, stateOf, isProblem } from "/src/index.js";
const options = new URLSearchParams(location.search);
const client = new HeadlessCheckout({ url: ${JSON.stringify(API)}, publishableKey: ${JSON.stringify(PUBLISHABLE)},
    events: options.get("events") ?? undefined });
const show = (snapshot) => { document.querySelector("output").textContent = stateOf(snapshot); };
window.client = client;
window.checkout = (await client.resume()) ?? (await client.create(${JSON.stringify(CART)}));
show(checkout.snapshot);
document.querySelector("#pay").onclick = () => checkout.complete(checkout.snapshot, { payment: ${JSON.stringify(card())} })
    .then(show, (error) => { document.querySelector("output").textContent = error.code; });
document.body.dataset.ready = "yes";
</script>`;

let browser;
let server;

before(async () => {
    const executablePath = BROWSERS.find((path) => path && existsSync(path));
    if (!executablePath) throw new Error("no Chromium: install one, or name it in CHROMIUM");
    server = createServer(async (request, response) => {
        const { pathname } = new URL(request.url, ORIGIN);
        const isSource = pathname.startsWith("/src/");
        response.setHeader("Content-Type", isSource ? "text/javascript" : "text/html");
        response.end(isSource ? await readFile(new URL(`..${pathname}`, import.meta.url)) : PAGE);
    });
    server.listen(Number(new URL(ORIGIN).port), "localhost");
    await once(server, "listening");
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
});
after(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
});

async function shopper() {
    const context = await browser.newContext();
    context.setDefaultTimeout(15_000);
    return context;
}
async function visit(context, query = "") {
    const page = await context.newPage();
    page.on("pageerror", (error) => console.error(error));
    await page.goto(`${ORIGIN}/${query}`);
    await page.locator("body[data-ready]").waitFor();
    return page;
}
const shows = (page, text) => page.locator("output", { hasText: text }).waitFor();
const idOf = (page) => page.evaluate(() => ({ id: window.checkout.id }));

/** Counts the payments that leave the pages. */
function payments(context) {
    const keys = [];
    context.on("request", (request) => {
        if (request.method() === "POST" && request.url().endsWith("/complete")) keys.push(request.headers()["idempotency-key"]);
    });
    return keys;
}

test("a double click pays once", async () => {
    const context = await shopper();
    const page = await visit(context);
    const keys = payments(context);
    await page.locator("#pay").dblclick();
    await shows(page, "paid");
    assert.equal(keys.length, 1);
    assert.deepEqual(await happened(await idOf(page)), ONCE);
    await context.close();
});

test("a reload after the click: the page finds the payment, and another click pays nothing more", async () => {
    const context = await shopper();
    const page = await visit(context);
    const checkout = await idOf(page);
    await fault(checkout, "process-payment", { kind: "slow", effect: "after", ms: 1000 });
    const isSent = page.waitForRequest((request) => request.method() === "POST" && request.url().endsWith("/complete"));
    await page.locator("#pay").click();
    await isSent;
    await page.reload();
    await page.locator("body[data-ready]").waitFor();
    assert.deepEqual(await idOf(page), checkout);
    await page.locator("#pay").click();
    await shows(page, "paid");
    assert.deepEqual(await happened(checkout), ONCE);
    await context.close();
});

test("the back button after the click: the page finds the payment, and another click pays nothing more", async () => {
    const context = await shopper();
    const page = await visit(context);
    const checkout = await idOf(page);
    await fault(checkout, "process-payment", { kind: "slow", effect: "after", ms: 1000 });
    const isSent = page.waitForRequest((request) => request.method() === "POST" && request.url().endsWith("/complete"));
    await page.locator("#pay").click();
    await isSent;
    await page.goto("about:blank");
    await page.goBack();
    await page.locator("body[data-ready]").waitFor();
    assert.deepEqual(await idOf(page), checkout);
    await page.locator("#pay").click();
    await shows(page, "paid");
    assert.deepEqual(await happened(checkout), ONCE);
    await context.close();
});

test("two tabs pay once", async () => {
    const context = await shopper();
    const one = await visit(context);
    const other = await visit(context);
    assert.deepEqual(await idOf(one), await idOf(other));
    await Promise.all([one.locator("#pay").click(), other.locator("#pay").click()]);
    await shows(one, "paid");
    await shows(other, "paid");
    assert.deepEqual(await happened(await idOf(one)), ONCE);
    await context.close();
});

test("a tab that is closed while it pays: the next one goes on", async () => {
    const context = await shopper();
    const page = await visit(context);
    const checkout = await idOf(page);
    await fault(checkout, "process-payment", { kind: "slow", effect: "after", ms: 1000 });
    const isSent = page.waitForRequest((request) => request.method() === "POST" && request.url().endsWith("/complete"));
    await page.locator("#pay").click();
    await isSent;
    await page.close();
    const next = await visit(context);
    assert.deepEqual(await idOf(next), checkout);
    await next.evaluate(() => window.checkout.settled().then((snapshot) => snapshot.status));
    await next.locator("#pay").click();
    await shows(next, "paid");
    assert.deepEqual(await happened(checkout), ONCE);
    await context.close();
});

test("offline at the click: it is paid when the browser is back", async () => {
    const context = await shopper();
    const page = await visit(context);
    const keys = payments(context);
    await context.setOffline(true);
    await page.locator("#pay").dblclick();
    assert.equal(await page.evaluate(() => navigator.onLine), false);
    assert.equal(keys.length, 0);
    await context.setOffline(false);
    await shows(page, "paid");
    assert.deepEqual(await happened(await idOf(page)), ONCE);
    await context.close();
});

for (const events of ["stream", "eventsource"]) {
    test(`${events}: the page hears of every change`, async () => {
        const context = await shopper();
        const page = await visit(context, `?events=${events}`);
        const requested = [];
        context.on("request", (request) => requested.push(new URL(request.url())));
        const following = page.evaluate(async () => {
            const seen = [];
            for await (const { version, status } of window.checkout.follow()) {
                seen.push({ version, status });
                if (seen.length === 1) document.querySelector("#pay").click();
            }
            return seen;
        });
        const seen = await following;
        assert.equal(seen.at(-1).status, "completed");
        const streams = requested.filter(({ pathname }) => pathname.endsWith("/events"));
        assert.equal(streams.length, 1);
        assert.equal(streams[0].searchParams.has("ticket"), events === "eventsource");
        await context.close();
    });
}
