//! A value that is shared often and changed seldom: cloning it costs nothing, and changing it copies it once.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A checkout is cloned for every decision that is made about it, and the large parts of it rarely change.
#[derive(Debug, Clone, Default)]
pub struct Shared<T>(Arc<T>);

impl<T> Shared<T> {
    /// Whether both are certainly the same, without looking at them.
    fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> From<T> for Shared<T> {
    fn from(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for Shared<T> {
    /// Copies it where somebody else holds it too, also when nothing is changed then: look first.
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

impl<T: PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(other) || self.0 == other.0
    }
}

impl<T: Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_by_nobody_else() {
        let kept: Shared<Vec<u8>> = vec![1].into();
        let mut changed = kept.clone();
        assert!(changed.is_same(&kept));
        changed.push(2);
        assert_eq!((&*kept, &*changed), (&vec![1], &vec![1, 2]));
        assert!(changed != kept && changed == Shared::from(vec![1, 2]));
    }

    #[test]
    fn it_is_written_as_what_it_holds() {
        let shared: Shared<Vec<u8>> = serde_json::from_str("[1]").expect("a list");
        assert_eq!(serde_json::to_string(&shared).expect("json"), "[1]");
        assert_eq!(*shared, [1]);
    }
}
