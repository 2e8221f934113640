//! A revision that is refused costs nothing: what BigCommerce still holds stays true here, and only what was really
//! undone there has to be done again. And what BigCommerce answers may have many forms for nothing.

use bigcommerce_simulator::Fault;
use serde_json::{Value, json};

use crate::harness::{
    Answer, Service, World, address, agreed, custom_cart, everything, good_card, run, run_with,
};

/// A checkout that is ready to be ordered: its path and what it shows.
async fn ready(service: &Service) -> (String, Value) {
    let created = service.post("/v1/checkouts", &everything()).await.expect(201);
    assert_eq!(created.body["next_step"], "order");
    (format!("/v1/checkouts/{}", created.id()), created.body)
}

fn elsewhere() -> Value {
    let mut address = address();
    address["city"] = json!("Dallas");
    address
}

/// All that a shopper sees of what was chosen so far.
fn chosen(snapshot: &Value) -> Value {
    json!([
        snapshot["next_step"],
        snapshot["billing_address"],
        snapshot["consignments"],
        snapshot["totals"],
        snapshot["cart"]["line_items"],
        snapshot["steps"].as_array().expect("steps").iter().map(|step| &step["status"]).collect::<Vec<_>>(),
    ])
}

/// Nothing was lost, and the checkout can be paid as it was before.
async fn nothing_is_lost(service: &Service, path: &str, before: &Value) {
    let after = service.get(path).await.expect(200).body;
    assert_eq!(chosen(&after), chosen(before));
    let pay = agreed(json!({"payment": good_card()}));
    let paid = service.post(&format!("{path}/complete"), &pay).await.expect(200).body;
    assert_eq!(paid["status"], "completed");
    assert_eq!(paid["totals"]["grand_total"], before["totals"]["grand_total"]);
}

#[tokio::test]
async fn a_consignment_of_an_unknown_item_is_refused_and_the_good_ones_stay() {
    run(async |world, service| {
        let (path, before) = ready(service).await;
        let unknown =
            json!([{"address": elsewhere(), "line_items": [{"item_id": "nonsense", "quantity": 1}]}]);
        let sent = world.simulator.requests().len();
        let refused = service.put(&format!("{path}/consignments"), &unknown).await.expect(422);
        assert_eq!(refused.problem(), "rejected-by-bigcommerce");
        assert_eq!(world.simulator.requests().len(), sent, "nothing was sent");
        nothing_is_lost(service, &path, &before).await;
    })
    .await;
}

/// Each revision, with the call that it sends.
fn revisions(before: &Value) -> Vec<(&'static str, &'static str, Value)> {
    let consignment = &before["consignments"][0];
    let other = consignment["available_shipping_options"].as_array().expect("options").iter();
    let other = other.map(|option| &option["id"]);
    let mut other = other.filter(|id| **id != consignment["selected_shipping_option"]["id"]);
    let option = json!([{"shipping_option_id": other.next_back().expect("another option")}]);
    vec![
        ("billing-address", "update-billing-address", elsewhere()),
        ("consignments", "update-consignment", json!([{"address": elsewhere()}])),
        ("shipping-options", "update-consignment", option),
        ("customer-message", "update-checkout", json!({"customer_message": "Ring twice"})),
    ]
}

#[tokio::test]
async fn whatever_bigcommerce_refuses_leaves_the_checkout_as_it_was() {
    for nth in 0..4 {
        run(async |world, service| {
            let (path, before) = ready(service).await;
            let (what, call, body) = revisions(&before).swap_remove(nth);
            let fault = world.simulator.add_fault(Fault::on(call).status_before(422));
            let refused = service.put(&format!("{path}/{what}"), &body).await.expect(422);
            assert_eq!(refused.problem(), "rejected-by-bigcommerce", "{what}");
            assert_eq!(world.simulator.reached(fault), 1, "{what}");
            nothing_is_lost(service, &path, &before).await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_revision_that_bigcommerce_could_not_take_leaves_the_checkout_as_it_was() {
    for nth in 0..4 {
        let mut world = World::new().await;
        world.set("MAX_ATTEMPTS", "2");
        run_with(world, async |world, service| {
            let (path, before) = ready(service).await;
            let (what, call, body) = revisions(&before).swap_remove(nth);
            let fault = world.simulator.add_fault(Fault::on(call).rate_limit(20).always());
            let away = service.put(&format!("{path}/{what}"), &body).await.expect(503);
            assert_eq!(away.problem(), "upstream-unavailable", "{what}");
            assert!(world.simulator.reached(fault) > 0, "{what}");
            world.simulator.clear_faults();
            nothing_is_lost(service, &path, &before).await;
        })
        .await;
    }
}

#[tokio::test]
async fn coupons_and_items_that_are_refused_leave_the_checkout_as_it_was() {
    run(async |world, service| {
        let (path, before) = ready(service).await;
        let item = before["cart"]["line_items"]["custom_items"][0]["id"].as_str().expect("an id").to_owned();
        let coupon = json!({"coupon_code": "NONSENSE"});
        service.post(&format!("{path}/coupons"), &coupon).await.expect(422);
        let missing = json!({"line_items": [{"product_id": 999_999, "quantity": 1}]});
        service.post(&format!("{path}/items"), &missing).await.expect(422);
        for call in ["update-cart-item", "delete-cart-item"] {
            world.simulator.add_fault(Fault::on(call).status_before(422));
        }
        let more = json!({"line_item": {"quantity": 4, "name": "Custom Product", "list_price": 10}});
        service.put(&format!("{path}/items/{item}"), &more).await.expect(422);
        service.delete(&format!("{path}/items/{item}")).await.expect(422);
        nothing_is_lost(service, &path, &before).await;
    })
    .await;
}

#[tokio::test]
async fn a_revision_inside_of_complete_that_is_refused_costs_nothing_either() {
    run(async |world, service| {
        let (path, before) = ready(service).await;
        let fault = world.simulator.add_fault(Fault::on("update-consignment").status_before(422));
        let body = agreed(json!({"consignments": [{"address": elsewhere()}], "payment": good_card()}));
        service.post(&format!("{path}/complete"), &body).await.expect(422);
        assert_eq!(world.simulator.reached(fault), 1);
        nothing_is_lost(service, &path, &before).await;
    })
    .await;
}

#[tokio::test]
async fn an_address_is_corrected_in_place() {
    run(async |world, service| {
        let (path, before) = ready(service).await;
        let moved = service.put(&format!("{path}/consignments"), &json!([{"address": elsewhere()}])).await;
        let moved = moved.expect(200).body;
        assert_eq!(moved["consignments"][0]["id"], before["consignments"][0]["id"]);
        assert_eq!(moved["consignments"][0]["address"]["city"], "Dallas");
        let calls = |name: &str| world.simulator.requests().iter().filter(|one| one.call == name).count();
        assert_eq!((calls("delete-consignment"), calls("add-consignments")), (0, 1));
    })
    .await;
}

/// Two lines for one address, then for two.
async fn split(service: &Service) -> (String, Value, Value) {
    let mut body = everything();
    body["line_items"] = json!([{"product_id": 120, "quantity": 1}]);
    let created = service.post("/v1/checkouts", &body).await.expect(201).body;
    let lines = &created["cart"]["line_items"];
    let (custom, physical) = (&lines["custom_items"][0]["id"], &lines["physical_items"][0]["id"]);
    let two = json!([
        {"address": address(), "line_items": [{"item_id": custom, "quantity": 1}]},
        {"address": elsewhere(), "line_items": [{"item_id": physical, "quantity": 1}]},
    ]);
    (format!("/v1/checkouts/{}", created["id"].as_str().expect("an id")), created, two)
}

#[tokio::test]
async fn consignments_that_cannot_be_corrected_in_place_are_made_anew() {
    run(async |world, service| {
        let (path, _, two) = split(service).await;
        let split = service.put(&format!("{path}/consignments"), &two).await.expect(200).body;
        assert_eq!(split["consignments"].as_array().map(Vec::len), Some(2));
        assert_eq!(split["next_step"], "order");
        world.drove(&["delete-consignment", "add-consignments"]);
    })
    .await;
}

#[tokio::test]
async fn consignments_that_are_refused_after_the_old_ones_went_are_put_back() {
    run(async |world, service| {
        let (path, before, two) = split(service).await;
        // Counted since the fault was added: the first one adds the new consignments, the second one the old ones.
        let fault = world.simulator.add_fault(Fault::on("add-consignments").status_before(422));
        service.put(&format!("{path}/consignments"), &two).await.expect(422);
        assert_eq!(world.simulator.reached(fault), 1);
        let after = service.get(&path).await.expect(200).body;
        assert_eq!(after["consignments"].as_array().map(Vec::len), Some(1));
        assert_eq!(after["consignments"][0]["address"]["city"], before["consignments"][0]["address"]["city"]);
        assert_eq!(after["next_step"], "shipping-options", "they have to be chosen again");
        let pay = agreed(json!({"payment": good_card()}));
        let paid: Answer = service.post(&format!("{path}/complete"), &pay).await;
        assert_eq!(paid.expect(200).body["status"], "completed");
    })
    .await;
}

/// Every form in which BigCommerce may say that there is nothing, and ids of orders as text.
#[tokio::test]
async fn whatever_stands_for_nothing_a_checkout_goes_its_way() {
    use bigcommerce_simulator::NothingAs;
    for nothing_as in [NothingAs::Null, NothingAs::Absent, NothingAs::Object, NothingAs::Texts] {
        let world = World::new().await;
        world.simulator.set(|settings| {
            settings.nothing_as = nothing_as;
            settings.order_ids_as_text = true;
        });
        run_with(world, async |world, service| {
            let mut cart = custom_cart();
            cart["customer_message"] = json!("Ring twice");
            let created = service.post("/v1/checkouts", &cart).await.expect(201);
            let path = format!("/v1/checkouts/{}", created.id());
            assert_eq!(created.body["billing_address"], Value::Null, "{nothing_as:?}");
            assert_eq!(created.body["next_step"], "billing-address", "{nothing_as:?}");
            service.put(&format!("{path}/billing-address"), &address()).await.expect(200);
            world.drove(&["add-billing-address"]);
            let rest =
                agreed(json!({"consignments": [{"address": address()}], "shipping_preference": "cheapest",
                "payment": good_card()}));
            let paid = service.post(&format!("{path}/complete"), &rest).await.expect(200).body;
            assert_eq!(paid["status"], "completed", "{nothing_as:?}");
            service.get(&format!("{path}/order")).await.expect(200);
        })
        .await;
    }
}

/// A correction of a field that BigCommerce does not rewrite is not taken for there when it was lost on the way.
#[tokio::test]
async fn a_correction_that_was_lost_is_sent_again() {
    run(async |world, service| {
        let (path, _) = ready(service).await;
        let fault = world.simulator.add_fault(Fault::on("update-billing-address").hang_before());
        let mut corrected = address();
        corrected["phone"] = json!("5550100");
        let answered = service.put(&format!("{path}/billing-address"), &corrected).await.expect(200).body;
        assert_eq!(world.simulator.reached(fault), 1);
        assert_eq!(answered["billing_address"]["phone"], "5550100");
    })
    .await;
}
