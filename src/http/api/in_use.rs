//! Idempotency keys whose request runs here now and cannot be joined, because its answer serves one caller only.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The keys, each in the scope of its credential.
#[derive(Debug, Default, Clone)]
pub(crate) struct InUse(Arc<Mutex<HashSet<(String, String)>>>);

/// A key that is in use as long as this lives.
#[derive(Debug)]
pub(crate) struct KeyGuard {
    keys: InUse,
    key: (String, String),
}

impl InUse {
    /// Takes a key. `None`: it is in use.
    pub(crate) fn hold(&self, scope: String, key: &str) -> Option<KeyGuard> {
        let key = (scope, key.to_owned());
        let free = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
        free.then(|| KeyGuard { keys: self.clone(), key })
    }
}

impl Drop for KeyGuard {
    fn drop(&mut self) {
        self.keys.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_in_use_until_its_request_ends_and_in_its_own_scope() {
        let keys = InUse::default();
        let first = keys.hold("web".to_owned(), "k");
        assert!(first.is_some());
        assert!(keys.hold("web".to_owned(), "k").is_none());
        assert!(keys.hold("app".to_owned(), "k").is_some());
        drop(first);
        assert!(keys.hold("web".to_owned(), "k").is_some());
    }
}
