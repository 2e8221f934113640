//! What request headers ask for: how long to wait, which version was seen.

use std::time::Duration;

/// Without a wish.
const DEFAULT: u64 = 10;
/// The longest wait.
const LONGEST: u64 = 30;

/// How long a caller wants to wait for a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait {
    seconds: u64,
    /// Whether the caller said so.
    pub(crate) asked: bool,
}

impl Wait {
    /// Reads `Prefer` headers (RFC 7240). What cannot be understood is ignored, as it says; so is what we do not know.
    pub(crate) fn of<'a>(headers: impl Iterator<Item = &'a str>) -> Self {
        let wishes = headers.flat_map(|header| header.split(','));
        let asked = wishes.into_iter().find_map(|wish| {
            let wish = wish.split(';').next().unwrap_or_default();
            let (name, value) = wish.split_once('=')?;
            let value = value.trim().trim_matches('"');
            let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
            let known = name.trim().eq_ignore_ascii_case("wait") && digits;
            known.then(|| value.parse().unwrap_or(LONGEST).min(LONGEST))
        });
        Self { seconds: asked.unwrap_or(DEFAULT), asked: asked.is_some() }
    }

    /// As a duration.
    pub(crate) fn duration(self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// The value of `Preference-Applied`.
    pub(crate) fn applied(self) -> String {
        format!("wait={}", self.seconds)
    }
}

/// What `If-Match` or `If-None-Match` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tags {
    /// Whatever there is.
    Any,
    /// These versions. A tag that is none of ours stands for no version at all.
    Versions(Vec<Option<i64>>),
}

impl Tags {
    /// Reads a list of entity tags. `None`: it is no such list. A weak tag counts like a strong one: a proxy that compresses
    /// answers weakens the tag, and the version in it is the same.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.trim() == "*" {
            return Some(Self::Any);
        }
        let tags = text.split(',').map(|tag| {
            let tag = tag.trim();
            let inner = tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"')?.strip_suffix('"')?;
            if inner.contains('"') {
                return None;
            }
            let ours = !inner.is_empty() && inner.bytes().all(|byte| byte.is_ascii_digit());
            Some(inner.parse().ok().filter(|_| ours))
        });
        tags.collect::<Option<Vec<_>>>().map(Self::Versions)
    }

    /// Whether this version is named.
    pub(crate) fn name(&self, version: i64) -> bool {
        match self {
            Self::Any => true,
            Self::Versions(versions) => versions.contains(&Some(version)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_to_wait_is_understood_or_ignored() {
        for (header, seconds, asked) in [
            ("", 10, false),
            ("wait=5", 5, true),
            ("respond-async, Wait = \"7\"; foo=1", 7, true),
            ("wait=0", 0, true),
            ("wait=31", 30, true),
            ("wait=99999999999999999999999", 30, true),
            ("wait=-1", 10, false),
            ("wait=1.5", 10, false),
            ("wait", 10, false),
            ("await=3", 10, false),
            ("wait=x, wait=4", 4, true),
        ] {
            assert_eq!(Wait::of([header].into_iter()), Wait { seconds, asked }, "{header}");
        }
    }

    #[test]
    fn entity_tags_are_compared_by_their_version() {
        let named = |text| Tags::parse(text).map(|tags| tags.name(7));
        for (text, matches) in [
            ("\"7\"", Some(true)),
            ("\"6\", \"7\"", Some(true)),
            ("*", Some(true)),
            ("\"8\"", Some(false)),
            ("W/\"7\"", Some(true)),
            ("W/\"8\"", Some(false)),
            ("w/\"7\"", None),
            ("\"abc\"", Some(false)),
            ("\"\"", Some(false)),
            ("\"99999999999999999999\"", Some(false)),
            ("7", None),
            ("\"7", None),
            ("", None),
            ("\"7\",", None),
        ] {
            assert_eq!(named(text), matches, "{text}");
        }
    }
}
