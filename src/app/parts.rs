//! The parts of a service, made from its configuration.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context as _;

use crate::bigcommerce::budget::{Budget, Replicas};
use crate::bigcommerce::{self, Client};
use crate::config::{self, Config};
use crate::db::{Db, Identity};
use crate::ops;
use crate::saga::{DeclineLimits, Keep};
use crate::telemetry::Metrics;

pub(super) fn operators_settings(config: &Config) -> ops::Settings {
    let quiet = config.upstream_timeout + config.settle;
    let quiet_payment = config.payment_timeout + config.settle;
    // As the engine counts it (`saga::Settings::late`).
    let late = quiet.max(quiet_payment) * 2;
    ops::Settings { settle: config.settle, quiet, quiet_payment, late, checkout_ttl: config.checkout_ttl }
}

pub(super) fn decline_limits(limits: config::Declines) -> DeclineLimits {
    let config::Declines { of_checkout, of_shopper, of_address, of_key } = limits;
    DeclineLimits { of_checkout, of_shopper, of_address, of_key }
}

/// Whom transitions tell what.
pub(super) fn event_destinations(events: &config::Events) -> anyhow::Result<Vec<crate::db::Destination>> {
    let destination = |destination: &config::Destination| {
        let wants = destination.types.iter().map(|kind| kind.parse());
        let wants = wants.collect::<Result<_, _>>().context("EVENT_DESTINATIONS: unknown event type")?;
        Ok(crate::db::Destination { name: destination.name.clone(), wants })
    };
    events.destinations.iter().map(destination).collect()
}

/// The configuration with each store under the name by which its rows are kept, whatever it is called now.
pub(super) async fn identified(mut config: Config, db: &Db) -> anyhow::Result<Config> {
    let mut renamed = HashMap::new();
    let hashes: Vec<String> = config.stores.iter().map(|one| one.store_hash.to_lowercase()).collect();
    for one in &mut config.stores {
        let seen_as = async |name: &str| {
            db.identify(name, &one.store_hash).await.context("the stores cannot be identified")
        };
        let mut identity = seen_as(&one.name).await?;
        // A store of this configuration had the name before: this one is kept under its hash.
        if matches!(&identity, Identity::NameOf(other) if hashes.contains(other)) {
            identity = seen_as(&one.store_hash.to_lowercase()).await?;
        }
        let kept_as = match identity {
            Identity::KeptAs(name) => name,
            Identity::NameOf(other) => anyhow::bail!(
                "the database and the configuration do not belong together: in this database the store {:?} has the store hash \
                 {other:?}, and the configuration says {:?}. Give DATABASE_URL a database of its own for each environment. If both \
                 stores belong in one database, list them in STORES_FILE with different names",
                one.name,
                one.store_hash
            ),
        };
        if kept_as != one.name {
            tracing::warn!(
                store = one.name,
                kept_as,
                "a store was renamed: it is kept, and shown, under its first name"
            );
            renamed.insert(std::mem::replace(&mut one.name, kept_as.clone()), kept_as);
        }
    }
    for operator in &mut config.operators {
        if let Some(kept_as) = operator.store.as_ref().and_then(|store| renamed.get(store)) {
            operator.store = Some(kept_as.clone());
        }
    }
    Ok(config)
}

/// One budget for each store.
pub(super) fn budgets(config: &Config, replicas: &Replicas) -> HashMap<String, Arc<Budget>> {
    let budget = |name: &String| Arc::new(Budget::new(name, replicas.clone()));
    config.stores.iter().map(|store| (store.name.clone(), budget(&store.name))).collect()
}

/// One client for each store; they share their connections, and the metrics watch them.
pub(super) fn clients(
    config: &Config,
    budgets: &HashMap<String, Arc<Budget>>,
    metrics: &Metrics,
) -> anyhow::Result<HashMap<String, Client>> {
    let timeout = config.upstream_timeout.min(config.payment_timeout);
    let connections = bigcommerce::http_client(timeout).context("the HTTP client cannot start")?;
    config
        .stores
        .iter()
        .map(|store| {
            let settings = upstream(config, store);
            let budget = budgets.get(&store.name).context("each store has a budget")?;
            let observer = metrics.upstream(&store.name, budget.clone());
            let client = Client::with(&settings, connections.clone(), observer)
                .with_context(|| format!("store {}", store.name))?;
            Ok((store.name.clone(), client))
        })
        .collect()
}

pub(super) fn upstream(config: &Config, store: &config::Store) -> bigcommerce::Settings {
    bigcommerce::Settings {
        store_hash: store.store_hash.clone(),
        access_token: store.access_token.clone(),
        api_url: store.api_url.clone(),
        payments_url: store.payments_url.clone(),
        timeout: config.upstream_timeout,
        payment_timeout: config.payment_timeout,
    }
}

/// For how long things are kept.
pub(super) fn keep(config: &Config) -> Keep {
    let (events, retention) = (&config.events, config.retention);
    Keep {
        personal_data: retention.personal_data,
        events: events.keep,
        pending_events: events.give_up,
        forgotten: crate::db::Keep {
            keys: retention.keys,
            tokens: retention.tokens,
            webhooks: retention.webhooks,
            operations: retention.operations,
        },
    }
}
