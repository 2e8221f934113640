// Amounts keep the digits that they came with: no amount is computed here, and none is sent that went through a sum of floats.

/** @import { Snapshot } from "./api.js" */

const DECIMAL = /^-?(0|[1-9]\d*)(\.\d+)?$/;

/** @type {WeakMap<object, string>} The text that a snapshot was read from. */
const texts = new WeakMap();

/** A decimal that is sent with exactly these digits. */
export class Exact {
    /** @param {string} text */
    constructor(text) {
        if (!DECIMAL.test(text)) throw new TypeError(`not a decimal: ${text}`);
        this.text = text;
    }
    toString() {
        return this.text;
    }
}

/**
 * A decimal for a body, such as a price: `exact("19.90")`.
 * @param {string} text
 */
export const exact = (text) => new Exact(text);

/**
 * JSON, with the digits of exact decimals as they are.
 * @param {unknown} value
 * @returns {string}
 */
export function toJson(value) {
    if (value instanceof Exact) return value.text;
    if (Array.isArray(value)) return `[${value.map((item) => toJson(item ?? null)).join()}]`;
    if (value === null || typeof value !== "object" || "toJSON" in value) return JSON.stringify(value ?? null);
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${toJson(member)}`).join()}}`;
}

/**
 * @param {string} text
 * @returns {any}
 */
export function fromJson(text) {
    const value = JSON.parse(text);
    if (value && typeof value === "object") texts.set(value, text);
    return value;
}

/**
 * The number at `totals.grand_total`, as it is written.
 * @param {string} json
 */
function written(json) {
    /** @type {(string | undefined)[]} */
    const names = [];
    for (const [word, text, colon] of json.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]|[^\s{}[\],:"]+/g)) {
        if (colon) names[names.length - 1] = text;
        else if (word === "{" || word === "[") names.push(undefined);
        else if (word === "}" || word === "]") names.pop();
        else if (names.length === 2 && names[0] === '"totals"' && names[1] === '"grand_total"') return word;
    }
}

/**
 * The total on the screen, with the digits that the service sent. Null: it is not known yet.
 * @param {Snapshot} snapshot
 * @returns {string | null}
 */
export function totalOf(snapshot) {
    const total = snapshot.totals?.grand_total;
    if (total === null || total === undefined) return null;
    const text = texts.get(snapshot);
    return (text && written(text)) || decimal(total);
}

/**
 * @param {unknown} amount
 * @returns {string}
 */
function decimal(amount) {
    const text = String(amount);
    if (!DECIMAL.test(text)) throw new TypeError(`not an amount: ${text}`);
    // 0.1 + 0.2 has 17 digits: it was computed, and not shown to anybody.
    if (typeof amount === "number" && text.replace(/[-.]/g, "").length > 15) {
        throw new TypeError(`${text} was computed with binary floating point: pass the snapshot, or a decimal as a string`);
    }
    return text;
}

/**
 * What the shopper agreed to: the snapshot on the screen, or its total.
 * @param {Snapshot | string | number | Exact} shown
 * @param {string} id
 * @returns {Exact}
 */
export function agreed(shown, id) {
    if (shown === null || shown === undefined) throw new TypeError("pass the snapshot that the shopper saw, or its total");
    if (typeof shown !== "object" || shown instanceof Exact) return exact(decimal(shown));
    if (shown.id !== id) throw new TypeError("this snapshot is of another checkout");
    const total = totalOf(shown);
    if (total === null) throw new TypeError("the total is not known yet, so nobody can have agreed to it");
    return exact(total);
}
