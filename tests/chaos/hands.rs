//! What a shopper does on BigCommerce's hosted page, and what a merchant does after the end.

use std::sync::Arc;
use std::time::Duration;

use bigcommerce_simulator::{Deed, Hosted, Settlement};
use serde_json::{Value, json};

use crate::Chaos;
use crate::dice::Dice;
use crate::shopper::Shopper;

/// So often the URLs are asked for before the shopper goes on here.
const TRIES: u32 = 4;

/// The cart is handed over to the hosted page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HandOver {
    /// When this step is next.
    pub(crate) at: &'static str,
    pub(crate) then: Then,
    pub(crate) how: How,
    /// Both at once: so many milliseconds after the shopper has gone on here. Settling: so long after the payment.
    pub(crate) after: u64,
}

/// What the shopper does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// Pays there and only looks on here.
    Pays,
    /// Opens the page, comes back and goes on here.
    ComesBack,
    /// Goes on here, and the page is paid meanwhile.
    Both,
    /// The same, and what the page pays is the order that is there, whoever made it.
    BothTheSame,
}

/// How the payment on the page goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// Charged.
    Paid,
    /// Authorized.
    Authorized,
    /// Accepted, and charged later.
    Settles,
    /// Accepted, and declined later.
    Declines,
}

/// Where the shopper is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    /// Here; the URLs were refused so many times.
    Here(u32),
    /// Has paid there and looks on; so many looks.
    There(u32),
    /// Has been there.
    Back,
}

impl HandOver {
    /// Draws one.
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let at = dice.weighted(&[
            (2, "billing-address"),
            (1, "consignments"),
            (1, "shipping-options"),
            (4, "order"),
            (4, "payment"),
        ]);
        let then =
            dice.weighted(&[(5, Then::Pays), (3, Then::ComesBack), (5, Then::Both), (2, Then::BothTheSame)]);
        let how =
            dice.weighted(&[(6, How::Paid), (2, How::Authorized), (2, How::Settles), (2, How::Declines)]);
        Self { at, then, how, after: dice.between(0, 1500) }
    }

    /// Whether the payment on the page is accepted first, and ends later.
    pub(crate) fn settles_late(self) -> bool {
        matches!(self.how, How::Settles | How::Declines)
    }
}

impl How {
    fn hosted(self) -> Hosted {
        match self {
            Self::Paid => Hosted::Paid,
            Self::Authorized => Hosted::Authorized,
            Self::Settles | Self::Declines => Hosted::Pending,
        }
    }
}

impl Shopper {
    /// Goes to the page when it is time to, and looks on after having paid there. True: nothing else is done now.
    pub(crate) async fn goes_to_the_page(&mut self, path: &str, seen: &Value) -> bool {
        let Some(plan) = self.plan().hand_over else { return false };
        match self.page {
            // What was declined there is paid here. Nobody may have noticed that it was accepted before.
            Page::There(looks)
                if seen["payment"]["status"] == "declined" || (plan.how == How::Declines && looks > 40) =>
            {
                self.page = Page::Back;
                return false;
            }
            Page::There(looks) => {
                self.page = Page::There(looks + 1);
                self.glance().await;
                return true;
            }
            Page::Back | Page::Here(TRIES) => return false,
            Page::Here(tries) => {
                if seen["next_step"] != plan.at {
                    return false;
                }
                self.page = Page::Here(tries + 1);
            }
        }
        let Some(cart) = seen["cart"]["id"].as_str().map(str::to_owned) else { return false };
        let ask = self.post(format!("{path}/redirect-urls"), json!({}));
        if !self.say(ask).await.is_some_and(|heard| heard.status.is_success()) {
            return true;
        }
        self.page = Page::Back;
        self.record.handed_over = Some(plan.then);
        self.script_the_page();
        let chaos = Arc::clone(&self.chaos);
        match plan.then {
            Then::ComesBack => {
                chaos.world.simulator.host_order(&cart);
            }
            Then::Pays => {
                if pay(&chaos, &cart, plan) {
                    self.page = Page::There(0);
                }
            }
            Then::Both | Then::BothTheSame => {
                self.chaos.tasks.spawn(async move {
                    tokio::time::sleep(Duration::from_millis(plan.after)).await;
                    pay(&chaos, &cart, plan);
                });
            }
        }
        true
    }

    /// A merchant acts on what is completed.
    pub(crate) fn afterwards(&mut self, seen: &Value) {
        let Some(deed) = self.plan().afterwards else { return };
        let Some(order) = seen["order"]["id"].as_u64() else { return };
        if self.chaos.world.simulator.does_to_order("teststore", order, deed) {
            self.record.met.push(deed);
        }
    }
}

/// Pays on the page; false when it cannot be.
fn pay(chaos: &Arc<Chaos>, cart: &str, plan: HandOver) -> bool {
    let simulator = &chaos.world.simulator;
    if plan.then == Then::BothTheSame {
        return simulator.does_to_cart(cart, Deed::PayOrder);
    }
    let Some(order) = simulator.host(cart, plan.how.hosted()) else { return false };
    let ends = match plan.how {
        How::Settles => Settlement::Success,
        How::Declines => Settlement::Decline,
        How::Paid | How::Authorized => return true,
    };
    let settling = Arc::clone(chaos);
    chaos.tasks.spawn(async move {
        tokio::time::sleep(Duration::from_millis(plan.after)).await;
        settling.world.simulator.settle(order, ends);
    });
    true
}
