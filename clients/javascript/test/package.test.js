// What is installed: its size, its types, and the program of the README.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { API, ORIGIN, PUBLISHABLE } from "./world.js";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const tsc = join(root, "node_modules/typescript/bin/tsc");
const text = (name) => readFile(join(root, name), "utf8");
const LARGEST = 12 * 1024;

let folder;
before(async () => {
    folder = await mkdtemp(join(tmpdir(), "headless-checkout-package-"));
});
after(() => rm(folder, { recursive: true, force: true }));

test(`all of it is at most ${LARGEST} bytes gzipped`, async () => {
    const names = (await readdir(join(root, "src"))).filter((name) => name.endsWith(".js"));
    const size = gzipSync((await Promise.all(names.map((name) => text(`src/${name}`)))).join(""), { level: 9 }).length;
    assert.ok(names.length > 5 && size <= LARGEST, `${size} bytes`);
});

test("the types are those of openapi.yaml", async () => {
    const fresh = join(folder, "openapi.d.ts");
    await run(process.execPath, [join(root, "node_modules/openapi-typescript/bin/cli.js"), join(root, "../../openapi.yaml"), "--output", fresh]);
    const isSame = (await readFile(fresh, "utf8")) === (await text("src/openapi.d.ts"));
    assert.ok(isSame, "openapi.yaml has changed: npm run generate");
});

test("strict TypeScript finds nothing", async () => {
    await run(process.execPath, [tsc, "--project", root]).catch(({ stdout }) => assert.fail(stdout));
});

test("it depends on nothing, and the lock file names no registry", async () => {
    assert.equal(JSON.parse(await text("package.json")).dependencies, undefined);
    assert.doesNotMatch(await text("package-lock.json"), /"resolved"/);
});

test("the README says what to do about every problem", async () => {
    const [readme, types] = [await text("README.md"), await text("src/openapi.d.ts")];
    const codes = /\bcode: ("invalid-input" \| [^;]+);/.exec(types)?.[1] ?? "";
    const named = new Set([...codes.matchAll(/"([a-z-]+)"/g)].map(([, code]) => code));
    const rows = readme.slice(readme.indexOf("## Problems")).split("\n").filter((line) => line.startsWith("| `"));
    const told = rows.flatMap((row) => [...row.split("|")[1].matchAll(/`([a-z-]+)`/g)].map(([, code]) => code)).filter((code) => code !== "code");
    assert.deepEqual([...told].sort(), [...named].sort());
});

test("installed from its tarball, the program of the README buys one product", async () => {
    await run("npm", ["pack", "--pack-destination", folder], { cwd: root });
    const tarball = (await readdir(folder)).find((name) => name.endsWith(".tgz"));
    await writeFile(join(folder, "package.json"), '{"type":"module"}');
    await run("npm", ["install", "--offline", "--no-audit", "--no-fund", `./${tarball}`], { cwd: folder });

    const program = /```js\n([^]*?)```/.exec(await text("README.md"))[1];
    assert.ok(program.includes("http://127.0.0.1:8080") && program.includes("dev-publishable-key") && program.includes("http://localhost:3000"));
    const here = program.replace("http://127.0.0.1:8080", API).replace("dev-publishable-key", PUBLISHABLE).replace("http://localhost:3000", ORIGIN);
    await writeFile(join(folder, "buy.js"), here);
    const { stdout } = await run(process.execPath, ["buy.js"], { cwd: folder });
    assert.match(stdout, /^to pay: [\d.]+\npaid\n$/);

    await writeFile(join(folder, "typed.ts"), TYPED);
    const compilerOptions = { strict: true, noEmit: true, target: "es2022", module: "nodenext", lib: ["es2023", "dom"], types: [] };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["typed.ts"] }));
    await run(process.execPath, [tsc, "--project", folder]).catch(({ stdout }) => assert.fail(stdout));
});

const TYPED = `
import { CheckoutNetworkError, exact, HeadlessCheckout, isProblem, stateOf, totalOf, type Snapshot } from "headless-checkout";

const client = new HeadlessCheckout({ url: "https://checkout.shop.example", publishableKey: "key", storage: sessionStorage });
const checkout = (await client.resume()) ?? (await client.create({ line_items: [{ product_id: 120, quantity: 1 }] }));
const shown: Snapshot = checkout.snapshot;
const total: string | null = totalOf(shown);
const payment = { payment_method_id: "stripe.card", instrument: { type: "stored_card" as const, token: "t" } };
try {
    const paid = await checkout.complete(shown, { payment });
    const state: "open" | "working" | "paid" | "review" | "ended" = stateOf(paid);
    for await (const { version } of checkout.follow({ after: paid.version })) console.log(version.toFixed(), state, total);
    await checkout.pay("12.50", payment);
    // @ts-expect-error: nobody agreed to a total
    await checkout.complete({ payment });
    // @ts-expect-error: there is no such field
    await client.create({ lines: [] });
    await client.create({ custom_items: [{ name: "a", quantity: 1, list_price: exact("1.10") }] });
} catch (error) {
    if (error instanceof CheckoutNetworkError) console.log(error.status);
    if (isProblem(error)) {
        switch (error.code) {
            case "total-changed":
                console.log(error.grand_total.toFixed(2));
                break;
            case "payment-declined":
                console.log(error.decline.title, error.shopper_message);
                break;
            case "invalid-input":
                console.log(error.errors.map(({ pointer }) => pointer));
                // @ts-expect-error: only a decline has it
                console.log(error.decline);
                break;
            // @ts-expect-error: there is no such code
            case "payment-refused":
                break;
        }
    }
}
`;
