//! JSON pointers (RFC 6901) and what is wrong where they point.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::Serialize;
use utoipa::ToSchema;

/// More errors than this do not help.
const MAX_ERRORS: usize = 100;

/// The longest name of an unknown field that is repeated.
const LONGEST: usize = 128;

/// A name with this many digits may be a card number in the wrong place.
const MASKED_DIGITS: usize = 12;

/// The place in a body that is being looked at.
#[derive(Debug, Default)]
pub(crate) struct Pointer(String);

/// What is wrong at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ProblemError)]
pub(crate) struct InputError {
    /// JSON pointer (RFC 6901).
    pub(crate) pointer: String,
    /// What is required; never the value that was sent.
    #[schema(value_type = String)]
    pub(crate) detail: Cow<'static, str>,
}

/// Everything that is wrong with a body.
#[derive(Debug, Default)]
pub(crate) struct Errors(Vec<InputError>);

impl From<&str> for Pointer {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl Pointer {
    /// The text of it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Looks at a field from here.
    pub(crate) fn field(&mut self, name: &str, look: impl FnOnce(&mut Self)) {
        let here = self.0.len();
        self.0.push('/');
        let masked = name.chars().filter(char::is_ascii_digit).count() >= MASKED_DIGITS;
        let name = if masked { "[masked]" } else { name };
        for char in name.chars().take(LONGEST) {
            match char {
                '~' => self.0.push_str("~0"),
                '/' => self.0.push_str("~1"),
                other => self.0.push(other),
            }
        }
        look(self);
        self.0.truncate(here);
    }

    /// Looks at an element from here.
    pub(crate) fn index(&mut self, index: usize, look: impl FnOnce(&mut Self)) {
        let here = self.0.len();
        let _ = write!(self.0, "/{index}");
        look(self);
        self.0.truncate(here);
    }
}

impl Errors {
    /// Notes what is wrong at this place.
    pub(crate) fn push(&mut self, at: &Pointer, detail: impl Into<Cow<'static, str>>) {
        self.push_at(at.as_str().to_owned(), detail);
    }

    /// Notes what is wrong at the place that this text points to.
    pub(crate) fn push_at(&mut self, pointer: String, detail: impl Into<Cow<'static, str>>) {
        if self.0.len() < MAX_ERRORS {
            self.0.push(InputError { pointer, detail: detail.into() });
        }
    }

    /// Whether something was noted at this place.
    pub(crate) fn has(&self, pointer: &str) -> bool {
        self.0.iter().any(|error| error.pointer == pointer)
    }

    /// Everything that was noted.
    pub(crate) fn into_list(self) -> Vec<InputError> {
        self.0
    }

    /// Whether nothing was noted.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
