// What is on the shelves. These prices are only labels: what the shopper pays is what the service says (`totalOf`).

export const PRODUCTS = [
    { id: 120, variant: 118, name: "BigCommerce Coffee Mug", price: 15, about: "Stoneware, 300 ml. Keeps its warmth while you keep yours." },
    { id: 111, variant: 361, name: "Enamel Kettle", price: 45.5, about: "A slow, steady pour from a long neck." },
    { id: 117, variant: 367, name: "Filter Beans", price: 12.99, about: "250 g, roasted on Mondays. A seventh off." },
    { id: 116, variant: 366, name: "Espresso Cup", price: 10, about: "Every cup after the first is half price." },
    { id: 115, variant: 365, name: "Tasting Box", price: 29, about: "Five roasts to compare. At most two in one order." },
    { id: 119, variant: 369, name: "Cook Book", price: 20, about: "Forty breakfasts that need no recipe twice." },
    { id: 112, variant: 362, name: "Roasting Guide (PDF)", price: 9.99, about: "Forty pages about the first crack. Nothing to ship." },
    { id: 114, variant: 364, name: "Hand Grinder", price: 89, about: "So popular that it is sold out. Try it." },
];

/** The test cards of the simulator. */
export const CARDS = [
    ["4111111111111111", "Visa that pays"],
    ["4000030106000002", "Declined: insufficient funds"],
    ["4000030103000005", "Declined: the card has expired"],
    ["4000030102000006", "Declined: could not be verified"],
    ["4000020001000009", "Pending at first, then paid"],
    ["4000020002000008", "Pending at first, then declined"],
];

/** Prefilled, so that one can look at the rest. */
export const ADDRESS = {
    first_name: "Ada", last_name: "Lovelace", email: "ada@example.com", address1: "1 Main St",
    city: "Austin", state_or_province_code: "TX", postal_code: "78701", country_code: "US",
};
