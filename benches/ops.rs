//! `./dev bench ops [--checkouts N] [--rounds N] [--plans]`: lists and the summary of operators, with a full database.
//!
//! It makes a database of its own in the cluster that `TEST_DATABASE_URL` names, fills it, and asks for every filter in
//! every order. The target: 95 of 100 answers within 300 ms with 1,000,000 checkouts.

use std::str::FromStr as _;
use std::time::{Duration, Instant};

use headless_checkout::db::Db;
use headless_checkout::ops::{Cursor, Filter, Sort, Status, StepName, StuckReason};
use headless_checkout::secret::Secret;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection};
use time::OffsetDateTime;

const TARGET: Duration = Duration::from_millis(300);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |name: &str| {
        arguments.iter().position(|text| text == name).and_then(|at| arguments.get(at + 1)).cloned()
    };
    let checkouts: i64 = after("--checkouts").map_or(Ok(1_000_000), |text| text.parse())?;
    let rounds: usize = after("--rounds").map_or(Ok(25), |text| text.parse())?;
    let plans = arguments.iter().any(|text| text == "--plans");
    let cluster = PgConnectOptions::from_str(
        &headless_checkout::config::environment("TEST_DATABASE_URL").ok_or_else(|| {
            anyhow::anyhow!(
                "TEST_DATABASE_URL names a PostgreSQL where a database may be made: run ./dev bench ops"
            )
        })?,
    )?;
    let name = format!("bench_ops_{}", uuid::Uuid::now_v7().simple());
    let mut admin = PgConnection::connect_with(&cluster.clone().database("postgres")).await?;
    admin.execute(AssertSqlSafe(format!("create database {name}"))).await?;
    let options = cluster.database(&name);
    let done = measure(&options, checkouts, rounds, plans).await;
    admin.execute(AssertSqlSafe(format!("drop database {name} with (force)"))).await?;
    anyhow::ensure!(done?, "the target of {TARGET:?} was missed");
    Ok(())
}

/// Fills and measures; whether every answer was fast enough.
async fn measure(
    options: &PgConnectOptions,
    checkouts: i64,
    rounds: usize,
    plans: bool,
) -> anyhow::Result<bool> {
    headless_checkout::migrations::apply(&Secret::new(options.to_url_lossy().to_string())).await?;
    let pool = PgPoolOptions::new().max_connections(6).connect_with(options.clone()).await?;
    eprintln!("filling {checkouts} checkouts");
    let began = Instant::now();
    pool.execute(AssertSqlSafe(FILL.replace("$ROWS", &checkouts.to_string()))).await?;
    // These rows do not grow.
    pool.execute("alter table checkout_content reset (fillfactor)").await?;
    pool.execute(CONTENT).await?;
    pool.execute("insert into checkout_order (checkout_id, order_id, store) select checkout_id, order_id, store from checkout where order_id is not null").await?;
    pool.execute("vacuum analyze checkout").await?;
    pool.execute("vacuum analyze checkout_content").await?;
    pool.execute("vacuum analyze checkout_order").await?;
    eprintln!("filled in {:.0?}", began.elapsed());
    let db = Db::new(pool, Duration::from_secs(1));
    let mut fast = true;
    println!(
        "{:<52} {:<12} {:>6} {:>9} {:>9} {:>9}",
        "filter", "sort", "rows", "p50 ms", "p95 ms", "deep ms"
    );
    for (name, filter) in filters() {
        for order in ["-updated_at", "updated_at", "-created_at", "created_at"] {
            let sort: Sort = order.parse()?;
            let (rows, times) = times(&db, &filter, sort, rounds).await?;
            let deep = deep(&db, &filter, sort).await?;
            let (p50, p95) = (at(&times, 50), at(&times, 95));
            fast &= p95 <= TARGET && deep <= TARGET;
            println!("{name:<52} {order:<12} {rows:>6} {:>9.1} {:>9.1} {:>9.1}", ms(p50), ms(p95), ms(deep));
            if plans {
                for line in db.explain(&filter, sort).await? {
                    println!("    {line}");
                }
            }
        }
    }
    let mut times = Vec::new();
    for _ in 0..rounds {
        let began = Instant::now();
        db.summary(None).await?;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    println!("{:<72} {:>9.1} {:>9.1}", "summary", ms(at(&times, 50)), ms(at(&times, 95)));
    Ok(fast)
}

fn filters() -> Vec<(&'static str, Filter)> {
    let none = Filter::default;
    let days = |days| Some(OffsetDateTime::now_utc() - time::Duration::days(days));
    let mut filters = vec![
        ("none", none()),
        ("step payment", Filter { step: Some(StepName::Payment), ..none() }),
        ("step cart (rare)", Filter { step: Some(StepName::Cart), ..none() }),
        ("reason payment-unknown", Filter { reason: Some(StuckReason::PaymentUnknown), ..none() }),
        (
            "reason surplus-order-paid (none)",
            Filter { reason: Some(StuckReason::SurplusOrderPaid), ..none() },
        ),
        ("order_id", Filter { order_id: Some(500_100), ..none() }),
        ("cart_id", Filter { cart_id: Some("cart-4711".to_owned()), ..none() }),
        ("email", Filter { email: Some("SHOPPER4711@example.com".to_owned()), ..none() }),
        ("email (none)", Filter { email: Some("nobody@example.com".to_owned()), ..none() }),
        ("created_after 1 day", Filter { created_after: days(1), ..none() }),
        ("created_after 170 days", Filter { created_after: days(170), ..none() }),
        ("updated_before 1 day", Filter { updated_before: days(1), ..none() }),
        ("updated_before 175 days", Filter { updated_before: days(175), ..none() }),
    ];
    for (name, store) in
        [("store big", "big"), ("store middle", "middle"), ("store small", "small"), ("store (none)", "none")]
    {
        filters.push((name, Filter { store: Some(store.to_owned()), ..none() }));
    }
    for &status in Status::ALL {
        filters.push((status.as_str(), Filter { status: Some(status), ..none() }));
    }
    for &status in &[Status::Completed, Status::Expired, Status::Stuck] {
        let store = Some("small".to_owned());
        filters.push(("status x store small", Filter { status: Some(status), store, ..none() }));
        filters.push((
            "status x created_after 30 days",
            Filter { status: Some(status), created_after: days(30), ..none() },
        ));
        filters.push((
            "status x updated_before 90 days",
            Filter { status: Some(status), updated_before: days(90), ..none() },
        ));
    }
    let step = Some(StepName::Payment);
    filters.push((
        "stuck x step payment x store middle",
        Filter { status: Some(Status::Stuck), step, store: Some("middle".to_owned()), ..none() },
    ));
    filters.push((
        "awaiting_input x step cart (none)",
        Filter { status: Some(Status::AwaitingInput), step: Some(StepName::Cart), ..none() },
    ));
    filters.push(("step payment x store small", Filter { step, store: Some("small".to_owned()), ..none() }));
    filters.push((
        "store small x created_after 30 days",
        Filter { store: Some("small".to_owned()), created_after: days(30), ..none() },
    ));
    filters.push((
        "store small x updated_before 90 days",
        Filter { store: Some("small".to_owned()), updated_before: days(90), ..none() },
    ));
    filters
}

async fn times(
    db: &Db,
    filter: &Filter,
    sort: Sort,
    rounds: usize,
) -> anyhow::Result<(usize, Vec<Duration>)> {
    let (mut times, mut rows) = (Vec::new(), 0);
    for _ in 0..rounds {
        let began = Instant::now();
        rows = db.list(filter, sort, None, 50).await?.data.len();
        times.push(began.elapsed());
    }
    times.sort_unstable();
    Ok((rows, times))
}

/// The slowest of twenty pages further on.
async fn deep(db: &Db, filter: &Filter, sort: Sort) -> anyhow::Result<Duration> {
    let (mut cursor, mut slowest) = (None, Duration::ZERO);
    for _ in 0..20 {
        let began = Instant::now();
        let page = db.list(filter, sort, cursor, 200).await?;
        slowest = slowest.max(began.elapsed());
        let Some(next) = page.next_cursor else { break };
        cursor = Some(Cursor::decode(&next, sort)?);
    }
    Ok(slowest)
}

fn at(times: &[Duration], percent: usize) -> Duration {
    times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied().unwrap_or_default()
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// What is written beside each; `row_number` tells which it is, because ids sort by the time they were made.
const CONTENT: &str = r"
insert into checkout_content (checkout_id, store, cart_id, email, released, metadata, input, document)
select checkout_id, store, 'cart-' || i, 'shopper' || i % 400000 || '@example.com', status in ('cancelled', 'expired'), '{}',
    '{}', json_build_object('grand_total', 10.83, 'filler', repeat(md5(i::text), 20))
from (select *, row_number() over (order by checkout_id) as i from checkout) numbered
";

/// Half a year of checkouts: most of them ended, some of them open, a few of them in trouble. Ids are UUIDv7.
const FILL: &str = r"
insert into checkout (checkout_id, store, flow, status, step, version, fence, leased_by, due_at, stuck_reason, order_id,
    record, created_at, updated_at, expires_at)
select (lpad(to_hex((extract(epoch from created) * 1000)::bigint), 12, '0') || '7' || substr(hash, 1, 3) || '8'
        || substr(hash, 4, 15))::uuid,
    store, 'cart', status, step, 9, 3,
    case when status = 'running' then gen_random_uuid() end,
    case when status in ('running', 'waiting', 'compensating', 'awaiting_input') then now() + interval '1 day' end,
    reason, case when status = 'completed' or step = 'payment' then 100 + i end,
    json_build_object('steps', json_build_array(), 'tries', 0, 'filler', repeat(hash, 16),
        'stuck', case when reason is not null then json_build_object('reason', reason, 'detail', 'so', 'since', '2026-11-21T00:00:00Z') end,
        'in_flight', case when reason = 'payment-unknown' then json_build_object('step', 'payment', 'unknown_since', '2026-11-21T00:00:00Z') end,
        'facts', json_build_object('order', json_build_object('total', 10.83, 'currency', 'USD'),
            'payment', json_build_object('status', case when reason = 'payment-unknown' then 'unknown' else 'succeeded' end,
                'amount', 10.83, 'currency', 'USD'))),
    created,
    least(now(), created + case when status = 'expired' then interval '7 days' else interval '20 minutes' * random() end),
    created + interval '7 days'
from (
    select i, created, hash, store, status,
        case when status in ('completed', 'cancelled', 'expired') then null
            when status = 'awaiting_input' then (array['billing-address', 'consignments', 'shipping-options', 'order', 'payment'])[1 + i % 5]
            when i % 977 = 0 then 'cart' else 'payment' end as step,
        case when status = 'stuck' then (array['payment-unknown', 'order-unknown', 'attempts-exhausted', 'payment-pending-too-long'])[1 + i % 4] end as reason
    from (
        select i, md5(i::text) as hash, now() - interval '180 days' * (1 - i::float8 / $ROWS) as created,
            case when i % 1000 = 7 then 'small' when i % 10 = 3 then 'middle' else 'big' end as store,
            case when i > 0.96 * $ROWS and i % 3 > 0 then 'awaiting_input'
                when i % 100 < 62 then 'completed' when i % 100 < 90 then 'expired' when i % 100 < 97 then 'cancelled'
                when i / 100 % 100 < 20 then 'stuck' when i / 100 % 100 < 30 then 'waiting' when i % 30000 = 9998 then 'running'
                when i % 30000 = 9999 then 'compensating' else 'completed' end as status
        from generate_series(1, $ROWS) i
    ) given
) chosen
";
