// Elements in few words. Text is only ever text: nothing here takes HTML.

/**
 * @param {string} name
 * @param {Record<string, any>} [attributes] `onclick` and the like are listeners; false and undefined leave one out.
 * @param {...any} children
 * @returns {any}
 */
export function h(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
        if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
        else if (value === true) element.setAttribute(key, "");
        else if (value !== false && value !== undefined && value !== null) element.setAttribute(key, String(value));
    }
    element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
    return element;
}

/** What a screen reader says, without moving the focus. */
export function say(text) {
    const place = document.querySelector("#said");
    if (place.textContent !== text) place.textContent = text;
}

/** An amount of the service, for reading only. */
export function money(amount, currency = "USD") {
    if (amount === null || amount === undefined) return "–";
    return new Intl.NumberFormat("en-US", { style: "currency", currency }).format(Number(amount));
}
