//! The third dimension for processes: all ways at once in one process, each at another of its calls. Then that process is killed or
//! stopped, and another one goes on with all of them.

use bigcommerce_simulator::{Effect, Fault as Upstream, FaultId, Kind, PartialPayment};
use nix::sys::signal::Signal;
use serde_json::Value;

use super::Fault;
use super::crash::{block_commits, commits_are_blocked, expire_leases, unblock};
use super::derived::{Column, PARTIAL, check, columns, named, open_questions};
use super::shops::{self, Shop, play, play_all};
use super::ways::{Walk, Way};
use crate::harness::{PATIENCE, Service, World};

/// The faults of processes: killed while a call is with BigCommerce or before the storefront hears, killed while something is
/// written, and stopped. Each line is played in one process.
pub(super) const PLAYED: [&[Fault]; 3] = [
    &[Fault::CrashBeforeSending, Fault::CrashBeforeAnswer, Fault::CrashBeforeClientHears],
    &[Fault::CrashBeforeIntent, Fault::CrashBeforeOutcome],
    &[Fault::SlowerThanLease, Fault::LateAnswer],
];

/// Where a way is when its process is struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// The nth request of this call is with BigCommerce.
    Call(&'static str, u64),
    /// The nth request of the storefront.
    Request(u64),
}

#[derive(Debug, Clone, Copy)]
struct Cell {
    way: Way,
    at: At,
    fault: Fault,
    partial: PartialPayment,
}

impl Cell {
    fn name(self) -> String {
        let at = match self.at {
            At::Call(call, nth) => format!("{call}:{nth}"),
            At::Request(nth) => format!("request:{nth}"),
        };
        named(&format!("{:?}:{at}:{:?}", self.way, self.fault), self.partial)
    }

    fn end(self) -> &'static str {
        match (self.at, self.fault) {
            (At::Call("process-payment", _), Fault::CrashBeforeSending) => "stuck:payment-unknown",
            // Nothing shows of it for longer than it could take: it is not sent again.
            (At::Call("refund", _), Fault::CrashBeforeSending | Fault::SlowerThanLease) => {
                "stuck:undo-failed"
            }
            _ => self.way.end(),
        }
    }

    /// The call that is held, and whether it is done by then.
    fn held(self) -> Option<Upstream> {
        let At::Call(call, nth) = self.at else { return None };
        let on = |call| Upstream::on(call).nth(nth);
        Some(match self.fault {
            // The next thing that is written is what will be sent: what is held is the read just before it.
            Fault::CrashBeforeIntent if call == "refund" => on("refund-quote").hold_after(),
            Fault::CrashBeforeIntent => on("create-access-token").hold_after(),
            Fault::CrashBeforeSending => on(call).hold_before(),
            Fault::SlowerThanLease => on(call).deliver_late(),
            _ => on(call).hold_after(),
        })
    }

    /// Whether a payment arrives late: its token is good for longer than the successor takes to look.
    fn is_late_payment(self) -> bool {
        self.fault == Fault::SlowerThanLease && matches!(self.at, At::Call("process-payment", _))
    }
}

/// How many requests a storefront makes of a way in parts.
fn requests(way: Way) -> u64 {
    match way {
        Way::PartsOneByOne => 3,
        Way::PartsInOneCall | Way::CancelsParts => 1,
        _ => 0,
    }
}

/// The faults of these, on every call and every request that they can be played on.
async fn cells(faults: &[Fault], partial: PartialPayment) -> Vec<Cell> {
    let mut cells = Vec::new();
    for &Column { way, call, reads, times } in columns(partial).await {
        for nth in 1..=times {
            for &fault in faults {
                let money = matches!(call, "process-payment" | "refund");
                let is_played = match fault {
                    Fault::CrashBeforeSending => partial == PARTIAL[0] || !reads,
                    // A read that was answered is a read that was not: nothing came of it.
                    Fault::CrashBeforeAnswer => !reads,
                    Fault::CrashBeforeIntent => money && way.is_in_parts(),
                    Fault::CrashBeforeOutcome | Fault::SlowerThanLease | Fault::LateAnswer => {
                        !reads && way.is_in_parts()
                    }
                    _ => false,
                };
                if is_played {
                    cells.push(Cell { way, at: At::Call(call, nth), fault, partial });
                }
            }
        }
    }
    for way in super::ways::WAYS {
        for nth in 1..=requests(way) {
            let of_requests =
                |fault: &&Fault| matches!(fault, Fault::CrashBeforeIntent | Fault::CrashBeforeClientHears);
            let faults = faults.iter().filter(of_requests);
            cells.extend(faults.map(|fault| Cell { way, at: At::Request(nth), fault: *fault, partial }));
        }
    }
    let wanted = super::wanted();
    cells.retain(|cell| wanted.as_ref().is_none_or(|wanted| cell.name().contains(wanted)));
    cells
}

/// A way that is where it is struck.
#[derive(Debug, Clone, Default)]
struct There {
    path: String,
    fault: Option<FaultId>,
    /// What the storefront saw before the request.
    seen: Value,
    /// How many requests it had sent by then.
    sent: usize,
    /// How many calls BigCommerce had of the store before faults are played.
    earlier: usize,
}

/// A world whose calls can be held until the last of them is.
async fn world(cells: &[Cell], partial: PartialPayment) -> World {
    let mut world = shops::world(cells.len().max(1), open_questions(partial)).await;
    for name in ["UPSTREAM_TIMEOUT_SECONDS", "PAYMENT_TIMEOUT_SECONDS"] {
        world.set(name, "60");
    }
    world.set("LEASE_SECONDS", "130");
    // What waits for a lock, waits on a connection of its own.
    let connections = cells.len().min(60) + 10;
    world.set("DATABASE_MAX_CONNECTIONS", &connections.to_string());
    world
}

/// All of them, each where it is struck.
async fn reach(world: &World, service: &Service, cells: &[Cell]) -> Vec<There> {
    let there = std::sync::Mutex::new(vec![There::default(); cells.len()]);
    let there_ref = &there;
    let failed = play(cells, |number, cell| async move {
        let mut walk = Walk::begin(world, cell.way, Shop::new(world, service, number)).await;
        let fault = cell.held().map(|fault| walk.shop.add_fault(fault));
        let earlier = walk.shop.requests().len();
        let mut now = There { path: walk.path.clone(), fault, earlier, ..There::default() };
        let reached = async {
            match (fault, cell.at) {
                (Some(fault), _) => tokio::select! {
                    end = walk.go_on(world) => Err(end),
                    () = world.simulator.wait_reached(fault, 1) => Ok(()),
                },
                (None, At::Request(nth)) => {
                    now.seen = walk.before(nth).await;
                    now.sent = walk.shop.sent_so_far();
                    if cell.fault == Fault::CrashBeforeClientHears {
                        walk.shop.hurry();
                        walk.request(&now.seen, nth).await;
                        walk.shop.settled(&walk.path).await;
                    }
                    Ok(())
                }
                (None, at) => Err(format!("{at:?} is not held")),
            }
        };
        let reached =
            tokio::time::timeout(PATIENCE, reached).await.unwrap_or_else(|_| Err("in time".to_owned()));
        there_ref.lock().expect("nobody panicked with it")[number] = now;
        reached.map_err(|end| format!("{} was not reached: {end}", cell.name()))
    })
    .await;
    assert!(failed.is_empty(), "{failed:#?}");
    there.into_inner().expect("nobody panicked with it")
}

/// Another process takes over at once. Nothing hangs any more for it: only a busy machine could be slower than its waits.
async fn successor(world: &mut World) -> Service {
    for (name, value) in
        [("UPSTREAM_TIMEOUT_SECONDS", "4"), ("PAYMENT_TIMEOUT_SECONDS", "4"), ("LEASE_SECONDS", "12")]
    {
        world.set(name, value);
    }
    expire_leases(world).await;
    world.start().await
}

async fn kill(world: &World, service: Service, there: &[There]) {
    service.kill().await;
    // What is let go of afterwards has no effect.
    for fault in there.iter().filter_map(|there| there.fault) {
        let gone = world.simulator.wait_abandoned(fault, 1);
        tokio::time::timeout(PATIENCE, gone).await.expect("the killed process has gone");
    }
    world.simulator.clear_faults();
}

fn good(cell: Cell, end: &str, why: &str, shop: &Shop<'_>) -> Result<(), String> {
    if end != cell.end() {
        return Err(format!("{}: {end} instead of {}: {why}", cell.name(), cell.end()));
    }
    check(shop, end).map_err(|wrong| format!("{}: {wrong}", cell.name()))
}

/// Each goes on to its end, and ends well.
async fn go_on(world: &World, service: &Service, cells: &[Cell], there: &[There]) {
    play_all(cells, |number, cell| async move {
        let there = &there[number];
        let mut walk = Walk::of(cell.way, Shop::new(world, service, number), there.path.clone());
        if let (At::Request(nth), Fault::CrashBeforeClientHears) = (cell.at, cell.fault) {
            unheard(cell, &mut walk, there, nth).await?;
        }
        walk.shop.is_anew();
        let end = walk.go_on(world).await;
        good(cell, &end, &walk.why().await, &walk.shop)
    })
    .await;
}

/// The request of which nothing was heard is sent again: it is answered, and nothing is done again.
async fn unheard(cell: Cell, walk: &mut Walk<'_>, there: &There, nth: u64) -> Result<(), String> {
    let before = walk.shop.written();
    walk.shop.sends_again(there.sent);
    let heard = walk.request(&there.seen, nth).await;
    let after = walk.shop.written();
    let answered = heard.contains(" 200 ") || heard.contains("checkout-closed");
    if !answered || before != after || before == 0 {
        return Err(format!("{}: {heard}, and {before} writes became {after}", cell.name()));
    }
    Ok(())
}

/// Killed while a call is with BigCommerce, or before the storefront hears of what was done.
async fn killed(partial: PartialPayment) {
    let cells = cells(PLAYED[0], partial).await;
    let mut world = world(&cells, partial).await;
    let service = world.spawn().await;
    let there = reach(&world, &service, &cells).await;
    kill(&world, service, &there).await;
    let service = successor(&mut world).await;
    go_on(&world, &service, &cells, &there).await;
    service.stop().await;
    world.finish().await;
}

/// Killed while it writes: what it was about to send, or what it was answered.
async fn killed_while_it_writes(partial: PartialPayment) {
    let cells = cells(PLAYED[1], partial).await;
    if cells.is_empty() {
        return;
    }
    let mut world = world(&cells, partial).await;
    let service = world.spawn().await;
    let there = reach(&world, &service, &cells).await;
    let blocker = block_commits(&world).await;
    let (world_ref, service_ref) = (&world, &service);
    for fault in there.iter().filter_map(|there| there.fault) {
        world.simulator.release(fault);
    }
    let sends = cells.iter().zip(&there).enumerate().filter_map(|(number, (cell, there))| {
        let At::Request(nth) = cell.at else { return None };
        Some(async move {
            let shop = Shop::new(world_ref, service_ref, number);
            let mut walk = Walk::of(cell.way, shop, there.path.clone());
            walk.shop.sends_again(there.sent);
            format!("{}: {}", cell.name(), walk.request(&there.seen, nth).await)
        })
    });
    // Each of them waits for a write of its own: none is left out.
    let answered = async {
        let answered = futures::future::join_all(sends).await;
        assert!(answered.is_empty(), "answered: {answered:?}");
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = answered => {}
        () = commits_are_blocked(&world, cells.len()) => {}
    }
    service.kill().await;
    unblock(&world, blocker).await;
    world.simulator.clear_faults();
    for (number, (cell, there)) in cells.iter().zip(&there).enumerate() {
        let At::Call(call, nth) = cell.at else { continue };
        let requests = shops::requests_of(&world, &shops::name(number));
        let sent = requests.iter().skip(there.earlier).filter(|request| request.call == call).count();
        let by_then = if cell.fault == Fault::CrashBeforeIntent { nth - 1 } else { nth };
        assert_eq!(u64::try_from(sent).ok(), Some(by_then), "{}", cell.name());
    }
    let service = successor(&mut world).await;
    go_on(&world, &service, &cells, &there).await;
    service.stop().await;
    world.finish().await;
}

/// Stopped while a call is with BigCommerce. Another process goes on, and the first one wakes up when all have ended.
async fn stopped(partial: PartialPayment) {
    let cells = cells(PLAYED[2], partial).await;
    if cells.is_empty() {
        return;
    }
    let mut world = world(&cells, partial).await;
    // An access token outlives a lease.
    world.simulator.set(|settings| settings.token_ttl_seconds = 60);
    let first = world.spawn().await;
    let there = reach(&world, &first, &cells).await;
    first.signal(Signal::SIGSTOP);
    // The next look at the order is the successor's.
    let looks: Vec<(FaultId, FaultId)> = cells
        .iter()
        .zip(&there)
        .enumerate()
        .filter(|(_, (cell, _))| cell.is_late_payment())
        .filter_map(|(number, (_, there))| {
            let look = Upstream::on("get-order").kind(Kind::Slow { ms: 1, effect: Effect::Before });
            Some((world.simulator.add_fault(look.store(&shops::name(number))), there.fault?))
        })
        .collect();
    let second = successor(&mut world).await;
    for (look, payment) in looks {
        // It has looked, and cannot end by looking: the money is still on its way.
        world.meets(look, 1).await;
        world.simulator.release(payment);
    }
    let (world_ref, second_ref, there_ref) = (&world, &second, &there);
    let ends = std::sync::Mutex::new(vec![(String::new(), String::new()); cells.len()]);
    let ends_ref = &ends;
    let failed = play(&cells, |number, cell| async move {
        let path = there_ref[number].path.clone();
        let mut walk = Walk::of(cell.way, Shop::new(world_ref, second_ref, number), path);
        walk.shop.is_anew();
        let end = walk.go_on(world_ref).await;
        ends_ref.lock().expect("nobody panicked with it")[number] = (end, walk.why().await);
        Ok(())
    })
    .await;
    assert!(failed.is_empty(), "{failed:#?}");
    for there in &there {
        world.simulator.release(there.fault.expect("it is held"));
    }
    world.simulator.clear_faults();
    first.signal(Signal::SIGCONT);
    first.stop().await;
    let ends = ends.into_inner().expect("nobody panicked with it");
    let (world_ref, second_ref, ends_ref) = (&world, &second, &ends);
    play_all(&cells, |number, cell| async move {
        let shop = Shop::new(world_ref, second_ref, number);
        let (end, why) = &ends_ref[number];
        let now = shop.ended(&there_ref[number].path).await;
        if !end.starts_with(now["status"].as_str().unwrap_or("nowhere")) {
            return Err(format!("{}: {end}, and afterwards {}", cell.name(), now["status"]));
        }
        good(cell, end, why, &shop)
    })
    .await;
    second.stop().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_is_killed_at_every_call_that_is_made() {
    killed(PartialPayment::Incomplete).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_is_killed_at_every_call_for_an_order_that_is_pending_when_paid_in_part() {
    killed(PartialPayment::PendingPayable).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_is_killed_while_it_writes_what_it_does_to_parts() {
    killed_while_it_writes(PartialPayment::Incomplete).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_is_killed_while_it_writes_for_an_order_that_is_pending_when_paid_in_part() {
    killed_while_it_writes(PartialPayment::PendingPayable).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_is_stopped_at_every_call_for_parts() {
    stopped(PartialPayment::Incomplete).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_is_stopped_at_every_call_for_an_order_that_is_pending_when_paid_in_part() {
    stopped(PartialPayment::PendingPayable).await;
}
