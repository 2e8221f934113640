//! Parts that somebody else took or gave back, in the control panel say, while the rest is still to be paid here.

use bigcommerce_simulator::{Deed, Hosted, PartialPayment};
use serde_json::Value;

use super::{amounts, money, paid_in_part, settings};
use crate::harness::{Service, World, agreed, good_card, run_with};

fn pair(paid: &str, due: &str) -> (String, String) {
    (paid.to_owned(), due.to_owned())
}

/// A world in which checkouts at rest are looked at after so long.
async fn looking(after: &str) -> World {
    let mut world = World::with(settings(PartialPayment::PendingPayable)).await;
    world.set("RECONCILE_SECONDS", after);
    world
}

fn only_order(world: &World) -> u64 {
    world.simulator.ledger().orders[0].id
}

async fn pays_the_rest(service: &Service, path: &str, rest: &str) -> Value {
    let mut card = good_card();
    card["agreed_total"] = serde_json::from_str(rest).expect("an amount");
    let paid = service.post(&format!("{path}/payment"), &card).await.expect(200);
    assert_eq!(paid.body["status"], "completed", "{}", paid.text);
    assert_eq!(amounts(&paid.body), pair("10.83", "0"), "{}", paid.text);
    paid.body
}

/// Found by the payment of the rest, or by a look before it: the rest is what is due then.
#[tokio::test]
async fn a_further_part_that_was_paid_elsewhere_makes_the_rest_less() {
    for looked_at in [false, true] {
        let world = looking(if looked_at { "0.2" } else { "0" }).await;
        run_with(world, async |world, service| {
            let path = paid_in_part(service).await;
            // Half of the 5.83 that are due.
            assert!(world.simulator.take_payment(only_order(world), Hosted::Part));
            if looked_at {
                let shown = |now: &Value| amounts(now) == pair("7.92", "2.91");
                let rests = service.wait_until(&path, "paid in part", shown).await;
                assert_eq!(rests["payment"]["payments"].as_array().map(Vec::len), Some(2), "{rests}");
            }
            let done = pays_the_rest(service, &path, "2.91").await;
            let told: Vec<String> = done["payment"]["payments"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|one| one["amount"].to_string())
                .collect();
            assert_eq!(told, ["5", "2.92", "2.91"], "{done}");
            assert!(money(world).is_whole());
        })
        .await;
    }
}

#[tokio::test]
async fn a_rest_that_was_paid_elsewhere_completes_the_checkout() {
    for looked_at in [false, true] {
        let world = looking(if looked_at { "0.2" } else { "0" }).await;
        run_with(world, async |world, service| {
            let path = paid_in_part(service).await;
            assert!(world.simulator.take_payment(only_order(world), Hosted::Paid));
            if !looked_at {
                service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
            }
            let done = service.wait_until(&path, "completed", |now| now["status"] == "completed").await;
            assert_eq!(amounts(&done), pair("10.83", "0"), "{done}");
            let sent = world.simulator.requests().iter().filter(|one| one.call == "process-payment").count();
            assert_eq!(sent, 1, "the certificate, and no card");
            assert!(money(world).is_whole());
        })
        .await;
    }
}

/// It is called refunded in part, and less than its total is listed: whether another payment is missing in the list, nobody can
/// tell. It is for a person, at once and not "later" forever.
#[tokio::test]
async fn a_part_of_which_some_was_given_back_is_for_a_person() {
    run_with(looking("0").await, async |world, service| {
        let path = paid_in_part(service).await;
        assert!(world.simulator.does_to_order("teststore", only_order(world), Deed::RefundPart));
        let refused = service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(409);
        assert_eq!(refused.problem(), "checkout-stuck", "{}", refused.text);
        let stuck = service.get(&path).await.body;
        assert_eq!(stuck["stuck"]["reason"], "order-not-payable", "{stuck}");
        assert_eq!(world.simulator.ledger().charges.len(), 1, "the certificate, and no card");
    })
    .await;
}
