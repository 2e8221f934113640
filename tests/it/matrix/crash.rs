//! Cells in which a real process is killed (`kill -9`) or stopped while another takes over.

use bigcommerce_simulator::{Fault as Upstream, FaultId};
use nix::sys::signal::Signal;
use sqlx::{Connection as _, PgConnection};

use super::cells::{ends_well, spoil_first_attempt};
use super::shopper::{Shopper, world};
use super::{Cell, Fault};
use crate::harness::{PATIENCE, Service, World};

/// Runs one.
pub(super) async fn crash(cell: Cell) {
    let world = world().await;
    let service = world.spawn().await;
    let mut shopper = Shopper::new(None, cell.cancels());
    let request = Shopper::request_of(cell.call);
    for earlier in shopper.requests().iter().take_while(|earlier| **earlier != request) {
        shopper.insist(&service, earlier).await;
    }
    if !matches!(cell.fault, Fault::CrashBeforeIntent | Fault::CrashBeforeClientHears) {
        spoil_first_attempt(&world, cell);
    }
    let service = match cell.fault {
        Fault::CrashBeforeIntent => before_intent(&world, service, &shopper, request).await,
        Fault::CrashBeforeClientHears => unheard(&world, service, &mut shopper, request).await,
        Fault::CrashBeforeSending => {
            let fault = world.simulator.add_fault(Upstream::on(cell.call).nth(cell.attempt).hold_before());
            in_flight(&world, service, &shopper, request, fault).await
        }
        Fault::CrashBeforeAnswer => {
            let fault = world.simulator.add_fault(Upstream::on(cell.call).nth(cell.attempt).hold_after());
            in_flight(&world, service, &shopper, request, fault).await
        }
        Fault::CrashBeforeOutcome => {
            let fault = world.simulator.add_fault(Upstream::on(cell.call).nth(cell.attempt).hold_after());
            before_outcome(&world, service, &shopper, request, fault).await
        }
        Fault::LateAnswer => {
            let fault = world.simulator.add_fault(Upstream::on(cell.call).nth(cell.attempt).hold_after());
            overtaken(&world, service, &mut shopper, request, fault, false).await
        }
        Fault::SlowerThanLease => {
            let takes_money = cell.call == "process-payment";
            if takes_money {
                // An access token outlives a lease.
                world.simulator.set(|settings| settings.token_ttl_seconds = 60);
            }
            let fault = world.simulator.add_fault(Upstream::on(cell.call).nth(cell.attempt).deliver_late());
            overtaken(&world, service, &mut shopper, request, fault, takes_money).await
        }
        other => panic!("{other:?} is no crash"),
    };
    shopper.go_on(&service, request).await;
    ends_well(&world, &service, &shopper, cell).await;
    service.stop().await;
    world.finish().await;
}

/// Leases of dead processes run out now, rather than in some seconds.
pub(super) async fn expire_leases(world: &World) {
    sqlx::query("update checkout set due_at = now() where leased_by is not null")
        .execute(&world.database.pool)
        .await
        .expect("leases expire");
}

/// A connection that keeps every transition from being written, and what it is waited for by.
pub(super) async fn block_commits(world: &World) -> PgConnection {
    let mut blocker = PgConnection::connect(&world.database.url()).await.expect("a connection");
    sqlx::query("begin").execute(&mut blocker).await.expect("a transaction");
    sqlx::query("lock table attempt_log in share mode").execute(&mut blocker).await.expect("a lock");
    blocker
}

/// Waits until a write is blocked: the proof that the point was reached.
async fn commit_is_blocked(world: &World) {
    commits_are_blocked(world, 1).await;
}

/// Waits until so many writes are blocked. What the group committer waits for, it gives up: then each waits by itself.
pub(super) async fn commits_are_blocked(world: &World, wanted: usize) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let blocked: i64 = sqlx::query_scalar(
            "select count(*) from pg_locks join pg_stat_activity using (pid)
             where database = (select oid from pg_database where datname = current_database())
                 and relation = 'attempt_log'::regclass and not granted
                 and ($1 = 1 or application_name <> 'headless-checkout committer')",
        )
        .bind(i64::try_from(wanted).expect("a number"))
        .fetch_one(&world.database.pool)
        .await
        .expect("locks");
        if usize::try_from(blocked).is_ok_and(|blocked| blocked >= wanted) {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{blocked} of {wanted} commits were blocked");
        tokio::task::yield_now().await;
    }
}

/// Ends the blocked writes as the death of their client would have, and lets go of the table.
pub(super) async fn unblock(world: &World, blocker: PgConnection) {
    sqlx::query(
        "select pg_terminate_backend(pid) from pg_locks
         where database = (select oid from pg_database where datname = current_database()) and relation = 'attempt_log'::regclass and not granted",
    )
    .execute(&world.database.pool)
    .await
    .expect("the blocked writes end");
    blocker.close().await.expect("the lock is released");
}

async fn restart(world: &World) -> Service {
    expire_leases(world).await;
    world.start().await
}

async fn before_intent(world: &World, service: Service, shopper: &Shopper, request: &str) -> Service {
    let blocker = block_commits(world).await;
    let sent = world.simulator.requests().len();
    tokio::select! {
        answer = shopper.send(&service, request, "wait=30") => panic!("answered: {}", answer.text),
        () = commit_is_blocked(world) => {}
    }
    service.kill().await;
    unblock(world, blocker).await;
    assert_eq!(world.simulator.requests().len(), sent, "nothing is sent before the intent is committed");
    restart(world).await
}

async fn in_flight(
    world: &World,
    service: Service,
    shopper: &Shopper,
    request: &str,
    fault: FaultId,
) -> Service {
    reach(world, &service, shopper, request, fault).await;
    service.kill().await;
    // What is let go of afterwards has no effect.
    let gone = world.simulator.wait_abandoned(fault, 1);
    tokio::time::timeout(PATIENCE, gone).await.expect("the killed process has gone");
    world.simulator.clear_faults();
    restart(world).await
}

/// Sends until the fault holds the call; the sender hangs up.
async fn reach(world: &World, service: &Service, shopper: &Shopper, request: &str, fault: FaultId) {
    let insist = async {
        // A first attempt that was turned away may need another send.
        for _ in 0..10 {
            shopper.send(service, request, "wait=30").await;
        }
    };
    tokio::select! {
        () = insist => panic!("{request} never reached its fault"),
        () = world.simulator.wait_reached(fault, 1) => {}
    }
}

async fn before_outcome(
    world: &World,
    service: Service,
    shopper: &Shopper,
    request: &str,
    fault: FaultId,
) -> Service {
    reach(world, &service, shopper, request, fault).await;
    let blocker = block_commits(world).await;
    world.simulator.release(fault);
    commit_is_blocked(world).await;
    service.kill().await;
    unblock(world, blocker).await;
    world.simulator.clear_faults();
    restart(world).await
}

async fn unheard(world: &World, service: Service, shopper: &mut Shopper, request: &str) -> Service {
    if request == "create" {
        // Its id is only in the answer: the first send is heard by nobody, the second is the storefront's retry.
        shopper.send(&service, request, "wait=30").await;
    } else {
        let accepted = shopper.send(&service, request, "wait=0").await;
        assert!(matches!(accepted.status.as_u16(), 200 | 202), "{}", accepted.text);
        let path = shopper.path().to_owned();
        service
            .wait_until(&path, "done", |snapshot| {
                snapshot["status"] != "running" && snapshot["status"] != "compensating"
            })
            .await;
    }
    let before = written(world);
    service.kill().await;
    let service = restart(world).await;
    let replayed = shopper.insist(&service, request).await;
    assert!(replayed.status.is_success() || replayed.problem() == "checkout-closed", "{}", replayed.text);
    let repeatable = matches!(request, "billing-address" | "consignments" | "shipping-options");
    if !repeatable {
        assert_eq!(written(world), before, "what was done is not done again");
    }
    service
}

/// How often BigCommerce was asked to change something. A read of the paid order may still be on its way.
fn written(world: &World) -> usize {
    world.simulator.requests().iter().filter(|request| request.method != "GET").count()
}

/// Waits until the upstream was asked so many times in all.
async fn asked_since(world: &World, count: usize) {
    let asked = async {
        while world.simulator.requests().len() < count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.expect("the successor asks BigCommerce");
}

/// The process is stopped while its call is in flight, another one takes over and goes on to the end, and then the first
/// one wakes up with its late answer.
async fn overtaken(
    world: &World,
    service: Service,
    shopper: &mut Shopper,
    request: &str,
    fault: FaultId,
    before_the_end: bool,
) -> Service {
    reach(world, &service, shopper, request, fault).await;
    service.signal(Signal::SIGSTOP);
    let sent = world.simulator.requests().len();
    let second = restart(world).await;
    if before_the_end {
        // The successor has looked at least once, and cannot end by looking: the request is still on its way.
        asked_since(world, sent + 2).await;
        world.simulator.release(fault);
    }
    shopper.go_on(&second, request).await;
    world.simulator.release(fault);
    world.simulator.clear_faults();
    service.signal(Signal::SIGCONT);
    service.stop().await;
    second
}
