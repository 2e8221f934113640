//! Whatever is sent, the answer is a problem document that says what is wrong: nothing reaches BigCommerce, nothing is
//! recorded, and it is never our own failure.

mod bodies;
pub(crate) mod credentials;
mod fuzz;
mod lines;
mod payments;
mod requests;

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Row as _;

use crate::harness::{
    Answer, KEY, OPERATOR, OTHER_KEY, Service, World, address, agreed, custom_cart, everything, good_card,
};

/// A request that must be refused.
struct Bad {
    what: String,
    method: Method,
    /// With the name of a checkout in braces, see [`Place`].
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    status: u16,
    code: &'static str,
    /// Where `invalid-input` has to point, among others.
    pointers: Vec<String>,
}

fn bad(what: impl Into<String>, method: Method, path: impl Into<String>) -> Bad {
    let headers = [("authorization", format!("Bearer {KEY}")), ("prefer", "wait=5".to_owned())];
    let mut headers: Vec<(String, String)> =
        headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    if method == Method::POST {
        headers.push(("idempotency-key".to_owned(), uuid::Uuid::now_v7().to_string()));
    }
    Bad {
        what: what.into(),
        method,
        path: path.into(),
        headers,
        body: None,
        status: 0,
        code: "",
        pointers: Vec::new(),
    }
}

fn post(what: impl Into<String>, path: impl Into<String>) -> Bad {
    bad(what, Method::POST, path)
}

fn put(what: impl Into<String>, path: impl Into<String>) -> Bad {
    bad(what, Method::PUT, path)
}

fn get(what: impl Into<String>, path: impl Into<String>) -> Bad {
    bad(what, Method::GET, path)
}

fn delete(what: impl Into<String>, path: impl Into<String>) -> Bad {
    bad(what, Method::DELETE, path)
}

impl Bad {
    fn json(self, body: &Value) -> Self {
        self.bytes(body.to_string().into_bytes())
    }

    fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        if self.headers.iter().all(|(name, _)| name != "content-type") {
            self.headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    /// Instead of whatever this header was.
    fn header(self, name: &str, value: &str) -> Self {
        self.without(name).also(name, value)
    }

    /// Once more.
    fn also(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn gets(mut self, status: u16, code: &'static str) -> Self {
        (self.status, self.code) = (status, code);
        self
    }

    /// `invalid-input` that points here.
    fn at(mut self, pointers: &[&str]) -> Self {
        self.pointers.extend(pointers.iter().map(|pointer| (*pointer).to_owned()));
        self.gets(422, "invalid-input")
    }
}

/// The checkouts that bad requests are about, and what was there before.
struct Place {
    world: World,
    service: Service,
    /// `{fresh}`: a cart; `{ordered}`: with an order; `{paid}`; `{cancelled}`; `{nothing-to-ship}`; `{direct}`;
    /// `{other-token}`: another checkout, by its token.
    names: BTreeMap<&'static str, String>,
}

impl Place {
    async fn new() -> Self {
        Self::of(World::new().await).await
    }

    async fn of(world: World) -> Self {
        let service = world.start().await;
        let mut names = BTreeMap::new();
        let fresh =
            service.post_with("/v1/checkouts", "a-key-that-is-bound", &custom_cart()).await.expect(201);
        names.insert("{fresh}", format!("/v1/checkouts/{}", fresh.id()));
        names.insert("{item}", item(&fresh));
        names.insert("{fresh-token}", token(&fresh));
        let other = service.post("/v1/checkouts", &custom_cart()).await.expect(201);
        names.insert("{other-token}", token(&other));
        let ordered = service.create(&everything()).await;
        service.post(&format!("{ordered}/order"), &json!({})).await.expect(200);
        names.insert("{ordered}", ordered);
        let paid = service.create(&with(everything(), "/customer_id", json!(11))).await;
        let stored = json!({"payment_method_id": "adyenv2.scheme", "instrument": {"type": "stored_card",
            "token": "8cdf7b6ea1b27119463bf9e5106639618cc77a9adc49f0069ca8b756cc15caee"}});
        service.post(&format!("{paid}/complete"), &agreed(json!({"payment": stored}))).await.expect(200);
        names.insert("{paid}", paid);
        let cancelled = service.create(&custom_cart()).await;
        service.delete(&cancelled).await.expect(200);
        names.insert("{cancelled}", cancelled);
        let certificate = json!({"gift_certificates": [{
            "name": "Gift", "theme": "Birthday", "amount": 25, "quantity": 1,
            "sender": {"name": "Jane", "email": "jane@example.com"},
            "recipient": {"name": "Joe", "email": "joe@example.com"},
        }]});
        let nothing_to_ship = service.create(&certificate).await;
        service.put(&format!("{nothing_to_ship}/billing-address"), &address()).await.expect(200);
        names.insert("{nothing-to-ship}", nothing_to_ship);
        let direct = service.post("/v1/direct-orders", &direct_order()).await.expect(201);
        names.insert("{direct}", format!("/v1/checkouts/{}", direct.id()));
        Self { world, service, names }
    }

    fn filled(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    /// Everything that must not change: what was recorded, and what arrived at BigCommerce.
    async fn traces(&self) -> (Vec<i64>, usize) {
        let row = sqlx::query(
            "select (select count(*) from checkout), (select count(*) from idempotency_key),
                    (select count(*) from attempt_log), (select count(*) from checkout_token),
                    (select coalesce(sum(version), 0)::bigint from checkout), (select count(*) from audit),
                    (select count(*) from bulk), (select count(*) from order_action)",
        )
        .fetch_one(&self.world.database.pool)
        .await
        .expect("counts");
        ((0..8).map(|column| row.get(column)).collect(), self.world.simulator.requests().len())
    }

    /// Sends what must be refused. Answers what is wrong with the answer.
    async fn refuse(&self, bad: &Bad) -> Result<Answer, String> {
        let before = self.traces().await;
        let headers: Vec<(String, String)> =
            bad.headers.iter().map(|(name, value)| (name.clone(), self.filled(value))).collect();
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let path = self.filled(&bad.path);
        let body = bad.body.clone().map(|body| match String::from_utf8(body) {
            Ok(text) => self.filled(&text).into_bytes(),
            Err(error) => error.into_bytes(),
        });
        let answer = self.service.call(bad.method.clone(), &path, &headers, body).await;
        let said = || format!("{}: {} {}: {}", bad.what, bad.method, bad.path, answer.text);
        let got = (answer.status.as_u16(), answer.body["code"].as_str().unwrap_or_default());
        if got != (bad.status, bad.code) {
            return Err(format!("{got:?} instead of {:?}: {}", (bad.status, bad.code), said()));
        }
        if answer.header("content-type") != Some("application/problem+json") {
            return Err(format!("no problem document: {}", said()));
        }
        let trace_id = answer.body["trace_id"].as_str().filter(|id| !id.is_empty());
        if trace_id.is_none() || trace_id != answer.header("x-request-id") {
            return Err(format!("no trace_id: {}", said()));
        }
        for pointer in &bad.pointers {
            let errors = answer.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
            if !errors.iter().any(|error| error["pointer"] == *pointer) {
                return Err(format!("nothing points to {pointer:?}: {}", said()));
            }
        }
        for (status, header) in [(401, "www-authenticate"), (405, "allow")] {
            if bad.status == status && answer.header(header).is_none() {
                return Err(format!("no {header}: {}", said()));
            }
        }
        let tokens = ["{fresh-token}", "{other-token}"].map(|name| self.names[name].as_str());
        let secrets = ["4111111111111111", "8cdf7b6ea1b2", KEY, OTHER_KEY, OPERATOR];
        for secret in secrets.into_iter().chain(tokens) {
            if answer.text.contains(secret) {
                return Err(format!("it repeats {secret}: {}", said()));
            }
        }
        let after = self.traces().await;
        if before != after {
            return Err(format!("it left traces, {before:?} became {after:?}: {}", said()));
        }
        Ok(answer)
    }

    /// Sends all of them and tells of all that went wrong at once.
    async fn refuse_all(self, table: Vec<Bad>) {
        let mut wrong = Vec::new();
        for bad in &table {
            if let Err(why) = self.refuse(bad).await {
                wrong.push(why);
            }
        }
        assert!(wrong.is_empty(), "{} of {} requests: {wrong:#?}", wrong.len(), table.len());
        self.service.stop().await;
        self.world.finish().await;
    }
}

fn token(created: &Answer) -> String {
    created.body["checkout_token"].as_str().expect("a checkout token").to_owned()
}

fn item(created: &Answer) -> String {
    created.body["cart"]["line_items"]["custom_items"][0]["id"].as_str().expect("an item").to_owned()
}

pub(crate) fn direct_order() -> Value {
    json!({
        "billing_address": {
            "first_name": "Jane", "last_name": "Doe", "street_1": "123 Main Street", "city": "Austin",
            "state": "Texas", "zip": "78751", "country": "United States", "country_iso2": "US",
            "email": "janedoe@email.com",
        },
        "products": [{"name": "BigCommerce Coffee Mug", "quantity": 1, "price_inc_tax": 50, "price_ex_tax": 45}],
    })
}

/// A body with one value replaced or, by `null`, removed.
fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer to something");
    let parent = body.pointer_mut(parent).unwrap_or_else(|| panic!("{parent} is there"));
    match (parent, value) {
        (Value::Object(map), Value::Null) => drop(map.remove(name)),
        (Value::Object(map), value) => drop(map.insert(name.to_owned(), value)),
        (Value::Array(list), value) => list[name.parse::<usize>().expect("an index")] = value,
        (other, _) => panic!("{other} holds nothing"),
    }
    body
}

#[tokio::test]
async fn a_refused_key_may_be_sent_again() {
    let place = Place::new().await;
    let refused =
        post("no items", "/v1/checkouts").header("idempotency-key", "again").json(&json!({})).at(&[""]);
    place.refuse(&refused).await.expect("it is refused");
    place.service.post_with("/v1/checkouts", "again", &custom_cart()).await.expect(201);
    let another = post("a key of another body", "/v1/checkouts")
        .header("idempotency-key", "again")
        .json(&everything())
        .gets(422, "idempotency-key-reused");
    place.refuse(&another).await.expect("it is refused");
    place.service.stop().await;
    place.world.finish().await;
}

#[tokio::test]
async fn raw_cards_are_refused_where_they_are_not_enabled() {
    let mut world = World::new().await;
    world.set("ALLOW_RAW_CARDS", "false");
    let refused =
        |what: &str, path: &str, body: &Value| post(what, path).json(body).gets(422, "raw-card-not-enabled");
    let mut bad_card = agreed(good_card());
    bad_card["instrument"]["number"] = json!("not even a number");
    let table = vec![
        refused("a raw card", "{ordered}/payment", &agreed(good_card())),
        refused("in BigCommerce's own body", "{ordered}/payment", &agreed(json!({"payment": good_card()}))),
        refused("in one call", "{fresh}/complete", &agreed(json!({"payment": good_card()}))),
        refused("whatever is wrong with it", "{ordered}/payment", &bad_card),
    ];
    Place::of(world).await.refuse_all(table).await;
}
