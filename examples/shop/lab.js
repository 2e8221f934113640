// Behind the scenes: what the service believes, what BigCommerce really has, and things that go wrong. No real shop has this.

import { stateOf } from "/client/index.js";
import { h, money } from "./dom.js";

const FAULTS = [
    ["lose-order-answer", "Lose the answer of the order", "BigCommerce makes the order; the answer never arrives."],
    ["gateway-timeout", "Charge and answer 504", "The card is charged; the service hears of a gateway's timeout."],
    ["slow-payment", "Answer the payment 4 s late", "The card is charged at once: time to kill, reload or go offline."],
];
const DEEDS = [
    ["raise-price", "Merchant raises the price", "A fee of $2.50 is added behind the shopper's back."],
    ["open-hosted-page", "Open the hosted page too", "BigCommerce's own checkout makes an unpaid order of the same cart."],
];
/** How often BigCommerce's books are looked at, in milliseconds. */
const EVERY = 700;

async function ask(path, body) {
    const answer = await fetch(path, body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    const document = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(document.message ?? `The demo answered ${answer.status}.`);
    return document;
}

/** Whether the merchant sees it as an order: it is not Incomplete, and not put away. */
const isPlaced = ({ status_id, archived }) => status_id !== 0 && !archived;
const count = (number, one, many) => `${number} ${number === 1 ? one : many}`;

export class Lab {
    #session;
    #ledger = null;
    #id;
    #requests = new Map();
    #parts;
    #armed = new Map();

    constructor(place, session, { can_kill }) {
        this.#session = session;
        const part = (name) => h("div", { class: name });
        this.#parts = { charges: h("strong", { id: "charges" }, "–"), verdict: h("span", { class: "verdict", role: "status" }), said: h("p", { class: "answer", role: "status" }),
            belief: part("belief"), books: part("books"), log: h("ol", { class: "log" }) };
        const { charges, verdict, said, belief, books, log } = this.#parts;
        const action = (name, label, about, act) =>
            h("li", {}, h("button", { "data-act": name, "aria-describedby": `about-${name}`, onclick: act }, label), h("p", { id: `about-${name}` }, about));
        const dial = [
            ...FAULTS.map(([name, label, about]) => action(name, label, about, () => this.#turn(name, label))),
            can_kill && action("kill", "Kill the service now", "kill -9. It is started again at once and finds what it left.", () => this.#act("/demo/kill", {}, "Killed. It starts again.")),
            ...DEEDS.map(([name, label, about]) => action(name, label, about, () => this.#act("/demo/meanwhile", { does: name }, "Done."))),
        ];
        place.append(
            h("div", { class: "meter" }, h("p", {}, "Charges at BigCommerce: ", charges), verdict),
            h("section", {}, h("h2", {}, "Let something go wrong"), h("ul", { class: "dial" }, dial.filter(Boolean)), said),
            h("section", {}, h("h2", {}, "What the service believes"), belief),
            h("section", {}, h("h2", {}, "What BigCommerce really has"), books),
            h("section", {}, h("h2", {}, "As it happens"), h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "As it happens" }, log)));
        session.addEventListener("version", ({ detail }) => this.#note("service", `version ${detail.version}: ${detail.status}${detail.next_step ? `, next ${detail.next_step}` : ""}`));
        this.#watch();
    }

    async #watch() {
        for (;;) {
            await this.#look();
            await new Promise((resolve) => setTimeout(resolve, EVERY));
        }
    }

    async #look() {
        const id = this.#session.checkout?.id;
        if (!id || document.hidden) return;
        try {
            const ledger = await ask(`/demo/ledger?checkout=${id}`);
            if (id !== this.#session.checkout?.id) return;
            this.#ledger = ledger;
            for (const request of ledger.requests) this.#request(request);
        } catch {
            // The next look may find it; until then what is shown is not claimed to be news.
            this.#ledger = null;
        }
        this.update();
    }

    #request({ sequence, call, status, fault }) {
        const text = `${call} ${status ? `→ ${status}` : fault ? "→ no answer" : "…"}${fault ? ` (${fault})` : ""}`;
        const known = this.#requests.get(sequence);
        if (known) known.textContent = text;
        else this.#requests.set(sequence, this.#note("bigcommerce", text, fault));
    }

    #note(who, text, isWrong) {
        const words = h("span", {}, text);
        this.#parts.log.prepend(h("li", { class: isWrong ? `${who} wrong` : who }, h("b", {}, who === "service" ? "service " : "BigCommerce "), words));
        return words;
    }

    async #act(path, body, done) {
        const { said } = this.#parts;
        try {
            const checkout = this.#session.checkout?.id;
            if (path !== "/demo/kill" && !checkout) throw new Error("Put something in the cart first.");
            await ask(path, { ...body, checkout });
            said.textContent = done;
        } catch (error) {
            said.textContent = error.message;
        }
        await this.#look();
    }

    #turn(fault, label) {
        const armed = this.#armed.get(fault) !== "armed";
        return this.#act("/demo/faults", { fault, armed }, armed ? `Armed: ${label}.` : `Taken back: ${label}.`);
    }

    update() {
        const { snapshot, checkout } = this.#session;
        const { belief, books, charges, verdict, log } = this.#parts;
        if (checkout?.id !== this.#id) {
            this.#id = checkout?.id;
            this.#ledger = null;
            this.#requests.clear();
            log.replaceChildren();
            this.#parts.said.textContent = "";
            if (checkout) this.#look();
        }
        const ledger = this.#ledger;
        this.#faults(ledger);
        belief.replaceChildren(...(snapshot ? this.#believed(snapshot, ledger) : [h("p", {}, "No checkout yet.")]));
        books.replaceChildren(...(ledger ? this.#kept(ledger) : [h("p", {}, checkout ? "Not known right now." : "Nothing yet.")]));
        const held = ledger?.charges.filter(({ state }) => !["declined", "voided"].includes(state));
        const number = checkout ? held?.length : 0;
        charges.textContent = number === undefined ? "?" : String(number);
        const words = number === undefined ? "not known right now" : number > 1 ? "more than one: this is wrong" : number === 1 ? "exactly one" : "nothing was charged";
        const placed = ledger?.orders.filter(isPlaced).length;
        const all = placed === undefined ? words : `${words}, ${count(placed, "order", "orders")}`;
        if (verdict.textContent !== all) verdict.textContent = all;
        charges.parentElement.parentElement.dataset.charges = number === undefined ? "unknown" : String(Math.min(number, 2));
    }

    #faults(ledger) {
        for (const [name] of FAULTS) {
            const found = ledger?.faults.find(({ fault }) => fault === name);
            const state = found ? (found.reached > 0 ? "struck" : "armed") : "";
            if (state === "struck" && this.#armed.get(name) === "armed") this.#parts.said.textContent = "";
            this.#armed.set(name, state);
            const button = document.querySelector(`[data-act="${name}"]`);
            button.dataset.state = state;
            button.setAttribute("aria-pressed", String(state === "armed"));
        }
    }

    #believed({ status, next_step, version, steps, payment, order, stuck }, ledger) {
        const row = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value)));
        return [
            h("dl", {}, row("the shopper sees", stateOf(this.#session.snapshot)), row("status", status), row("next step", next_step ?? "none"), row("version", version),
                row("order", order ? `${order.id}, ${order.status}` : "none"), row("payment", payment?.status ?? "none"),
                payment && row("safe to pay again", payment.safe_to_pay_again ? "yes" : "no"), stuck && row("stuck", stuck.reason),
                ledger?.service && row("process", ledger.service.is_down ? "killed, starting" : `running${ledger.service.kills ? `, killed ${count(ledger.service.kills, "time", "times")}` : ""}`)),
            h("ol", { class: "steps" }, steps.map((step) => h("li", { "data-status": step.status }, step.name, h("span", {}, ` ${step.status}`)))),
        ];
    }

    #kept({ carts, orders, charges }) {
        const placed = orders.filter(isPlaced).length;
        const list = (rows) => h("ul", {}, rows.map((row) => h("li", {}, row)));
        return [
            h("p", {}, h("strong", { id: "orders" }, count(placed, "order", "orders")), orders.length > placed ? `, and ${orders.length - placed} unpaid or put away` : ""),
            list(orders.map(({ id, status_id, total, currency, source, archived }) =>
                `#${id}: ${money(total, currency)}, ${archived ? "put away" : status_id === 0 ? "Incomplete" : `status ${status_id}`}${source === "www" ? ", by the hosted page" : ""}`)),
            h("p", {}, h("strong", {}, count(charges.length, "charge", "charges"))),
            list(charges.map(({ order_id, amount, currency, state }) => `${money(amount, currency)} for #${order_id}, ${state}`)),
            h("p", {}, h("strong", {}, count(carts.length, "cart", "carts")), carts.length ? `: ${carts.map(({ state }) => state).join(", ")}` : ""),
        ];
    }
}
