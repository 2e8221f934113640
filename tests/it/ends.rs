//! The end of a test: nothing that a test does or forgets keeps the invariants from being checked.

use std::panic::AssertUnwindSafe;
use std::sync::Mutex;

use futures::FutureExt as _;
use tokio::net::TcpStream;

use crate::harness::{World, everything, run, run_with};

#[tokio::test]
async fn a_world_that_is_forgotten_fails_its_test() {
    let forgotten = async {
        let _world = World::new().await;
    };
    let panic = AssertUnwindSafe(forgotten).catch_unwind().await.expect_err("it panics");
    let said = panic.downcast_ref::<&str>().copied().expect("a text");
    assert!(said.contains("without `world.finish()`"), "{said}");
}

#[tokio::test]
async fn a_test_that_panics_fails_with_its_own_panic_after_its_service_was_stopped() {
    let url = Mutex::new(String::new());
    let panics = run(async |_, service| {
        service.url().clone_into(&mut url.lock().expect("nobody panicked with it"));
        panic!("the panic of the test");
    });
    let panic = AssertUnwindSafe(panics).catch_unwind().await.expect_err("it panics");
    assert_eq!(panic.downcast_ref::<&str>().copied(), Some("the panic of the test"));
    let address = url.into_inner().expect("nobody panicked with it").replace("http://", "");
    TcpStream::connect(address).await.expect_err("nobody listens any more");
}

#[tokio::test]
async fn a_test_that_breaks_an_invariant_fails() {
    let breaks = run_with(World::hasty().await, async |world, service| {
        service.create(&everything()).await;
        let sql = "update checkout set status = 'cancelled'";
        sqlx::query(sql).execute(&world.database.pool).await.expect("a change");
    });
    AssertUnwindSafe(breaks).catch_unwind().await.expect_err("its log tells of another status");
}
