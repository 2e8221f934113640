//! Values that must never be shown.
//!
//! Guarantees: a [`Secret`] has no `Debug`, `Display` or `Serialize`, so it cannot reach a log line, a row or an
//! answer by accident, and its memory is overwritten when it is dropped. It never protects copies that the network
//! stack makes while sending.

use zeroize::Zeroize;

/// A value without `Debug`, `Display` and `Serialize` that is overwritten when dropped.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes the value in.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Every use of this is a place to look at in a review.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
