//! One batch: drive under faults, heal, let everybody come back, check, measure, forget.

use std::sync::Arc;
use std::time::Duration;

use bigcommerce_simulator::FaultId;
use futures::StreamExt as _;
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::Chaos;
use crate::dice::Dice;
use crate::door::Heard;
use crate::faults::moves_money;
use crate::figures::Figures;
use crate::harness::invariants;
use crate::plan::Plan;
use crate::record::Record;
use crate::shopper::Shopper;
use crate::told::Money;
use crate::verify::{Evidence, Violation};
use crate::{timeline, upheaval};

/// Everything is at rest this soon after the faults have ended: a token and a pending payment run out, leases run out.
const REST: Duration = Duration::from_mins(1);
/// So many violations are shown with their timelines.
const SHOWN: usize = 12;
/// No line of a log may hold these: a card (others are found by their form), the keys and the tokens of the runs.
const SECRETS: [&str; 5] = [
    "4111111111111111",
    "bigcommerce-token-of-the-tests",
    "storefront-key-of-the-tests",
    "operator-token-of-the-tests",
    "eyJ",
];

/// Runs all batches.
pub(crate) async fn all(chaos: &Arc<Chaos>) -> Figures {
    let mut figures = Figures::default();
    let last = chaos.options.first + chaos.options.runs;
    let mut from = chaos.options.first;
    while from < last {
        let to = last.min(from + chaos.options.batch.max(1));
        let violations = one(chaos, from, to, &mut figures).await;
        figures.violations += violations.len() as u64;
        println!(
            "runs {from} to {}: {} violations; {:?} stuck {:?}; driven {:.1} s, healed {:.1} s",
            to - 1,
            violations.len(),
            figures.statuses,
            figures.stuck,
            figures.driving.as_secs_f64(),
            figures.healing.as_secs_f64(),
        );
        from = to;
    }
    figures
}

async fn one(chaos: &Arc<Chaos>, from: u64, to: u64, figures: &mut Figures) -> Vec<Violation> {
    chaos.replicas.ensure(&chaos.doors).await;
    let began = Instant::now();
    let mut shoppers = drive(chaos, from, to, figures).await;
    figures.driving += began.elapsed();

    let began = Instant::now();
    for shopper in &mut shoppers {
        for (cell, fault) in &shopper.record.faults {
            *figures.reached.entry(cell.clone()).or_default() += chaos.world.simulator.reached(*fault);
        }
        let record = &mut shopper.record;
        let done = |&&(_, fault): &&(_, FaultId)| chaos.world.simulator.reached(fault) > 0;
        record.met.extend(record.others_at_work.iter().filter(done).map(|(deed, _)| *deed));
        for deed in &record.met {
            *figures.others.entry(format!("{deed:?}")).or_default() += 1;
        }
        if let Some(then) = record.handed_over {
            *figures.others.entry(format!("page:{then:?}")).or_default() += 1;
        }
    }
    chaos.world.simulator.clear_faults();
    chaos.tasks.close();
    chaos.tasks.wait().await;
    chaos.tasks.reopen();
    chaos.replicas.ensure(&chaos.doors).await;
    let mut hanging = rest(chaos).await;
    let records: Vec<Record> = futures::stream::iter(shoppers)
        .map(Shopper::come_back)
        .buffer_unordered(chaos.options.shoppers)
        .map(|shopper| shopper.record)
        .collect()
        .await;
    expire(chaos, &records).await;
    hanging.extend(rest(chaos).await);
    let mut violations = verify(chaos, &records, figures).await;
    violations.extend(hanging);
    show(chaos, &violations).await;
    figures.healing += began.elapsed();
    forget(chaos, to).await;
    violations
}

async fn drive(chaos: &Arc<Chaos>, from: u64, to: u64, figures: &mut Figures) -> Vec<Shopper> {
    let stop = CancellationToken::new();
    let rage = if chaos.options.calm {
        None
    } else {
        Some(chaos.tasks.spawn(upheaval::rage(Arc::clone(chaos), from, stop.clone())))
    };
    let shoppers = futures::stream::iter(from..to)
        .map(|run| {
            let plan = Plan::draw(
                chaos.options.seed,
                run,
                chaos.only.as_ref(),
                chaos.options.calm,
                chaos.options.others,
            );
            if chaos.options.trace {
                println!("  run {run}: {plan:?}");
            }
            Shopper::new(Arc::clone(chaos), plan).shop()
        })
        .buffer_unordered(chaos.options.shoppers)
        .collect()
        .await;
    stop.cancel();
    if let Some(rage) = rage
        && let Ok((restarts, cuts)) = rage.await
    {
        figures.restarts += restarts;
        figures.cuts += cuts;
    }
    shoppers
}

/// Waits until nothing runs, waits or is held; what still does is a violation.
async fn rest(chaos: &Chaos) -> Vec<Violation> {
    let deadline = Instant::now() + REST;
    loop {
        let busy = sqlx::query_scalar::<_, String>(
            "select checkout_id::text from checkout
             where status in ('running', 'waiting', 'compensating') or leased_by is not null
             union select checkout_id::text from late_look join checkout using (checkout_id) where status <> 'stuck' and looks < 3",
        )
        .fetch_all(&chaos.world.database.pool)
        .await;
        let busy = match busy {
            Ok(busy) if busy.is_empty() => not_found(chaos).await,
            busy => busy,
        };
        match busy {
            Ok(busy) if busy.is_empty() => return Vec::new(),
            Ok(busy) if Instant::now() > deadline => {
                let what = format!("is not at rest {} s after the faults have ended", REST.as_secs());
                return busy
                    .into_iter()
                    .map(|id| Violation { run: None, checkout: Some(id), what: what.clone() })
                    .collect();
            }
            Err(error) if Instant::now() > deadline => {
                let what = format!("the database does not answer: {error}");
                return vec![Violation { run: None, checkout: None, what }];
            }
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// What was paid elsewhere and is not known to be: a look of the service's own finds it.
async fn not_found(chaos: &Chaos) -> Result<Vec<String>, sqlx::Error> {
    let open = sqlx::query_scalar::<_, String>(
        "select checkout_id::text from checkout where status = 'awaiting_input'
            and coalesce(record -> 'facts' -> 'payment' ->> 'status', '') <> 'partially_paid'",
    );
    let open = open.fetch_all(&chaos.world.database.pool).await?;
    let money = Money::of(&chaos.world.simulator.ledger());
    Ok(open.into_iter().filter(|id| money.is_paid_elsewhere(id)).collect())
}

/// Half of those that were left are abandoned for so long that they expire.
async fn expire(chaos: &Chaos, records: &[Record]) {
    for record in records {
        let expires = Dice::of(chaos.options.seed, record.plan.run, "expiry").percent(50);
        let id = record.id.as_deref().filter(|_| record.left && expires);
        for id in id.into_iter().chain(record.given_up.iter().map(String::as_str)) {
            let due = sqlx::query(
                "update checkout set due_at = now(), expires_at = now() where checkout_id::text = $1 and status = 'awaiting_input'",
            );
            if let Err(error) = due.bind(id).execute(&chaos.world.database.pool).await {
                chaos.note(format!("{id} could not be made to expire: {error}"));
            }
        }
    }
}

async fn verify(chaos: &Arc<Chaos>, records: &[Record], figures: &mut Figures) -> Vec<Violation> {
    let pool = &chaos.world.database.pool;
    let mut violations = replayed(chaos, records).await;
    let ledger = chaos.world.simulator.ledger();
    match Evidence::gather(ledger, pool).await {
        Ok(evidence) => {
            let (found, tolerated) = evidence.check(records);
            violations.extend(found);
            figures.surplus_orders += tolerated.surplus_orders;
            for stored in evidence.stored.values() {
                *figures.statuses.entry(stored.status.clone()).or_default() += 1;
                if let Some(reason) = &stored.reason {
                    *figures.stuck.entry(reason.clone()).or_default() += 1;
                }
            }
            figures.checkouts += evidence.stored.len() as u64;
            figures.orders += evidence.ledger.orders.len() as u64;
            figures.charges +=
                evidence.ledger.charges.iter().filter(|charge| charge.holds_money()).count() as u64;
        }
        Err(error) => chaos.note(format!("the database cannot be read: {error}")),
    }
    figures.runs += records.len() as u64;
    figures.calls += chaos.world.simulator.requests().len() as u64;
    figures.gave_up += records.iter().map(|record| u64::from(record.gave_up)).sum::<u64>();
    if let Err(error) = figures.resumed(pool, &chaos.replicas.take_kills()).await {
        chaos.note(format!("resume times cannot be read: {error}"));
    }
    // The invariants of every test hold here, too; where somebody else moved money or totals, `verify` judged.
    let moved = records.iter().filter(|record| record.has_met(moves_money) || record.handed_over.is_some());
    if let Ok(mut others) = chaos.world.others.lock() {
        *others = moved.filter_map(|record| record.id.clone()).collect();
    }
    let shared = Arc::clone(chaos);
    let checked = chaos.tasks.spawn(async move { invariants::check(&shared.world).await });
    if let Err(error) = checked.await {
        chaos.note(format!("an invariant of the tests does not hold: {error}"));
    }
    chaos.replicas.search_logs(&SECRETS, &mut |what| chaos.note(what));
    let notes = chaos.take_notes().into_iter().chain(chaos.replicas.take_strange());
    violations.extend(notes.map(|what| Violation { run: None, checkout: None, what }));
    violations
}

/// Keys answer with the same checkout and the same end, from either process.
async fn replayed(chaos: &Chaos, records: &[Record]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for record in records {
        let mut say = |what: String| {
            violations.push(Violation { run: Some(record.plan.run), checkout: record.id.clone(), what });
        };
        if let Some((ask, id)) = record.creates.last() {
            let heard = chaos.doors.ask(record.plan.home + 1, ask).await;
            if heard.as_ref().and_then(Heard::id).as_ref() != Some(id) {
                say(format!("its key does not answer with {id} again, but with {heard:?}"));
            }
        }
        let pays = record
            .completed
            .as_ref()
            .filter(|ask| ask.key.is_some() && ask.path.starts_with("/v1/checkouts/"));
        if let Some(ask) = pays {
            let heard = chaos.doors.ask(record.plan.home + 1, ask).await;
            let same = heard.as_ref().is_some_and(|heard| {
                // That it was paid twice may show later: `verify` judges whether it was.
                let twice = ["paid-twice", "surplus-order-paid"].map(Value::from);
                heard.status == reqwest::StatusCode::OK
                    && (heard.body["status"] == "completed" || twice.contains(&heard.body["stuck"]["reason"]))
                    // What asked for an order that was paid on the page meanwhile began nothing, and bound no key.
                    && (ask.path.ends_with("/order") || heard.headers.get("idempotent-replayed").is_some())
            });
            if !same {
                say(format!("the key that was answered completed does not answer so again: {heard:?}"));
            }
        }
    }
    violations
}

async fn show(chaos: &Chaos, violations: &[Violation]) {
    let ledger = chaos.world.simulator.ledger();
    for violation in violations.iter().take(SHOWN) {
        let again = violation
            .run
            .map(|run| format!("; ./dev chaos --seed {} --runs 1 --first {run} --trace", chaos.options.seed));
        println!(
            "VIOLATION {}: {}{}",
            violation.checkout.as_deref().unwrap_or("-"),
            violation.what,
            again.unwrap_or_default()
        );
        if let Some(run) = violation.run {
            println!(
                "    {:?}",
                Plan::draw(
                    chaos.options.seed,
                    run,
                    chaos.only.as_ref(),
                    chaos.options.calm,
                    chaos.options.others
                )
            );
        }
        if let Some(checkout) = violation.checkout.as_deref().filter(|id| !id.is_empty()) {
            print!("{}", timeline::of(chaos, &ledger, checkout).await);
        }
    }
    if violations.len() > SHOWN {
        println!("... and {} more violations", violations.len() - SHOWN);
    }
}

/// A fresh store and fresh tables for the next batch. Order ids go on, as they would.
async fn forget(chaos: &Chaos, batch: u64) {
    chaos.world.simulator.set(|settings| settings.first_order_id = 125 + batch * 1000);
    chaos.world.simulator.reset();
    chaos.post.subscribe(&chaos.world.simulator.url()).await;
    let emptied = sqlx::query("truncate checkout, late_look, webhook_event cascade")
        .execute(&chaos.world.database.pool)
        .await;
    emptied.expect("the tables are emptied");
}
