// The real service, the simulator and a PostgreSQL of their own, by the program `dev`.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const PROGRAMS = ["dev", "headless-checkout", "bigcommerce-simulator"];

async function freePort() {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address();
    server.close();
    await once(server, "close");
    return port;
}

/** Starts everything and says where it is. */
export async function start() {
    const target = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL("../../../target", import.meta.url));
    const binaries = process.env.HEADLESS_CHECKOUT_BIN ?? join(target, "debug");
    for (const program of PROGRAMS) {
        const isThere = await stat(join(binaries, program)).catch(() => undefined);
        if (!isThere) {
            throw new Error(
                `${join(binaries, program)} is missing: run \`cargo build --workspace --bins\`, or name the folder of the programs in HEADLESS_CHECKOUT_BIN`,
            );
        }
    }
    const folder = await mkdtemp(join(tmpdir(), "headless-checkout-js-"));
    // As root, PostgreSQL runs as another user, who has to get through.
    await chmod(folder, 0o711);
    const [api, simulator, example] = [await freePort(), await freePort(), await freePort()].map((port) => `127.0.0.1:${port}`);
    // The pages of the tests are served from a free port, and have a key of their own.
    const shop = { origin: `http://localhost:${await freePort()}`, key: "test-publishable-key" };
    const { DATABASE_URL: _, DATABASE_URL_FILE: __, ...env } = process.env;
    const dev = spawn(join(binaries, "dev"), ["up", "--folder", folder], {
        stdio: ["ignore", "pipe", "pipe"],
        env: {
            ...env,
            LISTEN_ADDR: api,
            SIMULATOR_ADDR: simulator,
            SHOP_ADDR: example,
            UPSTREAM_TIMEOUT_SECONDS: "2",
            PAYMENT_TIMEOUT_SECONDS: "3",
            LEASE_SECONDS: "8",
            SETTLE_SECONDS: "1",
            STOREFRONT_KEYS: `test=${shop.key}@${shop.origin}`,
            // The tests are one shopper at one address, who pays more than a shopper does.
            LIMIT_PAYMENTS_SHOPPER_PER_HOUR: "10000",
            LIMIT_PAYMENTS_ADDRESS_PER_HOUR: "10000",
            LIMIT_DECLINES_SHOPPER_PER_DAY: "10000",
            LIMIT_DECLINES_ADDRESS_PER_DAY: "10000",
            LIMIT_CREATIONS_PER_MINUTE: "10000",
        },
    });
    const said = [];
    const lines = createInterface({ input: dev.stdout });
    dev.stderr.on("data", (text) => said.push(String(text)));
    const isReady = new Promise((resolve, reject) => {
        lines.on("line", (line) => {
            said.push(line);
            if (line.includes("headless-checkout is ready")) resolve(undefined);
        });
        dev.once("error", reject);
        dev.once("exit", () => reject(new Error(`the stack did not start:\n${said.join("\n")}`)));
    });
    const stop = async () => {
        if (dev.exitCode === null && dev.signalCode === null) {
            const end = once(dev, "exit");
            dev.kill("SIGTERM");
            await end;
        }
        await rm(folder, { recursive: true, force: true });
    };
    try {
        await isReady;
    } catch (error) {
        await stop();
        throw error;
    }
    return { api: `http://${api}`, simulator: `http://${simulator}`, example: `http://${example}`, shop, stop };
}
