//! The third dimension for processes: all ways at once in one process, each held at another of its calls, before or after
//! BigCommerce does it. Then that process is killed, and another one goes on with all of them.

use bigcommerce_simulator::{Effect, Fault};

use super::derived::{Column, check, columns, open_questions};
use super::shops::{self, Shop, play, play_all};
use super::ways::Walk;
use crate::harness::PATIENCE;

#[derive(Debug, Clone, Copy)]
struct Cell {
    column: Column,
    nth: u64,
    effect: Effect,
}

impl Cell {
    fn name(self) -> String {
        let fault = if self.effect == Effect::Before { "CrashBeforeSending" } else { "CrashBeforeAnswer" };
        format!("{:?}:{}:{}:{fault}", self.column.way, self.column.call, self.nth)
    }

    fn end(self) -> &'static str {
        match self.column.call {
            "process-payment" if self.effect == Effect::Before => "stuck:payment-unknown",
            "refund" if self.effect == Effect::Before => "stuck:undo-failed",
            _ => self.column.way.end(),
        }
    }
}

async fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for column in columns().await {
        for nth in 1..=column.times {
            // A read that was answered is a read that was not: nothing came of it.
            let effects = if column.reads { &[Effect::Before][..] } else { &[Effect::Before, Effect::After] };
            cells.extend(effects.iter().map(|effect| Cell { column, nth, effect: *effect }));
        }
    }
    let wanted = super::wanted();
    cells.retain(|cell| wanted.as_ref().is_none_or(|wanted| cell.name().contains(wanted)));
    cells
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_is_killed_at_every_call_that_is_made() {
    let cells = cells().await;
    let mut world = shops::world(cells.len().max(1), open_questions).await;
    // What is held first has to be held until the last one is.
    for name in ["UPSTREAM_TIMEOUT_SECONDS", "PAYMENT_TIMEOUT_SECONDS"] {
        world.set(name, "60");
    }
    world.set("LEASE_SECONDS", "130");
    let service = world.spawn().await;
    let (world_ref, service_ref) = (&world, &service);
    let paths = std::sync::Mutex::new(vec![String::new(); cells.len()]);
    let held = std::sync::Mutex::new(Vec::new());
    let (paths_ref, held_ref) = (&paths, &held);
    let failed = play(&cells, |number, cell| async move {
        let shop = Shop::new(world_ref, service_ref, number);
        let mut walk = Walk::begin(world_ref, cell.column.way, shop).await;
        let fault = Fault::on(cell.column.call).nth(cell.nth);
        let fault = if cell.effect == Effect::Before { fault.hold_before() } else { fault.hold_after() };
        let fault = walk.shop.add_fault(fault);
        paths_ref.lock().expect("nobody panicked with it")[number].clone_from(&walk.path);
        held_ref.lock().expect("nobody panicked with it").push(fault);
        let reached = async {
            tokio::select! {
                end = walk.go_on(world_ref) => Err(end),
                () = world_ref.simulator.wait_reached(fault, 1) => Ok(()),
            }
        };
        let reached =
            tokio::time::timeout(PATIENCE, reached).await.unwrap_or_else(|_| Err("in time".to_owned()));
        reached.map_err(|end| format!("{} was not reached: {end}", cell.name()))
    })
    .await;
    assert!(failed.is_empty(), "{failed:#?}");
    service.kill().await;
    // What is let go of afterwards has no effect.
    for fault in held.into_inner().expect("nobody panicked with it") {
        let gone = world.simulator.wait_abandoned(fault, 1);
        tokio::time::timeout(PATIENCE, gone).await.expect("the killed process has gone");
    }
    world.simulator.clear_faults();
    // Nothing hangs any more: only a busy machine could be slower than this.
    for (name, value) in
        [("UPSTREAM_TIMEOUT_SECONDS", "4"), ("PAYMENT_TIMEOUT_SECONDS", "4"), ("LEASE_SECONDS", "12")]
    {
        world.set(name, value);
    }
    sqlx::query("update checkout set due_at = now() where leased_by is not null")
        .execute(&world.database.pool)
        .await
        .expect("leases expire");
    let service = world.start().await;
    let (world_ref, service_ref, paths) =
        (&world, &service, paths.into_inner().expect("nobody panicked with it"));
    let paths_ref = &paths;
    play_all(&cells, |number, cell| async move {
        let shop = Shop::new(world_ref, service_ref, number);
        let mut walk = Walk { way: cell.column.way, shop, path: paths_ref[number].clone() };
        walk.shop.is_anew();
        let end = walk.go_on(world_ref).await;
        if end != cell.end() {
            let why = walk.why().await;
            return Err(format!("{}: {end} instead of {}: {why}", cell.name(), cell.end()));
        }
        check(&walk.shop, &end).map_err(|wrong| format!("{}: {wrong}", cell.name()))
    })
    .await;
    service.stop().await;
    world.finish().await;
}
