//! Where outgoing events are sent, and how often they are retried.
//!
//! Reasons name the destination, never its secret and never its URL, which may carry one.

use std::time::Duration;

use super::{
    credentials::is_name,
    reader::{Reader, number, seconds},
};
use crate::standard_webhooks::SigningKey;

/// Every type of event that a destination can be told.
pub const EVENT_TYPES: &[&str] = &[
    "order.created",
    "payment.pending",
    "payment.unknown",
    "payment.declined",
    "checkout.completed",
    "checkout.cancelled",
    "checkout.expired",
    "checkout.stuck",
    "checkout.restarted",
];

/// Outgoing events.
#[derive(Clone)]
pub struct Events {
    /// `EVENT_DESTINATIONS`; empty: no events are sent.
    pub destinations: Vec<Destination>,
    /// `EVENT_TIMEOUT_SECONDS`.
    pub timeout: Duration,
    /// `EVENT_RETRY_BASE_MS`.
    pub retry_base: Duration,
    /// `EVENT_RETRY_MAX_SECONDS`.
    pub retry_max: Duration,
    /// `EVENT_GIVE_UP_SECONDS`.
    pub give_up: Duration,
    /// `EVENT_RETENTION_DAYS`.
    pub keep: Duration,
}

/// One that is told about checkouts.
#[derive(Clone)]
pub struct Destination {
    /// What operators call it; unique.
    pub name: String,
    /// What it wants to be told; words of [`EVENT_TYPES`], never empty.
    pub types: Vec<String>,
    /// What its events are signed with; never empty. Several while a secret is being changed.
    pub keys: Vec<SigningKey>,
    /// Where it takes them.
    pub url: reqwest::Url,
}

impl Events {
    /// What commands that act on the database alone read.
    pub fn from_env() -> Result<Self, super::Errors> {
        let mut reader = Reader::new(&super::environment);
        let events = Self::read(&mut reader);
        reader.finish(Some(events))
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        const DAY: u32 = 86_400;
        let destinations = reader.secret("EVENT_DESTINATIONS").map(|text| {
            let mut refuse = |reason| reader.refuse("EVENT_DESTINATIONS", reason);
            destinations(text.expose(), &mut refuse)
        });
        let timeout = reader.defaulted("EVENT_TIMEOUT_SECONDS", seconds(60));
        let retry_base = reader.defaulted("EVENT_RETRY_BASE_MS", number(1, 60_000));
        let retry_base = Duration::from_millis(retry_base.into());
        let retry_max = reader.defaulted("EVENT_RETRY_MAX_SECONDS", seconds(DAY));
        if retry_max < retry_base {
            reader.refuse("EVENT_RETRY_MAX_SECONDS", "must not be shorter than EVENT_RETRY_BASE_MS");
        }
        let give_up = reader.defaulted("EVENT_GIVE_UP_SECONDS", seconds(30 * DAY));
        let keep = reader.defaulted("EVENT_RETENTION_DAYS", number(1, 3650));
        let keep = Duration::from_secs(u64::from(keep) * u64::from(DAY));
        if keep < give_up {
            reader.refuse("EVENT_RETENTION_DAYS", "must not be shorter than EVENT_GIVE_UP_SECONDS");
        }
        Self { destinations: destinations.unwrap_or_default(), timeout, retry_base, retry_max, give_up, keep }
    }
}

/// Reads `name=secrets@url,...`, where a name may be followed by `:type|type` and secrets are separated by `|`.
fn destinations(text: &str, refuse: &mut dyn FnMut(String)) -> Vec<Destination> {
    let mut destinations = Vec::<Destination>::new();
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    for (index, entry) in entries.enumerate() {
        let Some((who, secrets, url)) = parts(entry) else {
            refuse(format!("entry {} must have the form name=whsec_...@https://...", index + 1));
            continue;
        };
        let (name, types) = who.split_once(':').map_or((who, None), |(name, types)| (name, Some(types)));
        match destination(name, types, secrets, url) {
            Err(reason) => refuse(reason),
            Ok(_) if destinations.iter().any(|other| other.name == name) => {
                refuse(format!("the name {name:?} is given twice"));
            }
            Ok(destination) => destinations.push(destination),
        }
    }
    destinations
}

fn parts(entry: &str) -> Option<(&str, &str, &str)> {
    let (who, rest) = entry.split_once('=')?;
    let (secrets, url) = rest.split_once('@')?;
    Some((who.trim(), secrets, url))
}

fn destination(name: &str, types: Option<&str>, secrets: &str, url: &str) -> Result<Destination, String> {
    if !is_name(name) {
        return Err(format!("{name:?} is no name for a destination: letters, digits, - and _, at most 64"));
    }
    let types: Vec<String> = match types {
        None => EVENT_TYPES.iter().map(|&kind| kind.to_owned()).collect(),
        Some(types) => types.split('|').map(|kind| kind.trim().to_owned()).collect(),
    };
    if let Some(unknown) = types.iter().find(|kind| !EVENT_TYPES.contains(&kind.as_str())) {
        let known = EVENT_TYPES.join(", ");
        return Err(format!("{name:?} asks for {unknown:?}, which is no event; there are {known}"));
    }
    let keys = secrets.split('|').map(SigningKey::parse).collect::<Option<Vec<_>>>();
    let keys =
        keys.ok_or_else(|| format!("a secret of {name:?} must be whsec_ and 24 to 64 bytes in base64"))?;
    let plain = |url: &reqwest::Url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
    };
    let url = reqwest::Url::parse(url).ok().filter(plain).ok_or_else(|| {
        format!("the URL of {name:?} must be http or https, without a user, a password and a fragment")
    })?;
    Ok(Destination { name: name.to_owned(), types, keys, url })
}
