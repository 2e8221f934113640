//! The outbox: the configured destinations, and the events that a transition writes for them.
//!
//! Guarantees: an event is written by the statement of its transition (`transition/statement.rs`), so neither is written
//! without the other; an event without subscribers is not written at all.

pub(crate) mod deliveries;
pub(crate) mod event_records;
pub(crate) mod webhooks;

use uuid::Uuid;

use crate::checkout::{AnnouncedCheckout, Announcement};
use crate::db::checkout::row;
use crate::db::{Db, Error, Transition};

/// Where events go, as far as the database has to know.
#[derive(Debug, Clone)]
pub struct Destination {
    /// What the installation calls it; its deliveries are recorded under this name.
    pub name: String,
    /// What it wants to be told.
    pub wants: Vec<Announcement>,
}

/// The events of one transition and whom each is for, as columns.
#[derive(Default)]
pub(crate) struct Publication {
    pub(crate) events: Events,
    pub(crate) addressed: Addressed,
}

#[derive(Default)]
pub(crate) struct Events {
    pub(crate) ids: Vec<Uuid>,
    pub(crate) ordinals: Vec<i16>,
    pub(crate) types: Vec<String>,
    pub(crate) data: Vec<String>,
}

#[derive(Default)]
pub(crate) struct Addressed {
    pub(crate) ids: Vec<Uuid>,
    pub(crate) destinations: Vec<String>,
    pub(crate) ordinals: Vec<i16>,
}

impl Publication {
    /// What this transition tells whom; `None` when nobody has to be told anything.
    pub(crate) fn of(destinations: &[Destination], transition: &Transition) -> Result<Option<Self>, Error> {
        let mut publication = Self::default();
        for (ordinal, &news) in (0_i16..).zip(transition.news()) {
            let mut wanting =
                destinations.iter().filter(|destination| destination.wants.contains(&news)).peekable();
            if wanting.peek().is_none() {
                continue;
            }
            let checkout = transition.checkout();
            let id = Uuid::now_v7();
            publication.events.ids.push(id);
            publication.events.ordinals.push(ordinal);
            publication.events.types.push(news.as_str().to_owned());
            publication.events.data.push(row::to_text(checkout, &AnnouncedCheckout::of(checkout))?);
            for destination in wanting {
                publication.addressed.ids.push(id);
                publication.addressed.destinations.push(destination.name.clone());
                publication.addressed.ordinals.push(ordinal);
            }
        }
        Ok((!publication.events.ids.is_empty()).then_some(publication))
    }
}

impl Db {
    /// A store whose transitions tell these destinations.
    #[must_use]
    pub fn with_destinations(self, destinations: Vec<Destination>) -> Self {
        Self { destinations: destinations.into(), ..self }
    }
}
