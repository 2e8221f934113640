//! Values that must not be shown.
//!
//! Guarantees: a [`Secret`] has no `Debug`, no `Display` and no `Serialize`, so that no log line, no row and no answer can
//! carry it by accident, and its memory is overwritten when it is dropped. It never protects copies that the network stack
//! makes while sending.

use zeroize::Zeroizing;

/// A secret text; its memory is overwritten when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself. Every use of this is a place to look at in a review.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
