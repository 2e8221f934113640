//! The outbox: which destinations there are, and the events that a transition writes for them.
//!
//! Guarantees: an event is written by the statement of its transition (`transition.rs`), so that neither happens without
//! the other; an event that no destination wants is not written at all.

use uuid::Uuid;

use super::{Db, Error, Transition, row};
use crate::checkout::{AnnouncedCheckout, Announcement};

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
pub(super) struct Publication {
    pub(super) events: Events,
    pub(super) addressed: Addressed,
}

#[derive(Default)]
pub(super) struct Events {
    pub(super) ids: Vec<Uuid>,
    pub(super) ordinals: Vec<i16>,
    pub(super) types: Vec<String>,
    pub(super) data: Vec<String>,
}

#[derive(Default)]
pub(super) struct Addressed {
    pub(super) ids: Vec<Uuid>,
    pub(super) destinations: Vec<String>,
    pub(super) ordinals: Vec<i16>,
}

impl Publication {
    /// What this transition tells whom; `None` when nobody has to be told anything.
    pub(super) fn of(destinations: &[Destination], transition: &Transition) -> Result<Option<Self>, Error> {
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
    pub fn telling(self, destinations: Vec<Destination>) -> Self {
        Self { destinations: destinations.into(), ..self }
    }
}
