//! Sessions of the dashboard that were ended before their time. A session that is not here lasts as its cookie says.

use time::OffsetDateTime;

use super::{Db, Error};

impl Db {
    /// Ends a session, or all of an operator that began until `at`, in every process, until `expires_at`: then all of them are over
    /// anyway.
    pub async fn end_session(
        &self,
        session: &str,
        at: OffsetDateTime,
        expires_at: OffsetDateTime,
    ) -> Result<(), Error> {
        sqlx::query!(
            "insert into ended_session as ended (session, at, expires_at) values ($1, $2, $3)
             on conflict (session) do update
             set at = greatest(ended.at, excluded.at), expires_at = greatest(ended.expires_at, excluded.expires_at)",
            session,
            at,
            expires_at
        )
        .execute(&self.pool())
        .await?;
        Ok(())
    }

    /// Whether it was ended: by itself, or with all of its operator.
    pub async fn session_has_ended(
        &self,
        session: &str,
        of_operator: &str,
        began: OffsetDateTime,
    ) -> Result<bool, Error> {
        let ended = sqlx::query_scalar!(
            r#"select exists (
                select from ended_session where session = $1 or (session = $2 and at >= $3)) as "ended!""#,
            session,
            of_operator,
            began
        )
        .fetch_one(&self.pool())
        .await?;
        Ok(ended)
    }

    /// Forgets up to `limit` that are over anyway. An hour more, because the clocks of processes decide when a cookie ends.
    pub async fn forget_sessions(&self, limit: i64) -> Result<u64, Error> {
        let gone = sqlx::query!(
            "delete from ended_session where session in (
                 select session from ended_session where expires_at < now() - interval '1 hour' limit $1)",
            limit
        )
        .execute(&self.pool())
        .await?;
        Ok(gone.rows_affected())
    }
}
