// Which page is shown: what the shopper asked for, as far as the truth about the checkout allows it.

import { h, say } from "./dom.js";
import { Lab } from "./lab.js";
import { Session } from "./session.js";
import { address, cart, confirmation, ended, paying, payment, products, review, shipping } from "./views.js";

/** The pages of an open checkout, and the step that has to be next at least. */
const PAGES = { products, cart, address, shipping, payment };
const STEPS = ["cart", "billing-address", "consignments", "shipping-options", "order", "payment"];
const NEEDS = { shipping: "shipping-options", payment: "order" };

const main = document.querySelector("#main");
const config = await fetch("/demo").then((answer) => answer.json()).catch(() => {
    main.replaceChildren(h("h1", {}, "The shop does not answer"), h("p", { class: "lead" }, "Please reload the page."));
    throw new Error("/demo does not answer");
});
const session = new Session(config);
const lab = new Lab(document.querySelector("#lab"), session, config);
let shown = { name: "", id: undefined };

/** What the address bar asks for. */
const asked = () => location.hash.replace(/^#\/?/, "") || "products";

/** What may be shown. */
function allowed() {
    const wanted = asked();
    if (wanted === "products") return "products";
    if (session.state === "paid") return "confirmation";
    if (session.state === "review") return "review";
    if (session.state === "ended") return "ended";
    if (session.isPaying || session.doing === "Paying …") return "paying";
    if (!Object.hasOwn(PAGES, wanted) || session.state === "none") return "cart";
    const next = STEPS.indexOf(session.snapshot.next_step ?? "cart");
    const order = session.snapshot.order ? "payment" : wanted;
    const isReady = ["payment", "shipping", "address"].find((name) => next >= STEPS.indexOf(NEEDS[name] ?? "cart")) ?? "cart";
    const pages = Object.keys(PAGES);
    return pages.indexOf(order) <= pages.indexOf(isReady) ? order : isReady;
}

const VIEWS = { ...PAGES, paying, review, ended, confirmation };

function show() {
    const name = allowed();
    const id = session.checkout?.id;
    const isNew = shown.name !== name || (shown.id !== id && name !== "products" && name !== "cart");
    if (isNew) {
        const isFirst = shown.name === "";
        shown = { name, id, view: VIEWS[name](session) };
        main.replaceChildren(shown.view.node);
        const title = main.querySelector("h1");
        document.title = `${title.textContent} · Morning Ritual`;
        title.tabIndex = -1;
        if (!isFirst) {
            title.focus({ preventScroll: true });
            scrollTo(0, 0);
        }
    }
    shown.view.update?.();
    main.dataset.view = name;
    main.setAttribute("aria-busy", String(session.doing !== "" || name === "paying"));
    if (session.doing) say(session.doing);
    const items = session.state === "open" || session.state === "working" ? lines(session.snapshot) : [];
    const count = document.querySelector("#count");
    const pieces = items.reduce((sum, { quantity }) => sum + Number(quantity), 0);
    count.hidden = pieces === 0;
    count.replaceChildren(String(pieces), h("span", { class: "unseen" }, pieces === 1 ? " item" : " items"));
    lab.update();
}

function lines(snapshot) {
    const { physical_items = [], digital_items = [] } = snapshot.cart?.line_items ?? {};
    return [...(physical_items ?? []), ...(digital_items ?? [])];
}

function connection() {
    const strip = document.querySelector("#offline");
    strip.hidden = navigator.onLine;
    strip.textContent = navigator.onLine ? "" : "You are offline. Nothing is lost: the shop goes on as soon as you are back.";
}

session.addEventListener("change", show);
addEventListener("hashchange", show);
addEventListener("online", connection);
addEventListener("offline", connection);
addEventListener("online", () => session.sync());
addEventListener("pageshow", ({ persisted }) => persisted && session.sync());
document.addEventListener("visibilitychange", () => document.hidden || session.sync());
// Another tab began a new checkout.
addEventListener("storage", ({ key }) => key === "headless-checkout:current" && session.sync());

// Not as a link: the address bar says which page it is.
document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
});

connection();
await session.sync();
document.body.dataset.ready = "yes";
