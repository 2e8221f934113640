//! A test from its start to its end. Whatever the test does, its service is stopped and the invariants are checked.

use std::panic::{AssertUnwindSafe, resume_unwind};

use futures::FutureExt as _;

use super::{Service, World};

/// Runs a test in a fresh world with one service in this process.
pub(crate) async fn run(test: impl AsyncFnOnce(&World, &Service)) {
    run_with(World::new().await, test).await;
}

/// Runs a test in this world with one service in this process. A test that panics fails with its own panic, after the service
/// was stopped; the invariants are not checked then.
pub(crate) async fn run_with(world: World, test: impl AsyncFnOnce(&World, &Service)) {
    let service = world.start().await;
    // Boxed, because some tests are large.
    let test = AssertUnwindSafe(Box::pin(test(&world, &service)));
    let panicked = test.catch_unwind().await.err();
    if let Some(panic) = panicked {
        // What it still holds back at the simulator would hold up the end.
        world.simulator.clear_faults();
        // Whatever else goes wrong now is printed, and is not why the test fails.
        let _ = AssertUnwindSafe(service.stop()).catch_unwind().await;
        let _ = AssertUnwindSafe(world.abandon("the test panicked")).catch_unwind().await;
        resume_unwind(panic);
    }
    service.stop().await;
    world.finish().await;
}
