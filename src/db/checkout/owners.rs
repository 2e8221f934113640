//! Which store a checkout belongs to. It never changes, so that what was read once need not be asked again for every step.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::checkout::CheckoutId;

/// This many are cached; then the cache is cleared.
const CACHE_CAPACITY: usize = 50_000;

/// What is remembered of it by one process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Owners(Arc<Mutex<HashMap<CheckoutId, String>>>);

impl Owners {
    pub(crate) fn get(&self, id: CheckoutId) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    pub(crate) fn remember(&self, id: CheckoutId, store: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= CACHE_CAPACITY {
            known.clear();
        }
        known.insert(id, store.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded() {
        let owners = Owners::default();
        let first = CheckoutId::generate();
        owners.remember(first, "main");
        assert_eq!(owners.get(first).as_deref(), Some("main"));
        for _ in 0..CACHE_CAPACITY {
            owners.remember(CheckoutId::generate(), "main");
        }
        assert_eq!(owners.get(first), None);
        assert!(owners.0.lock().expect("nobody panicked").len() <= CACHE_CAPACITY);
    }
}
