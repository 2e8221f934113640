//! Checkouts with a long history in the tables, beside empty tables: two databases, a process on each, in turn.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

use super::cell::{self, Watched};
use super::database::Database;
use super::figures::{Figures, median};
use super::place::{self, Place};
use super::report::{Limit, Target, progress};
use super::shopper::Path;

const BATCH: i64 = 20_000;

/// Measures, and prints.
pub(crate) async fn run(place: &Place) -> anyhow::Result<()> {
    let checkouts = place.options.checkouts.unwrap_or_else(|| place.options.size(1_000_000, 1_000));
    let (empty, full) = (place.database().await?, place.database().await?);
    fill(place, &full, checkouts).await?;
    let (stores, shoppers) = (place.options.stores, place.options.size(64, 8));
    let programs = [place.start(&empty, stores, &[]).await?, place.start(&full, stores, &[]).await?];
    let (mut ratios, mut rates) = (Vec::new(), [Vec::new(), Vec::new()]);
    for round in 1..=place.options.rounds {
        let mut both = [0.0, 0.0];
        for (place_of, (database, program)) in [&empty, &full].into_iter().zip(&programs).enumerate() {
            let watched =
                Watched { upstream: &place.upstream, database: Some(database), program: Some(program) };
            let shop = place::shop(program, stores)?;
            let figures = cell::run(Path::OneCall, &shop, shoppers, place.options.seconds, &watched).await?;
            let rate = figures.get("checkouts_per_s").copied().unwrap_or_default();
            let name = if place_of == 0 { "empty tables" } else { "with a history" };
            progress(&format!("round {round}, {name}: {rate:.1} checkouts/s"));
            if let (Some(both), Some(rates)) = (both.get_mut(place_of), rates.get_mut(place_of)) {
                *both = rate;
                rates.push(rate);
            }
        }
        let [without, with] = both;
        ratios.push(with / without);
    }
    for program in programs {
        program.stop().await?;
    }
    let mut figures = Figures::new();
    let size: i64 =
        sqlx::query_scalar("select pg_database_size(current_database())").fetch_one(&full.pool).await?;
    let size = super::figures::megabytes(u64::try_from(size).unwrap_or_default());
    figures.insert("database_with_history_mb".to_owned(), size);
    let [without, with] = rates;
    figures.extend(median(without).map(|rate| ("checkouts_per_s_empty".to_owned(), rate)));
    figures.extend(median(with).map(|rate| ("checkouts_per_s_with_history".to_owned(), rate)));
    empty.drop().await?;
    full.drop().await?;
    place.report.figures(&format!("{checkouts} finished checkouts in the tables"), &figures);
    let what = format!("{checkouts} finished checkouts: checkouts/s over empty tables");
    place.report.targets(&[Target::new(what, Limit::AtLeast(0.9), median(ratios))]);
    Ok(())
}

/// Writes finished checkouts with everything that a checkout leaves in other tables.
async fn fill(place: &Place, database: &Database, checkouts: i64) -> anyhow::Result<()> {
    let mut connection = database.pool.acquire().await?.detach();
    // What a crash of the server would lose can be written again.
    connection.execute("set synchronous_commit = off").await?;
    // These rows do not grow.
    connection.execute("alter table checkout_content reset (fillfactor)").await?;
    let mut from = 0;
    while from < checkouts {
        let to = (from + BATCH).min(checkouts);
        let sql = FILL
            .replace("$FROM", &(from + 1).to_string())
            .replace("$TO", &to.to_string())
            .replace("$ALL", &checkouts.to_string())
            .replace("$STORES", &place.options.stores.to_string());
        connection.execute(AssertSqlSafe(sql)).await?;
        if to % 100_000 == 0 || to == checkouts {
            progress(&format!("{to} of {checkouts} finished checkouts are written"));
        }
        from = to;
    }
    connection.execute("alter table checkout_content set (fillfactor = 30)").await?;
    connection.execute("vacuum analyze").await?;
    connection.execute("checkpoint").await?;
    connection.close().await?;
    Ok(())
}

/// Two months of completed checkouts, younger than what the program would tidy up meanwhile. Ids are UUIDv7.
const FILL: &str = r"
with made as (
    insert into checkout (checkout_id, store, flow, status, version, fence, order_id, record, created_at, updated_at,
        expires_at)
    select (lpad(to_hex((extract(epoch from created) * 1000)::bigint), 12, '0') || '7' || substr(hash, 1, 3) || '8'
            || substr(hash, 4, 15))::uuid,
        'store-' || i % $STORES, 'cart', 'completed', 8, 3, 1000000000 + i,
        json_build_object('steps', json_build_array(), 'tries', 0, 'filler', repeat(hash, 32),
            'facts', json_build_object('order', json_build_object('total', 148.59, 'currency', 'USD'),
                'payment', json_build_object('status', 'succeeded', 'amount', 148.59, 'currency', 'USD'))),
        created, created + interval '20 minutes' * random(), created + interval '7 days'
    from (
        select i, md5(i::text) as hash, now() - interval '60 days' * (1 - i::float8 / $ALL) - interval '1 hour' as created
        from generate_series($FROM, $TO) i
    ) given
    returning checkout_id, store, order_id, created_at
), shown as (
    insert into checkout_content (checkout_id, store, cart_id, email, metadata, input, document)
    select checkout_id, store, 'history-' || order_id, 'shopper' || order_id % 400000 || '@example.com', '{}', '{}',
        json_build_object('grand_total', 148.59, 'filler', repeat(md5(order_id::text), 60))
    from made
), logged as (
    insert into attempt_log (checkout_id, version, at, event, fence, process_id, ended_step, ended_attempt, outcome,
        upstream_status, duration_ms, detail, began_step, began_attempt)
    select checkout_id, version, created_at, 'advanced', 2, checkout_id, 'billing-address', 1, 'succeeded', 200, 120,
        json_build_object('calls', json_build_array(json_build_object('call', 'add-billing-address', 'status', 200))),
        'consignments', 1
    from made, generate_series(1, 8) version
), ordered as (
    insert into checkout_order (checkout_id, order_id, store, created_at)
    select checkout_id, order_id, store, created_at from made
), bound as (
    insert into idempotency_key (checkout_id, principal, key, operation, fingerprint, answer, created_at)
    select checkout_id, 'storefront:' || store || ':bench', checkout_id || '-' || part, 'create',
        sha256(checkout_id::text::bytea), '{}', created_at
    from made, generate_series(1, 2) part
)
insert into checkout_token (checkout_id, token_hash, created_at)
select checkout_id, sha256(checkout_id::text::bytea), created_at from made
";
