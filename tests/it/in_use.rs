//! Redirect URLs work once: the same key is not worked on twice at a time, and a tab that is closed leaves nothing half-way.

use bigcommerce_simulator::{Fault, FaultId};
use serde_json::json;

use crate::harness::{World, custom_cart, run};

async fn until_reached(world: &World, fault: FaultId) {
    while world.simulator.reached(fault) == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_same_key_is_in_use_until_its_request_ends() {
    run(async |world, service| {
        let path = service.create(&custom_cart()).await;
        let (urls, nothing) = (format!("{path}/redirect-urls"), json!({}));
        let fault = world.simulator.add_fault(Fault::on("create-redirect-urls").hold_after());
        let (first, second) = tokio::join!(service.post_with(&urls, "same", &nothing), async {
            until_reached(world, fault).await;
            let second = service.post_with(&urls, "same", &nothing).await;
            // They are made while the checkout is held, so that no payment can begin meanwhile.
            let other = service.post_with(&urls, "another", &nothing).await.expect(409);
            assert_eq!(other.problem(), "step-in-progress");
            world.simulator.release(fault);
            second
        });
        assert_eq!(
            (second.status.as_u16(), second.problem()),
            (409, "idempotency-key-in-use"),
            "{}",
            second.text
        );
        assert_eq!(second.header("retry-after"), Some("1"));
        // It is free again, and makes URLs that nobody has seen.
        let again = service.post_with(&urls, "same", &nothing).await.expect(200);
        assert_ne!(again.body["checkout_url"], first.expect(200).body["checkout_url"]);
    })
    .await;
}

#[tokio::test]
async fn a_tab_that_is_closed_leaves_nothing_half_way() {
    run(async |world, service| {
        let path = service.create(&custom_cart()).await;
        let (urls, nothing) = (format!("{path}/redirect-urls"), json!({}));
        let fault = world.simulator.add_fault(Fault::on("create-redirect-urls").hold_after());
        tokio::select! {
            answer = service.post_with(&urls, "closed", &nothing) => panic!("it was held: {}", answer.text),
            () = until_reached(world, fault) => {}
        }
        for _ in 0..5 {
            let answer = service.post_with(&urls, "closed", &nothing).await;
            assert_eq!(answer.problem(), "idempotency-key-in-use", "{}", answer.text);
        }
        world.simulator.release(fault);
        loop {
            let answer = service.post_with(&urls, "closed", &nothing).await;
            if answer.status == 200 {
                break;
            }
            assert_eq!(answer.problem(), "idempotency-key-in-use", "{}", answer.text);
        }
        let page = service.get("/metrics").await.text;
        let abandoned: Vec<&str> = page
            .lines()
            .filter(|line| line.starts_with("headless_checkout_upstream_abandoned_total"))
            .collect();
        assert!(abandoned.iter().all(|line| line.ends_with(" 0")), "{abandoned:?}");
    })
    .await;
}
