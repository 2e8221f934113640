//! What one run does: decided before it begins, from its seed alone.

use bigcommerce_simulator::{Deed, magic_card};
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::faults::{self, Other, Planned};
use crate::hands::HandOver;
use crate::harness;

/// How a shopper begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// A cart; everything else step by step.
    Bare,
    /// A cart; everything else with the payment, in one call.
    OneCall,
    /// Everything up to the order in the first call.
    Everything,
    /// An order made directly.
    Direct,
}

/// How a shopper means to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Pays.
    Pay,
    /// Cancels when this step is next.
    Cancel(&'static str),
    /// Leaves when this step is next, and does not come back.
    Leave(&'static str),
}

/// What a shopper thinks better of, once, before the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Revision {
    /// Another billing address.
    Billing,
    /// Another shipping address.
    Shipping,
    /// One item more.
    AddItem,
    /// More of an item.
    Quantity,
    /// A note to the shop.
    Message,
}

/// How often out of a hundred requests, and what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Habits {
    /// The same request with the same key, twice at once.
    pub(crate) double_click: u32,
    /// The same request with two keys at once.
    pub(crate) two_tabs: u32,
    /// Gone before the answer.
    pub(crate) hang_up: u32,
    /// `Prefer: wait=0`.
    pub(crate) no_wait: u32,
}

/// A process that is struck in the middle of a call of this very run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strike {
    /// The call that is held.
    pub(crate) call: &'static str,
    /// Whether it has taken effect by then.
    pub(crate) after_effect: bool,
    /// What happens to the process.
    pub(crate) blow: Blow,
}

/// What happens to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blow {
    /// `kill -9`.
    Kill,
    /// SIGTERM.
    Terminate,
    /// SIGSTOP, and SIGCONT after so many milliseconds.
    Freeze(u64),
}

/// Everything one run does.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) run: u64,
    /// In bodies, so that faults and people find the run; never a secret.
    pub(crate) tag: String,
    pub(crate) opening: Opening,
    pub(crate) ending: Ending,
    pub(crate) revision: Option<Revision>,
    /// Tried one after the other.
    pub(crate) cards: Vec<(u32, u8)>,
    pub(crate) habits: Habits,
    pub(crate) faults: Vec<Planned>,
    pub(crate) strike: Option<Strike>,
    /// Which replica its requests go to first.
    pub(crate) home: usize,
    /// A gift certificate that pays a part, or the whole: its balance in cents.
    pub(crate) certificate: Option<u64>,
    /// Store credit of a customer that pays a part, or the whole: in cents.
    pub(crate) credit: Option<u64>,
    /// What somebody else does meanwhile.
    pub(crate) others: Vec<Other>,
    /// The hosted page gets the cart.
    pub(crate) hand_over: Option<HandOver>,
    /// What a merchant does after the end.
    pub(crate) afterwards: Option<Deed>,
    price: u64,
    quantity: u64,
    ships: bool,
}

/// Stands for a card that succeeds.
pub(crate) const GOOD: (u32, u8) = (0, 0);

const CARDS: &[(u32, (u32, u8))] = &[
    (640, GOOD),
    (40, (30_106, 0)),
    (30, (30_104, 0)),
    (20, (30_103, 0)),
    (20, (30_107, 0)),
    (20, (30_102, 0)),
    (40, (20_001, 0)),
    (30, (20_002, 0)),
    (10, (20_003, 0)),
    (30, (20_004, 0)),
    (10, (20_005, 0)),
    (8, (10_000, 0)),
    (8, (10_000, 1)),
    (6, (10_000, 2)),
    (8, (20_006, 0)),
    (8, (20_006, 1)),
    (8, (30_050, 0)),
    (8, (30_050, 1)),
    (8, (30_105, 0)),
    (8, (30_105, 1)),
    (8, (10_001, 0)),
    (8, (30_003, 0)),
    (8, (30_004, 0)),
    (4, (30_000, 0)),
    (4, (30_002, 0)),
];

const STRUCK: [(u32, &str); 9] = [
    (1, "create-cart"),
    (1, "add-billing-address"),
    (1, "add-consignments"),
    (1, "update-consignment"),
    (3, "create-order"),
    (1, "list-orders"),
    (1, "create-access-token"),
    (4, "process-payment"),
    (1, "delete-cart"),
];

const MOMENTS: [(u32, &str); 4] =
    [(2, "order"), (2, "payment"), (1, "consignments"), (1, "shipping-options")];

impl Plan {
    /// Decides.
    pub(crate) fn draw(seed: u64, run: u64, only: Option<&Planned>, calm: bool, others: u32) -> Self {
        let mut dice = Dice::of(seed, run, "plan");
        let opening = dice.weighted(&[
            (40, Opening::Bare),
            (20, Opening::OneCall),
            (28, Opening::Everything),
            (12, Opening::Direct),
        ]);
        let moment = dice.weighted(&MOMENTS);
        let ending =
            dice.weighted(&[(82, Ending::Pay), (10, Ending::Cancel(moment)), (8, Ending::Leave(moment))]);
        let revision = dice.percent(25).then(|| {
            dice.weighted(&[
                (3, Revision::Billing),
                (3, Revision::Shipping),
                (2, Revision::AddItem),
                (2, Revision::Quantity),
                (1, Revision::Message),
            ])
        });
        let mut cards = Vec::new();
        loop {
            let card = dice.weighted(CARDS);
            cards.push(card);
            if card == GOOD || cards.len() == 3 {
                break;
            }
        }
        let habit = |dice: &mut Dice| if dice.percent(30) { 12 } else { 2 };
        let habits = Habits {
            double_click: habit(&mut dice),
            two_tabs: habit(&mut dice),
            hang_up: habit(&mut dice),
            no_wait: habit(&mut dice),
        };
        let count = dice.weighted(&[(30, 0), (30, 1), (20, 2), (12, 3), (8, 4)]);
        let mut faults: Vec<Planned> = (0..count).map(|_| Planned::draw(&mut dice)).collect();
        if let Some(only) = only {
            faults = vec![only.clone()];
        }
        let struck = dice.percent(7).then(|| Strike {
            call: dice.weighted(&STRUCK),
            after_effect: dice.percent(50),
            blow: match dice.below(10) {
                0..5 => Blow::Kill,
                5..7 => Blow::Terminate,
                _ => Blow::Freeze(dice.between(500, 6500)),
            },
        });
        let mut plan = Self {
            run,
            tag: format!("chaos-{seed}-{run}-"),
            opening,
            ending,
            revision,
            cards,
            habits,
            faults,
            strike: struck.filter(|_| !calm),
            home: dice.below(2),
            price: dice.between(100, 20_000),
            quantity: dice.between(1, 3),
            ships: dice.percent(94),
            certificate: dice.percent(18).then(|| dice.between(50, 9000)),
            credit: None,
            others: Vec::new(),
            hand_over: None,
            afterwards: None,
        };
        if plan.opening == Opening::Direct {
            plan.ships = true;
            plan.revision = None;
        } else {
            plan.credit = dice.percent(12).then(|| dice.between(50, 9000));
        }
        if dice.percent(others) {
            plan.meets(&mut dice);
        }
        plan
    }

    /// Others interfere with it.
    fn meets(&mut self, dice: &mut Dice) {
        self.hand_over = (self.opening != Opening::Direct && dice.percent(50)).then(|| HandOver::draw(dice));
        let handed_over = self.hand_over.is_some();
        if !handed_over || dice.percent(40) {
            let count = dice.weighted(&[(70, 1), (22, 2), (8, 3)]);
            self.others = (0..count).map(|_| Other::draw(dice, handed_over)).collect();
        }
        self.afterwards = dice.percent(20).then(|| faults::afterwards(dice));
        let deeds = self.others.iter().map(|other| other.does).chain(self.afterwards);
        // What is captured or voided was authorized.
        if deeds.into_iter().any(|deed| matches!(deed, Deed::Capture | Deed::Void)) && dice.percent(70) {
            self.cards = vec![(20_004, 0)];
        }
    }

    /// Whether what it buys is shipped.
    pub(crate) fn ships(&self) -> bool {
        self.ships
    }

    /// Where a checkout is created.
    pub(crate) fn door(&self) -> &'static str {
        if self.opening == Opening::Direct { "/v1/direct-orders" } else { "/v1/checkouts" }
    }

    /// What it is created with, for this customer.
    pub(crate) fn creation(&self, customer: Option<u64>) -> Value {
        if self.opening == Opening::Direct {
            return self.direct_order();
        }
        let mut body = if self.ships {
            json!({"custom_items": [self.item("first")]})
        } else {
            json!({"gift_certificates": [{
                "name": self.tag, "theme": "Birthday", "amount": 25, "quantity": 1,
                "sender": {"name": "Jane", "email": "jane@example.com"},
                "recipient": {"name": "Joe", "email": "joe@example.com"},
            }]})
        };
        if self.opening == Opening::Everything {
            self.fill(&mut body);
        }
        if let Some(customer) = customer {
            body["customer_id"] = json!(customer);
        }
        body
    }

    /// Everything that an order needs.
    pub(crate) fn fill(&self, body: &mut Value) {
        body["billing_address"] = self.address("Austin");
        if self.ships {
            body["consignments"] = json!([{"address": self.address("Austin")}]);
            body["shipping_preference"] = json!("cheapest");
        }
    }

    /// One more, or the first item.
    pub(crate) fn item(&self, sku: &str) -> Value {
        let price: Value = serde_json::from_str(&format!("{}.{:02}", self.price / 100, self.price % 100))
            .unwrap_or(json!(10));
        json!({"sku": format!("{}{sku}", self.tag), "name": "Custom Product", "quantity": self.quantity, "list_price": price})
    }

    /// An address that names the run.
    pub(crate) fn address(&self, city: &str) -> Value {
        let mut address = harness::address();
        address["address1"] = json!(format!("{} Street", self.tag));
        address["city"] = json!(city);
        address
    }

    fn direct_order(&self) -> Value {
        json!({
            "billing_address": {
                "first_name": "Jane", "last_name": "Doe", "street_1": format!("{} Street", self.tag), "city": "Austin",
                "state": "Texas", "zip": "78751", "country": "United States", "country_iso2": "US",
                "email": "janedoe@email.com",
            },
            "products": [{"name": "BigCommerce Coffee Mug", "quantity": self.quantity, "price_inc_tax": 50, "price_ex_tax": 45}],
        })
    }

    /// The payment with the nth card; after the last one comes a good one.
    pub(crate) fn payment(&self, nth: usize) -> Value {
        match self.cards.get(nth) {
            Some(&(code, flag)) if (code, flag) != GOOD => harness::card(&magic_card(code, flag)),
            _ => harness::good_card(),
        }
    }

    /// The code of the gift certificate.
    pub(crate) fn certificate_code(&self) -> String {
        format!("GIFT-{}{}", self.tag, "of-the-run")
    }

    /// The payment with the gift certificate.
    pub(crate) fn certificate_payment(&self) -> Value {
        json!({"payment_method_id": "bigcommerce.gift_certificate",
            "instrument": {"type": "gift_certificate", "gift_certificate_code": self.certificate_code()}})
    }

    /// The payment with store credit.
    pub(crate) fn credit_payment() -> Value {
        json!({"payment_method_id": "bigcommerce.store_credit", "instrument": {"type": "store_credit"}})
    }

    /// Charged at the gateway without BigCommerce's knowledge: nobody can see it (flag 2).
    pub(crate) fn hides_a_charge(&self) -> bool {
        self.cards.iter().any(|(_, flag)| *flag == 2)
    }

    /// Whether most of the eight tries of a step that makes these calls can learn nothing. Kills cost the rest.
    pub(crate) fn hides(&self, calls: &[&str]) -> bool {
        let met = self.faults.iter().filter(|fault| calls.contains(&fault.call));
        met.map(|fault| fault.times).sum::<u64>() >= 5
    }

    /// Whether more than a card pays.
    pub(crate) fn has_parts(&self) -> bool {
        self.certificate.is_some() || self.credit.is_some()
    }

    /// Whether a card with this code may have been used.
    pub(crate) fn has_card(&self, codes: &[u32]) -> bool {
        self.cards.iter().any(|(code, _)| codes.contains(code))
    }
}

/// The cheapest option of each consignment.
pub(crate) fn choice(seen: &Value) -> Value {
    let consignments = seen["consignments"].as_array().cloned().unwrap_or_default();
    let options = consignments.iter().map(|consignment| {
        let options = consignment["available_shipping_options"].as_array().cloned().unwrap_or_default();
        let free = options.iter().find(|option| option["cost"] == 0).or(options.first());
        json!({"consignment_id": consignment["id"], "shipping_option_id": free.map(|option| option["id"].clone())})
    });
    options.collect()
}
