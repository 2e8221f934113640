//! Outgoing events, from the configuration to running deliveries.

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bigcommerce;
use crate::config;
use crate::outbox::{self, Outbox, SigningKey};
use crate::store::{self, Store};

/// Begins to deliver to every destination, until `stopping` is cancelled.
pub(super) fn begin(
    events: &config::Events,
    store: &Store,
    tasks: &TaskTracker,
    stopping: &CancellationToken,
) -> anyhow::Result<()> {
    if events.destinations.is_empty() {
        return Ok(());
    }
    let connections = bigcommerce::http_client(events.timeout).context("the HTTP client cannot start")?;
    let pace = outbox::Pace { base: events.retry_base, cap: events.retry_max, give_up: events.give_up };
    let outbox =
        Outbox::new(store.clone(), connections, events.timeout, pace, tasks.clone(), stopping.clone());
    for destination in &events.destinations {
        let keys = destination.secrets.iter().map(|secret| SigningKey::parse(secret.expose()));
        let keys: Option<Vec<SigningKey>> = keys.collect();
        let destination = outbox::Destination {
            name: destination.name.clone(),
            url: destination.url.clone(),
            keys: keys.context("EVENT_DESTINATIONS: a secret cannot be read")?,
        };
        let outbox = outbox.clone();
        tasks.spawn(async move { outbox.deliver(destination).await });
    }
    Ok(())
}

/// Whom transitions tell what.
pub(super) fn told(events: &config::Events) -> anyhow::Result<Vec<store::Destination>> {
    let destination = |destination: &config::Destination| {
        let wants = destination.types.iter().map(|kind| kind.parse());
        let wants = wants.collect::<Result<_, _>>().context("EVENT_DESTINATIONS: there is no such event")?;
        Ok(store::Destination { name: destination.name.clone(), wants })
    };
    events.destinations.iter().map(destination).collect()
}
