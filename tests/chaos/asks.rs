//! What a shopper sends to pay, and what it thinks better of.

use serde_json::{Value, json};

use crate::door::Ask;
use crate::harness::agreed;
use crate::plan::{Opening, Revision};
use crate::shopper::Shopper;

impl Shopper {
    pub(crate) fn pay(&mut self, path: &str, seen: &Value) -> Ask {
        let due = &seen["payment"]["amount_due"];
        let open = if due.is_number() { due } else { &seen["totals"]["grand_total"] };
        let agreement = (open.is_number() && self.dice.percent(50)).then(|| open.clone());
        let mut card = self.card;
        let (path, mut body) = if self.dice.percent(15) {
            (format!("{path}/complete"), self.whole())
        } else {
            let part = self.parts.first().cloned();
            if part.is_none() && seen["payment"]["status"] == "partially_paid" {
                // A decline of the rest leaves the part as it is: nothing shows that the next card is wanted.
                card += 1;
            }
            (format!("{path}/payment"), part.unwrap_or_else(|| self.plan().payment(self.card)))
        };
        self.card = card;
        body = agreed(body);
        if let Some(agreement) = agreement {
            body["agreed_total"] = agreement;
        }
        self.post(path, body)
    }

    /// What pays the whole in one call.
    fn whole(&self) -> Value {
        let card = self.plan().payment(self.card);
        if self.parts.is_empty() {
            return json!({"payment": card});
        }
        let parts: Vec<Value> = self.parts.iter().cloned().chain([card]).collect();
        json!({"payments": parts})
    }

    pub(crate) fn complete(&mut self, path: &str) -> Ask {
        let mut body = agreed(self.whole());
        if self.plan().opening == Opening::OneCall {
            self.plan().fill(&mut body);
        }
        self.post(format!("{path}/complete"), body)
    }

    pub(crate) async fn revise(&mut self, path: &str, seen: &Value) {
        let item = &seen["cart"]["line_items"]["custom_items"][0];
        let ask = match self.plan().revision {
            Some(Revision::Billing) => {
                Ask::put(format!("{path}/billing-address"), self.plan().address("Dallas"))
            }
            Some(Revision::Shipping) if item.is_object() => {
                Ask::put(format!("{path}/consignments"), json!([{"address": self.plan().address("Dallas")}]))
            }
            Some(Revision::AddItem) => {
                let body = json!({"custom_items": [self.plan().item("second")]});
                self.post(format!("{path}/items"), body)
            }
            Some(Revision::Message) => {
                Ask::put(format!("{path}/customer-message"), json!({"customer_message": self.plan().tag}))
            }
            Some(Revision::Quantity) => {
                let Some(id) = item["id"].as_str() else { return };
                let body = json!({"line_item": {"quantity": 4}});
                let mut body = body;
                body["line_item"]["name"] = item["name"].clone();
                body["line_item"]["list_price"] = item["list_price"].clone();
                Ask::put(format!("{path}/items/{id}"), body)
            }
            _ => return,
        };
        self.say(ask).await;
    }
}
