// The pages. Each answers its node, and how it follows what happens to the checkout.

import { isProblem, totalOf } from "/client/index.js";
import { ADDRESS, CARDS, PRODUCTS } from "./catalog.js";
import { h, money } from "./dom.js";

const items = (snapshot) => {
    const { physical_items, digital_items } = snapshot?.cart?.line_items ?? {};
    return [...(physical_items ?? []), ...(digital_items ?? [])];
};
const go = (page) => {
    location.hash = `#/${page}`;
};
const total = (snapshot) => money(totalOf(snapshot), snapshot.totals?.currency ?? "USD");

/** What went wrong, in the service's own words for shoppers. */
function trouble(session) {
    const node = h("div", { class: "trouble", role: "alert" });
    let last;
    const update = () => {
        const { error } = session;
        if (error === last) return;
        last = error;
        node.replaceChildren();
        if (!error) return;
        node.append(h("p", {}, error.shopper_message ?? "Something went wrong. Please try again."));
        for (const { pointer, detail } of isProblem(error) ? error.errors : []) node.append(h("p", { class: "small" }, `${pointer ?? ""} ${detail ?? ""}`));
        if (error.code === "total-changed") node.append(h("p", {}, `The total is now ${money(error.grand_total)}. You agreed to ${money(error.agreed_total)}, and nothing was charged.`));
    };
    return { node, update };
}

/** The amounts, as the service says them. */
function summary(session) {
    const list = h("dl", { class: "sums" });
    const lines = h("ul", { class: "lines" });
    const update = () => {
        const { snapshot } = session;
        if (!snapshot) return list.replaceChildren();
        const { totals } = snapshot;
        lines.replaceChildren(...items(snapshot).map((item) => h("li", {}, `${item.quantity} × ${item.name}`)));
        const rows = [["Subtotal", "subtotal"], ["Discount", "discount"], ["Shipping", "shipping"], ["Handling", "handling"], ["Fees", "fees"], ["Tax", "tax"]];
        const known = rows.filter(([, name]) => name === "subtotal" || (totals?.[name] ?? 0) !== 0 || (name === "shipping" && totals?.shipping === 0 && snapshot.next_step === "order"));
        list.replaceChildren(
            ...known.map(([label, name]) => h("div", {}, h("dt", {}, label), h("dd", {}, money(totals?.[name], totals?.currency ?? "USD")))),
            h("div", { class: "grand" }, h("dt", {}, "Total"), h("dd", { id: "total" }, total(snapshot))),
        );
    };
    return { node: h("section", { class: "summary", "aria-label": "Order summary" }, h("h2", {}, "Your order"), lines, list), update };
}

const ways = ["cart", "address", "shipping", "payment"];
/** Where the shopper is, and the way back. */
function trail(here, isOrdered) {
    const at = ways.indexOf(here);
    const names = { cart: "Cart", address: "Address", shipping: "Shipping", payment: "Payment" };
    const entries = ways.map((way, index) =>
        h("li", { "aria-current": index === at ? "step" : undefined, class: index < at ? "done" : undefined }, index < at && !isOrdered ? h("a", { href: `#/${way}` }, names[way]) : names[way]));
    return h("nav", { class: "trail", "aria-label": "Checkout" }, h("ol", {}, entries));
}

/** A page of the checkout: heading, what is wrong, the content, and the sums beside it. */
function page(session, here, title, content, parts = []) {
    const all = [trouble(session), summary(session), ...parts];
    const node = h("div", { class: "checkout" }, trail(here, Boolean(session.snapshot?.order)), h("h1", {}, title), all[0].node, h("div", { class: "columns" }, content, all[1].node));
    return { node, update: () => all.forEach((part) => part.update()) };
}

export function products(session) {
    const wrong = trouble(session);
    const status = h("p", { class: "notice", role: "status" });
    const buttons = [];
    const cards = PRODUCTS.map((product) => {
        const button = h("button", { class: "quiet", onclick: async () => {
            if (await session.add(product)) status.replaceChildren(`${product.name} is in the cart. `, h("a", { href: "#/cart" }, "Go to the cart"));
        } }, "Add ", h("span", { class: "unseen" }, `${product.name} `), "to cart");
        buttons.push(button);
        return h("li", { class: "product" },
            h("div", { class: "art" }, h("img", { src: `/art/${product.id}.svg`, alt: "", width: 200, height: 160 })),
            h("div", { class: "row" }, h("h2", {}, product.name), h("span", { class: "price" }, money(product.price))),
            h("p", {}, product.about), button);
    });
    const node = h("div", {},
        h("div", { class: "hero" }, h("h1", {}, "Slow mornings, good coffee"),
            h("p", { class: "lead" }, "A small shop on headless-checkout. Buy something, and let things go wrong on the way: you pay once.")),
        wrong.node, status, h("ul", { class: "products" }, cards));
    const update = () => {
        wrong.update();
        const isBlocked = session.isPaying || session.state === "review" || Boolean(session.snapshot?.order && session.state === "open");
        for (const button of buttons) button.disabled = isBlocked || session.doing !== "";
        if (isBlocked) status.replaceChildren("Your order comes first. ", h("a", { href: "#/payment" }, "See how it is"));
    };
    return { node, update };
}

export function cart(session) {
    const list = h("ul", { class: "basket" });
    const next = h("a", { class: "button", href: "#/address" }, "Go to checkout");
    const change = (item, quantity) => session.do("Changing the cart …", (checkout) =>
        quantity > 0 ? checkout.updateItem(item.id, { line_item: { quantity } }) : checkout.removeItem(item.id));
    const update = () => {
        const focused = document.activeElement?.id;
        const all = items(session.snapshot);
        next.hidden = all.length === 0;
        const busy = session.doing !== "";
        list.replaceChildren(...(all.length ? all.map((item) => h("li", {},
            h("img", { src: `/art/${item.product_id}.svg`, alt: "", width: 72, height: 58 }),
            h("div", {}, h("strong", {}, item.name), h("span", { class: "small" }, `${money(item.sale_price ?? item.list_price)} each`)),
            h("div", { class: "quantity", role: "group", "aria-label": `Quantity of ${item.name}` },
                h("button", { id: `less-${item.id}`, "aria-label": "One less", "aria-disabled": busy, onclick: () => change(item, item.quantity - 1) }, "−"),
                h("span", {}, String(item.quantity)),
                h("button", { id: `more-${item.id}`, "aria-label": "One more", "aria-disabled": busy, onclick: () => change(item, item.quantity + 1) }, "+")))) :
            [h("li", { class: "empty" }, "Your cart is empty. ", h("a", { href: "#/" }, "Have a look around"))]));
        if (focused && !document.activeElement?.id) document.getElementById(focused)?.focus();
    };
    return page(session, "cart", "Your cart", h("div", {}, list, next), [{ update }]);
}

function field(name, label, value, more = {}) {
    return h("label", { class: more.short ? "short" : undefined }, label, h("input", { name, value, required: true, ...more.input }));
}

export function address(session) {
    const known = { ...ADDRESS, ...session.snapshot?.billing_address };
    const value = (name) => known[name] ?? "";
    const button = h("button", {}, "Continue to shipping");
    const form = h("form", { class: "fields", onsubmit: async (event) => {
        event.preventDefault();
        const given = Object.fromEntries(new FormData(form));
        const saved = await session.do("Saving your address …", async (checkout) => {
            await checkout.setBillingAddress(given);
            if (checkout.snapshot.next_step !== "order") await checkout.setConsignments([{ address: given }]);
        });
        if (saved) go(session.snapshot.next_step === "order" ? "payment" : "shipping");
    } },
        field("email", "Email", value("email"), { input: { type: "email", autocomplete: "email" } }),
        field("first_name", "First name", value("first_name"), { short: true, input: { autocomplete: "given-name" } }),
        field("last_name", "Last name", value("last_name"), { short: true, input: { autocomplete: "family-name" } }),
        field("address1", "Street", value("address1"), { input: { autocomplete: "address-line1" } }),
        field("city", "City", value("city"), { short: true, input: { autocomplete: "address-level2" } }),
        field("state_or_province_code", "State", value("state_or_province_code"), { short: true, input: { autocomplete: "address-level1", maxlength: 3 } }),
        field("postal_code", "ZIP code", value("postal_code"), { short: true, input: { autocomplete: "postal-code" } }),
        field("country_code", "Country code", value("country_code"), { short: true, input: { autocomplete: "country", maxlength: 2 } }),
        button);
    return page(session, "address", "Where should it go?", form, [{ update: () => {
        button.disabled = session.doing !== "";
    } }]);
}

export function shipping(session) {
    const list = h("div", { class: "options" });
    const button = h("button", { onclick: () => go("payment") }, "Continue to payment");
    let drawn = "";
    const update = () => {
        const [consignment] = session.snapshot?.consignments ?? [];
        const options = consignment?.available_shipping_options ?? [];
        const chosen = consignment?.selected_shipping_option?.id;
        button.disabled = session.doing !== "" || !chosen;
        const state = JSON.stringify([options, chosen]);
        if (state === drawn) return;
        drawn = state;
        const focused = document.activeElement?.value;
        list.replaceChildren(...options.map((option) => h("label", { class: "option" },
            h("input", { type: "radio", name: "option", value: option.id, checked: option.id === chosen, onchange: () =>
                session.do("Choosing the way …", (checkout) => checkout.setShippingOptions([{ shipping_option_id: option.id }])) }),
            h("span", {}, option.description), h("span", { class: "price" }, Number(option.cost) === 0 ? "Free" : money(option.cost)))));
        if (focused) [...list.querySelectorAll("input")].find((input) => input.value === focused)?.focus();
    };
    const group = h("fieldset", {}, h("legend", { class: "unseen" }, "Shipping"), list);
    return page(session, "shipping", "How should it travel?", h("div", {}, group, button), [{ update }]);
}

export function payment(session) {
    // The snapshot on the screen: the shopper agrees to its total, and to nothing above it.
    let shown = session.snapshot;
    const number = h("input", { name: "number", value: CARDS[0][0], required: true, inputmode: "numeric", autocomplete: "off" });
    const pick = h("select", { id: "card", onchange: () => { number.value = pick.value; } }, CARDS.map(([value, name]) => h("option", { value }, name)));
    const button = h("button", { id: "pay", class: "big" });
    const form = h("form", { class: "fields", onsubmit: (event) => {
        event.preventDefault();
        const { expiry, ...card } = Object.fromEntries(new FormData(form));
        const [month, year] = expiry.split("/").map(Number);
        session.pay(shown, { payment_method_id: "stripe.card", instrument: { type: "card", ...card, expiry_month: month, expiry_year: 2000 + (year % 100) } });
    } },
        h("label", {}, "Test card", pick), h("label", {}, "Card number", number),
        field("cardholder_name", "Name on the card", "Ada Lovelace"),
        field("expiry", "Expires (MM/YY)", "12/35", { short: true, input: { pattern: "[0-9]{1,2}/[0-9]{2,4}" } }),
        field("verification_value", "Security code", "123", { short: true, input: { inputmode: "numeric", maxlength: 4 } }),
        button, h("p", { class: "small" }, "Only test cards work here, and no money moves. Nothing above this total is ever charged."));
    return page(session, "payment", "Pay", form, [{ update: () => {
        shown = session.snapshot;
        button.disabled = session.doing !== "" || session.state !== "open";
        const isSure = !session.error || session.error.safe_to_pay_again || session.error.code === "total-changed";
        button.textContent = isSure ? `Pay ${total(shown)}` : `Try again: ${total(shown)}`;
    } }]);
}

/** Pages that say one thing. */
function told(kind, title, ...content) {
    return { node: h("div", { class: `told ${kind}` }, h("div", { class: "badge", "aria-hidden": "true" }), h("h1", {}, title), content) };
}

export function paying(session) {
    const wrong = trouble(session);
    const view = told("paying", "Your payment is being processed", wrong.node,
        h("p", { class: "lead" }, "This takes a moment. You can reload or close this page: nothing is lost, and nothing is paid twice."),
        h("p", {}, "Please do not pay again."));
    return { ...view, update: wrong.update };
}

export const review = () => told("review", "We are looking into your order",
    h("p", { class: "lead" }, "Something about your payment needs a human eye. Please do not pay again: the shop gets in touch with you."));

export const ended = (session) => told("ended", "This order has ended",
    h("p", { class: "lead" }, "It was canceled or has expired, and there is nothing to pay."),
    h("button", { onclick: () => session.startOver().then(() => go("")) }, "Start again"));

export function confirmation(session) {
    const { snapshot, checkout } = session;
    const details = h("ul", { class: "lines" }, items(snapshot).map((item) => h("li", {}, `${item.quantity} × ${item.name}`)));
    checkout.confirmation().then(({ products: bought }) => {
        details.replaceChildren(...bought.map((product) => h("li", {}, `${Number(product.quantity)} × ${product.name}`)));
    }).catch(() => {});
    return told("paid", "Thank you, it is paid",
        h("p", { class: "lead" }, `Order ${snapshot.order?.id ?? ""}, ${total(snapshot)}. The shop has it.`), details,
        h("button", { onclick: () => session.startOver().then(() => go("")) }, "Buy something else"));
}
