// `npm test`: the stack, the tests, and the end of the stack whatever became of them. Arguments name test files.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { start } from "./stack.js";

const folders = [".", "../../../examples/shop/test/"].map((path) => new URL(path, import.meta.url));
const named = process.argv.slice(2);
const testsOf = (folder) => readdirSync(folder).filter((name) => name.endsWith(".test.js"));
const files = folders.flatMap((folder) => testsOf(folder).map((name) => fileURLToPath(new URL(name, folder))));
const chosen = named.length ? named : files;

const stack = await start();
const tests = spawn(process.execPath, ["--test", "--test-concurrency=1", "--test-reporter=spec", ...chosen], {
    stdio: "inherit",
    env: {
        ...process.env,
        TEST_API: stack.api,
        TEST_SIMULATOR: stack.simulator,
        TEST_ORIGIN: stack.shop.origin,
        TEST_KEY: stack.shop.key,
        TEST_SHOP: stack.example,
    },
});
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.on(signal, () => tests.kill(signal));
const [code] = await once(tests, "exit");
await stack.stop();
process.exitCode = code ?? 1;
