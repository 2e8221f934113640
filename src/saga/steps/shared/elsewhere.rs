//! Was this checkout paid elsewhere? The questions that are asked before it is ordered, charged or undone, and the witnesses
//! that answer them.

use std::time::Duration;

use super::held::ELSEWHERE;
use super::read::named;
use crate::bigcommerce::Error;
use crate::bigcommerce::orders::Order;
use crate::checkout::{Flow, HandOff, StuckReason};
use crate::saga::judge::Judgment;
use crate::saga::order_lookup::OrderLookup;
use crate::saga::step::{StepContext, Verdict, refused};
use crate::saga::steps::hand_off::{Elsewhere, adopt, look, placed};

impl StepContext {
    /// To be asked before this checkout is ordered or charged, or when its cart is gone: was it paid elsewhere? Then the
    /// order that was paid is taken over next, and this step is not done.
    ///
    /// Two witnesses, because a list may lag behind, or be of something else: the list does not show such an order, **and**
    /// the cart is still there. One that is gone was paid or deleted: which, is known only after a quiet window.
    pub(in crate::saga) async fn not_paid_elsewhere(&mut self) -> Result<(), Verdict> {
        let listed = self.list_orders(&OrderLookup::Cart(self.cart_id()?)).await?;
        self.none_placed(&listed.orders).await?;
        let there = self.look_at_cart().await?;
        if let Some(gone) = self.checkout.facts.cart_gone_since.filter(|_| !there) {
            let waited = Duration::try_from(self.clock.now() - gone).unwrap_or_default();
            let left = self.timing.quiet_payment.saturating_sub(waited);
            if !left.is_zero() {
                let why = "the cart is gone: it may have been paid elsewhere".to_owned();
                return Err(Verdict::Wait { after: left.min(self.timing.quiet_payment / 3), why });
            }
        }
        if !listed.is_whole {
            let why = "the list of orders does not say that the cart was not ordered elsewhere".to_owned();
            return Err(Verdict::Retry { after: None, why });
        }
        Ok(())
    }

    /// Whether the cart is still there. Since when it is not, is noted.
    pub(in crate::saga) async fn look_at_cart(&mut self) -> Result<bool, Verdict> {
        let there = self.read_checkout().await?;
        let now = self.clock.now();
        let gone = &mut self.checkout.facts.cart_gone_since;
        *gone = if there { None } else { gone.or(Some(now)) };
        Ok(there)
    }

    /// Whether the cart says that nothing was paid of it here: it is there, or its payment elsewhere explains that it is not.
    pub(in crate::saga) async fn still_unpaid(&mut self) -> bool {
        match self.look_at_cart().await {
            Ok(false) => {}
            Ok(true) => return true,
            Err(_) => return false,
        }
        let ours = self.checkout.facts.order.as_ref().map(|order| order.id);
        let Ok(cart_id) = self.cart_id() else { return false };
        let Ok(listed) = self.list_orders(&OrderLookup::Cart(cart_id)).await else { return false };
        matches!(placed(self, &listed.orders, ours).await, Ok(Some(_)))
    }

    /// Before this checkout makes its first order: what is there of the same cart was made by others.
    pub(in crate::saga) async fn note_others(&mut self) -> Result<(), Verdict> {
        let tried = self.attempt.attempt > 1 || !self.checkout.facts.abandoned_orders.is_empty();
        if tried || !self.checkout.facts.cart_is_foreign {
            return Ok(());
        }
        let listed = self.list_orders(&OrderLookup::Cart(self.cart_id()?)).await?;
        self.facts().orders_of_others = listed.orders.iter().map(|order| order.id.get()).collect();
        Ok(())
    }

    /// Makes the URLs while this checkout is held, so that no payment of ours can begin meanwhile.
    pub(in crate::saga) async fn make_urls(&mut self) -> Result<(), Verdict> {
        let cart_id = self.cart_id()?;
        self.still_held()?;
        let made = self.client.carts(&self.call).create_redirect_urls(&cart_id).await;
        match self.note("create-redirect-urls", made) {
            Ok(answer) => {
                self.urls = Some(answer.value);
                Ok(())
            }
            Err(error) if error.is_unauthorized() => Err(Verdict::Interrupted { retry_after: None }),
            Err(Error::Rejected(rejection) | Error::Moved(rejection)) => {
                Err(Verdict::Rejected(refused(&rejection)))
            }
            // A fresh one each time: making them again does no harm.
            Err(error) => Err(Verdict::Interrupted { retry_after: error.retry_after() }),
        }
    }

    /// The same, with the orders at hand.
    pub(in crate::saga) async fn none_placed(&mut self, orders: &[Order]) -> Result<(), Verdict> {
        if self.checkout.flow != Flow::Cart {
            return Ok(());
        }
        let ours = self.checkout.facts.order.as_ref().map(|order| order.id);
        let Some((order, _)) = placed(self, orders, ours).await? else { return Ok(()) };
        self.checkout.input.check_hosted_payment = true;
        Err(Verdict::Retry {
            after: Some(Duration::ZERO),
            why: format!("order {} of the same cart was placed elsewhere", order.id),
        })
    }

    /// Before a checkout is undone: one that was paid elsewhere is not undone, but done. A cart that is gone is no proof that
    /// anything was undone.
    pub(in crate::saga) async fn undo_only_unpaid(&mut self) -> Result<(), Verdict> {
        self.none_revived().await?;
        if self.checkout.facts.hand_off.is_none() || self.checkout.facts.cart_id.is_none() {
            return Ok(());
        }
        match look(self).await? {
            Elsewhere::Nothing | Elsewhere::Declined => self.not_paid_elsewhere().await,
            Elsewhere::Paid => Err(Verdict::Paid),
            Elsewhere::Pending | Elsewhere::Unclear => Err(Verdict::Stuck {
                reason: StuckReason::CancelFoundPaid,
                detail: "the cart was ordered on the hosted page, and that order is being paid".to_owned(),
            }),
            Elsewhere::Again => Err(Verdict::Retry {
                after: Some(Duration::ZERO),
                why: "an order of ours gave way to the paid one".to_owned(),
            }),
            // The intent to give it back is committed first.
            Elsewhere::Part => Err(Verdict::Retry {
                after: Some(Duration::ZERO),
                why: "a part of it was paid on the hosted page".to_owned(),
            }),
        }
    }

    /// Before an order is cancelled that shows no money: is its cart still there? One that is gone was perhaps paid, and is
    /// asked about as one that was handed over, through the quiet window.
    pub(in crate::saga) async fn cart_is_a_witness(&mut self) -> Result<(), Verdict> {
        let facts = &self.checkout.facts;
        if facts.cart_id.is_none() || facts.hand_off.is_some() || self.look_at_cart().await? {
            return Ok(());
        }
        let since = self.clock.now();
        self.facts().hand_off = Some(HandOff { since });
        Err(Verdict::Retry {
            after: Some(Duration::ZERO),
            why: "the cart of an order that shows no money is gone".to_owned(),
        })
    }

    /// The order of this checkout turns out to be paid in full while it is undone: it is done.
    pub(in crate::saga) async fn paid_after_all(&mut self, order: &Order, whole: Judgment) -> Verdict {
        tracing::warn!(checkout_id = %self.checkout.id, order_id = %order.id, "paid in full while it was undone: it is kept");
        adopt(self, order, whole, ELSEWHERE.instrument);
        self.paid_once(Verdict::Paid).await
    }

    /// After our payment succeeded: the hosted page may have been paid in the same moment. No lock of BigCommerce's
    /// excludes that, so that it is looked for, and a person gives the money of one of them back. Nor may an order that was
    /// buried have been paid.
    pub(in crate::saga) async fn paid_once(&mut self, verdict: Verdict) -> Verdict {
        if verdict != Verdict::Paid {
            return verdict;
        }
        if let Err(stuck @ Verdict::Stuck { .. }) = self.none_revived().await {
            return stuck;
        }
        if self.checkout.facts.hand_off.is_none() {
            return verdict;
        }
        let (Ok(cart_id), Some(ours)) =
            (self.cart_id(), self.checkout.facts.order.as_ref().map(|order| order.id))
        else {
            return verdict;
        };
        // A look that fails says nothing, and what was paid stays paid.
        let Ok(listed) = self.list_orders(&OrderLookup::Cart(cart_id)).await else { return verdict };
        match placed(self, &listed.orders, Some(ours)).await {
            Ok(None) | Err(_) => verdict,
            Ok(Some((order, _))) => Verdict::Stuck {
                reason: StuckReason::PaidTwice,
                detail: format!(
                    "order {ours} was paid here, and {} of the same cart on the hosted page in the same moment",
                    named(&order)
                ),
            },
        }
    }
}
