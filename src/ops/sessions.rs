//! Sessions of operators that end before their time, in every process.

use time::OffsetDateTime;

use super::{Actor, Console};
use crate::db::Error;

impl Console {
    /// Ends a session.
    pub async fn end_session(&self, session: &str, expires_at: OffsetDateTime) -> Result<(), Error> {
        self.db().end_session(session, OffsetDateTime::now_utc(), expires_at).await
    }

    /// Ends every session of an operator that began until now. `last_ends`: when the last of them would end by itself.
    pub async fn end_sessions_of(&self, actor: &Actor, last_ends: OffsetDateTime) -> Result<(), Error> {
        self.db().end_session(&all_of(actor), OffsetDateTime::now_utc(), last_ends).await
    }

    /// Whether a session was ended before its time.
    pub async fn session_has_ended(
        &self,
        session: &str,
        actor: &Actor,
        began: OffsetDateTime,
    ) -> Result<bool, Error> {
        self.db().session_has_ended(session, &all_of(actor), began).await
    }
}

/// No random part of a cookie has a space.
fn all_of(actor: &Actor) -> String {
    format!("of {} {}", actor.store.as_deref().unwrap_or_default(), actor.name)
}
