//! Values that must not be shown.
//!
//! A [`Secret`] has no `Debug`, no `Display` and no `Serialize`, so that no log line and no error can carry it by accident.

use zeroize::Zeroizing;

/// A secret text; its memory is overwritten when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself, for the one place that must send or compare it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
