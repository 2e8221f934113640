//! The ways of a checkout whose calls are derived: each is played once without a fault, and every call that it sends is a column.

use bigcommerce_simulator::Deed;
use reqwest::Method;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::shops::Shop;
use crate::harness::{World, address, everything, good_card};

/// What a shopper does from the moment on from which faults are played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Certificate, store credit and card in one `complete`.
    PartsInOneCall,
    /// Certificate, store credit and card, one request after the other.
    PartsOneByOne,
    /// Cancels after certificate and store credit.
    CancelsParts,
    /// Is gone after certificate and store credit, until the checkout expires.
    ExpiresParts,
    /// A direct order, paid with a card.
    Direct,
    /// A direct order that is cancelled.
    CancelsDirect,
    /// A cart with a fee, to which a certificate and store credit were applied in another place; the rest is paid with a card.
    Applied,
    /// The same, cancelled after the order was made.
    CancelsApplied,
}

pub(super) const WAYS: [Way; 8] = [
    Way::PartsInOneCall,
    Way::PartsOneByOne,
    Way::CancelsParts,
    Way::ExpiresParts,
    Way::Direct,
    Way::CancelsDirect,
    Way::Applied,
    Way::CancelsApplied,
];

impl Way {
    /// How it ends when nothing goes wrong.
    pub(super) fn end(self) -> &'static str {
        match self {
            Self::CancelsParts | Self::CancelsDirect | Self::CancelsApplied => "cancelled",
            Self::ExpiresParts => "expired",
            _ => "completed",
        }
    }

    fn is_direct(self) -> bool {
        matches!(self, Self::Direct | Self::CancelsDirect)
    }

    /// Whether certificate, credit and card pay one after the other.
    pub(super) fn is_in_parts(self) -> bool {
        matches!(self, Self::PartsInOneCall | Self::PartsOneByOne | Self::CancelsParts | Self::ExpiresParts)
    }
}

fn certificate() -> Value {
    json!({"payment_method_id": "bigcommerce.gift_certificate",
        "instrument": {"type": "gift_certificate", "gift_certificate_code": "GIFT-5"}})
}

fn credit() -> Value {
    json!({"payment_method_id": "bigcommerce.store_credit", "instrument": {"type": "store_credit"}})
}

pub(super) fn direct_order() -> Value {
    let place = json!({"first_name": "Jane", "last_name": "Doe", "street_1": "123 Example ST", "city": "Austin",
        "state": "Texas", "zip": "78751", "country": "United States", "country_iso2": "US", "email": "jane@example.com"});
    json!({
        "customer_id": 1, "billing_address": place, "shipping_addresses": [place],
        "products": [{"name": "Mug", "quantity": 2, "price_inc_tax": 50, "price_ex_tax": 45}],
    })
}

/// One shopper in one store.
pub(super) struct Walk<'a> {
    pub(super) way: Way,
    pub(super) shop: Shop<'a>,
    /// The path of the checkout, once it is known.
    pub(super) path: String,
    /// The first card that is tried; after it comes a good one.
    pub(super) card: Option<Value>,
    /// The total that was shown when the last one was not agreed to any more.
    agrees_to: Option<Value>,
}

impl<'a> Walk<'a> {
    /// One that is on its way already.
    pub(super) fn of(way: Way, shop: Shop<'a>, path: String) -> Self {
        Self { way, shop, path, card: None, agrees_to: None }
    }

    /// Everything before faults are played.
    pub(super) async fn begin(world: &World, way: Way, shop: Shop<'a>) -> Self {
        let mut walk = Self::of(way, shop, String::new());
        match way {
            Way::Direct => return walk,
            Way::CancelsDirect => walk.make(&direct_order()).await,
            _ => {
                let mut body = everything();
                body["customer_id"] = json!(11);
                walk.make(&body).await;
            }
        }
        if matches!(way, Way::Applied | Way::CancelsApplied) {
            let cart = walk.shop.settled(&walk.path).await["cart"]["id"].as_str().expect("a cart").to_owned();
            assert!(world.simulator.does_to_cart(&cart, Deed::AddFee), "a fee");
            assert!(world.simulator.apply_to_cart(&cart, true, &["GIFT-5"]), "credit and a certificate");
        }
        if way != Way::Applied && !way.is_direct() {
            walk.until(|now| now["order"].is_object()).await;
        }
        if matches!(way, Way::CancelsParts | Way::ExpiresParts) {
            walk.until(|now| paid(now) == Decimal::from(8)).await;
        }
        walk
    }

    async fn make(&mut self, body: &Value) {
        let path = if self.way.is_direct() { "/v1/direct-orders" } else { "/v1/checkouts" };
        // The same key until it is there: the first request may have made it.
        for _ in 0..20 {
            let made = self.shop.send_with("create", "wait=20", Method::POST, path, Some(body)).await;
            if made.status.is_success() {
                self.path = format!("/v1/checkouts/{}", made.id());
                return;
            }
            assert!(matches!(made.status.as_u16(), 503), "{}", made.text);
        }
        panic!("it is never made");
    }

    async fn until(&mut self, there: impl Fn(&Value) -> bool) {
        for _ in 0..10 {
            let now = self.shop.settled(&self.path).await;
            if there(&now) {
                return;
            }
            self.step(&now, false).await;
        }
        panic!("{:?}: it never gets there: {}", self.way, self.shop.settled(&self.path).await);
    }

    /// Goes on until it has ended, in words: a status, or `stuck:` and the reason.
    pub(super) async fn go_on(&mut self, world: &World) -> String {
        if self.path.is_empty() {
            self.make(&direct_order()).await;
        }
        if self.way == Way::ExpiresParts {
            expire(world, &self.path).await;
            let now = self.shop.ended(&self.path).await;
            return match now["status"].as_str().unwrap_or_default() {
                "stuck" => format!("stuck:{}", now["stuck"]["reason"].as_str().unwrap_or_default()),
                ended => ended.to_owned(),
            };
        }
        let mut said = Vec::new();
        for turn in 0..30 {
            let now = self.shop.settled(&self.path).await;
            match now["status"].as_str().unwrap_or_default() {
                "stuck" => return format!("stuck:{}", now["stuck"]["reason"].as_str().unwrap_or_default()),
                "awaiting_input" => {}
                ended => return ended.to_owned(),
            }
            let heard = self.step(&now, turn == 0).await;
            // The order takes no payment, whatever is tried: the shopper wants the parts back.
            if said.last() == Some(&heard) && heard.contains(" 422 ") {
                self.shop.send(Method::DELETE, &self.path, None).await;
            }
            said.push(heard);
        }
        format!("goes round in circles: {said:?}")
    }

    /// What is shown before the nth request from now on.
    pub(super) async fn before(&mut self, nth: u64) -> Value {
        for earlier in 1..nth {
            let now = self.shop.settled(&self.path).await;
            self.request(&now, earlier).await;
        }
        self.shop.settled(&self.path).await
    }

    /// The nth request, by somebody who is shown this; answers what was heard.
    pub(super) async fn request(&mut self, seen: &Value, nth: u64) -> String {
        self.step(seen, nth == 1).await
    }

    /// What operators are told of it.
    pub(super) async fn why(&self) -> String {
        let id = self.path.rsplit('/').next().unwrap_or_default();
        let why = self.shop.operate("", Method::GET, &format!("checkouts/{id}/why"), None).await;
        why.text.chars().take(1500).collect()
    }

    /// What comes next, once; answers what was heard.
    async fn step(&mut self, now: &Value, first: bool) -> String {
        let cancels = self.way.end() == "cancelled" && self.ready_to_cancel(now);
        let in_one_call = self.way == Way::PartsInOneCall && first && paid(now).is_zero();
        let payment = match now["next_step"].as_str() {
            Some("payment") if !cancels && in_one_call => {
                json!({"payments": [certificate(), credit(), self.card()]})
            }
            Some("payment") if !cancels => self.instrument(now),
            _ => Value::Null,
        };
        let agreed = self.agrees_to.take().unwrap_or_else(|| due(now));
        let (path, shop) = (&*self.path, &self.shop);
        let answer = if cancels {
            shop.send(Method::DELETE, path, None).await
        } else {
            match now["next_step"].as_str().unwrap_or_default() {
                "billing-address" => {
                    shop.send(Method::PUT, &format!("{path}/billing-address"), Some(&address())).await
                }
                "consignments" => {
                    let body = json!([{"address": address()}]);
                    shop.send(Method::PUT, &format!("{path}/consignments"), Some(&body)).await
                }
                "shipping-options" => {
                    let rows = now["consignments"].as_array().cloned().unwrap_or_default();
                    let choices = rows.iter().map(|row| {
                        let option = &row["available_shipping_options"][0]["id"];
                        json!({"consignment_id": row["id"], "shipping_option_id": option})
                    });
                    let body = Value::Array(choices.collect());
                    shop.send(Method::PUT, &format!("{path}/shipping-options"), Some(&body)).await
                }
                "order" => shop.send(Method::POST, &format!("{path}/order"), Some(&json!({}))).await,
                _ => {
                    let mut body = payment;
                    body["agreed_total"] = agreed;
                    let action = if in_one_call { "complete" } else { "payment" };
                    shop.send(Method::POST, &format!("{path}/{action}"), Some(&body)).await
                }
            }
        };
        let code = answer.body["code"].as_str().unwrap_or_default();
        if code == "total-changed" {
            self.agrees_to = Some(answer.body["grand_total"].clone());
        }
        format!("{} {} {code} {}", now["next_step"], answer.status.as_u16(), answer.body["detail"])
    }

    fn ready_to_cancel(&self, now: &Value) -> bool {
        match self.way {
            Way::CancelsParts => paid(now) == Decimal::from(8),
            _ => now["order"].is_object(),
        }
    }

    /// What pays next: the certificate holds 5, the credit 3.
    fn instrument(&mut self, now: &Value) -> Value {
        let parts =
            !matches!(self.way, Way::Direct | Way::CancelsDirect | Way::Applied | Way::CancelsApplied);
        match paid(now).to_string().as_str() {
            "0" if parts => certificate(),
            "5" if parts => credit(),
            _ => self.card(),
        }
    }

    fn card(&mut self) -> Value {
        self.card.take().unwrap_or_else(good_card)
    }
}

fn paid(now: &Value) -> Decimal {
    let paid = now["payment"]["amount_paid"].to_string();
    paid.parse::<Decimal>().unwrap_or_default().normalize()
}

/// What is shown as due, to the cent.
fn due(now: &Value) -> Value {
    let due = [&now["payment"]["amount_due"], &now["order"]["total_inc_tax"], &now["totals"]["grand_total"]];
    due.into_iter().find(|amount| amount.is_number()).cloned().unwrap_or_default()
}

/// Its time is over now.
async fn expire(world: &World, path: &str) {
    let id = path.rsplit('/').next().unwrap_or_default();
    sqlx::query("update checkout set due_at = now(), expires_at = now() where checkout_id::text = $1 and status = 'awaiting_input'")
        .bind(id)
        .execute(&world.database.pool)
        .await
        .expect("it expires");
}
