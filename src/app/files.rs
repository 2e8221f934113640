//! How many files the process may open: each connection is one.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::config::Connections;

/// Files that are neither connections of clients nor of the database: calls to BigCommerce, deliveries, logs.
const OTHERS: u64 = 256;

/// Opens as many files as the system allows, and takes no more connections than fit.
pub(super) fn fit(connections: &mut Connections, of_database: u32) {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    let allowed =
        if soft < hard && setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok() { hard } else { soft };
    let left = allowed.saturating_sub(OTHERS + u64::from(of_database));
    let fitting = usize::try_from(left).unwrap_or(usize::MAX).max(2);
    if fitting < connections.most {
        tracing::warn!(
            files = allowed,
            connections = fitting,
            "MAX_CONNECTIONS is above what the limit of open files allows"
        );
        connections.most = fitting;
        connections.reserved = connections.reserved.min(fitting / 2);
    }
}
