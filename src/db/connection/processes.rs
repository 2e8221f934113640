//! Which processes of the service are alive, so that they can share what BigCommerce grants to a store.
//!
//! Guarantees: of two processes that start at the same time, at least one knows of the other at once, and both do
//! after the next beat. PostgreSQL is the clock.

use std::time::Duration;

use crate::db::{Db, Error};

impl Db {
    /// How often a process says that it is alive.
    pub const BEAT: Duration = Duration::from_secs(3);

    /// Says that this process is alive, and forgets those that were not seen for 15 seconds. Answers how many live, this one
    /// included, and how many of them are of this kind. Dropped half-way: at worst the others know of this process and it does not know of them.
    pub async fn beat(&self, kind: &str) -> Result<(u32, u32), Error> {
        // Committed before the others are counted, or two that start together would not see each other.
        let now = sqlx::query_scalar!(
            r#"insert into process (process_id, kind) values ($1, $2)
               on conflict (process_id) do update set seen_at = now() returning now() as "now!""#,
            self.process_id,
            kind
        )
        .fetch_one(&self.pool())
        .await?;
        self.read_clock(now);
        let live = sqlx::query!(
            r#"
            with dead as (
                select process_id from process where seen_at < now() - interval '15 seconds'
                for update skip locked
            ), forgotten as (
                delete from process using dead where process.process_id = dead.process_id
            )
            select count(*) as "all!", count(*) filter (where kind = $1) as "alike!"
            from process where seen_at >= now() - interval '15 seconds'
            "#,
            kind
        )
        .fetch_one(&self.pool())
        .await?;
        let count = |rows: i64| u32::try_from(rows).unwrap_or(u32::MAX).max(1);
        Ok((count(live.all), count(live.alike)))
    }

    /// Says that this process ends, so that the others have its share at once.
    pub async fn leave(&self) -> Result<(), Error> {
        sqlx::query!("delete from process where process_id = $1", self.process_id)
            .execute(&self.pool())
            .await?;
        Ok(())
    }
}
