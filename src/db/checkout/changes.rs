//! News of changed checkouts: from this process directly, from the others by LISTEN.
//!
//! A notification is only a hint: a waiting request reads the checkout again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::{Notify, watch};

use crate::checkout::{CheckoutId, Status};
use crate::db::Error;

/// A checkout changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub id: CheckoutId,
    /// Its version now, or a later one.
    pub version: i64,
}

/// Where news of changed checkouts is handed on.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    watched: Mutex<HashMap<CheckoutId, watch::Sender<i64>>>,
    due: Notify,
    /// Counts the reasons to look into the outbox.
    outbox: watch::Sender<u64>,
}

/// A wait for news of one checkout. Dropped: nobody waits any more.
#[derive(Debug)]
pub struct Watch {
    id: CheckoutId,
    receiver: watch::Receiver<i64>,
    changes: Changes,
}

impl Changes {
    /// Starts to watch one checkout. News that came before this call is not repeated: watch first, then look.
    pub fn watch(&self, id: CheckoutId) -> Watch {
        let mut watched = self.lock();
        let sender = watched.entry(id).or_insert_with(|| watch::channel(0).0);
        Watch { id, receiver: sender.subscribe(), changes: self.clone() }
    }

    /// Waits until recovery has a reason to look before its timer: a hint came in, here or in another process.
    pub async fn due(&self) {
        self.inner.due.notified().await;
    }

    /// Gives recovery in this process a reason to look now.
    pub(crate) fn wake_recovery(&self) {
        self.inner.due.notify_one();
    }

    /// Reasons to look into the outbox: something was queued, here or in another process.
    pub fn outbox(&self) -> watch::Receiver<u64> {
        self.inner.outbox.subscribe()
    }

    /// Gives the deliveries of this process a reason to look now.
    pub fn notify_outbox(&self) {
        self.inner.outbox.send_modify(|reasons| *reasons = reasons.wrapping_add(1));
    }

    pub(crate) fn publish(&self, id: CheckoutId, version: i64) {
        if let Some(sender) = self.lock().get(&id) {
            sender.send_if_modified(|known| {
                let newer = version > *known;
                *known = version.max(*known);
                newer
            });
        }
    }

    /// Everybody looks again: news may have been missed.
    fn publish_all(&self) {
        for sender in self.lock().values() {
            sender.send_modify(|_| {});
        }
        self.wake_recovery();
        self.notify_outbox();
    }

    /// Takes news from the other processes until it is dropped. When the connection was lost, everybody is told to
    /// look again once it is back.
    pub async fn listen(&self, pool: PgPool) -> Result<(), Error> {
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen_all(["checkout", "outbox"]).await?;
        self.publish_all();
        loop {
            // `None`: the connection was lost and is being made again.
            match listener.try_recv().await? {
                Some(notification) if notification.channel() == "outbox" => self.notify_outbox(),
                Some(notification) => {
                    for change in notification.payload().split(',').filter_map(parse) {
                        self.publish(change.id, change.version);
                    }
                }
                None => self.publish_all(),
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<CheckoutId, watch::Sender<i64>>> {
        self.inner.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often a checkout that another process works on is looked at by those who follow it: between its steps, nobody is notified.
const WHILE_AT_WORK: Duration = Duration::from_secs(1);

impl Watch {
    /// Waits for the next news of a checkout that was seen with this status, or until it is worth a look.
    pub async fn changed_since(&mut self, seen: Status) {
        let is_at_work = matches!(seen, Status::Running | Status::Compensating);
        tokio::select! {
            () = self.changed() => {}
            () = tokio::time::sleep(WHILE_AT_WORK), if is_at_work => {}
        }
    }

    /// Waits for the next news: it was let go or answered, or it moved in this process.
    pub async fn changed(&mut self) {
        if self.receiver.changed().await.is_err() {
            // The sender lives in the map for as long as anybody watches; a closed channel cannot be.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watched = self.changes.lock();
        if watched.get(&self.id).is_some_and(|sender| sender.receiver_count() <= 1) {
            watched.remove(&self.id);
        }
    }
}

/// One of the changes that a notification tells of.
fn parse(change: &str) -> Option<Change> {
    let (id, version) = change.split_once(' ')?;
    Some(Change { id: id.parse().ok()?, version: version.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn news_reaches_who_watches_and_nobody_is_left_behind() {
        let changes = Changes::default();
        let (one, other) = (CheckoutId::generate(), CheckoutId::generate());
        let mut watch = changes.watch(one);
        changes.publish(other, 1);
        changes.publish(one, 2);
        watch.changed().await;
        drop(watch);
        assert!(changes.lock().is_empty());
    }

    #[test]
    fn a_foreign_payload_is_ignored() {
        assert!(parse("hello").is_none() && parse("a b").is_none());
    }
}
