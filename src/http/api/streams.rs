//! Event streams share their work and are limited in number: the row of a checkout is read and rendered once for each change,
//! however many follow it, and a stream is one too many rather than everybody's checkout slow.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::checkout::{Checkout, CheckoutId, Status};
use crate::config::Config;
use crate::http::AppState;
use crate::http::limits::Client;
use crate::http::problem::Problem;
use crate::http::problem::catalog::Slug;
use crate::http::request::auth::Principal;
use crate::http::request::extract::Target;
use crate::http::response::snapshot::Snapshot;

/// Tabs and devices of one shopper, and the storefront's own.
const PER_CHECKOUT: usize = 8;
/// Shoppers who share an address.
const PER_ADDRESS: usize = 256;
/// When to try again: somebody may have closed a tab.
const AGAIN_SECONDS: u64 = 15;

/// A checkout as it is sent.
#[derive(Debug)]
pub(super) struct News {
    pub(super) version: i64,
    pub(super) is_final: bool,
    data: String,
    /// Where a shopper is told less.
    for_shopper: Option<String>,
}

impl News {
    pub(super) fn of(checkout: &Checkout) -> Self {
        let declined = checkout.facts.payment.as_ref().is_some_and(|payment| payment.decline.is_some());
        let for_shopper = declined.then(|| {
            let shopper = Target { id: checkout.id, principal: Principal::Checkout(checkout.id) };
            text(&shopper.seen(checkout.clone()))
        });
        Self {
            version: checkout.version,
            is_final: checkout.status.is_final(),
            data: text(checkout),
            for_shopper,
        }
    }

    /// As a shopper or a server is told.
    pub(super) fn data(&self, is_shopper: bool) -> &str {
        self.for_shopper.as_deref().filter(|_| is_shopper).unwrap_or(&self.data)
    }
}

fn text(checkout: &Checkout) -> String {
    serde_json::to_string(&Snapshot::of(checkout)).unwrap_or_default()
}

/// The latest news of a checkout. It ends when they cannot be read.
pub(super) type Feed = watch::Receiver<Option<Arc<News>>>;

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Subject {
    Process,
    Checkout(CheckoutId),
    Key(String),
    Client(Option<Client>),
}

/// Every event stream of this process.
pub(crate) struct Streams {
    most: usize,
    age: Duration,
    open: Arc<Mutex<HashMap<Subject, usize>>>,
    feeds: Arc<Feeds>,
}

/// An open stream: it counts until this is dropped.
pub(super) struct Open {
    counts: Arc<Mutex<HashMap<Subject, usize>>>,
    subjects: Vec<Subject>,
    _counted: crate::telemetry::OpenConnection,
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut open = locked(&self.counts);
        for subject in &self.subjects {
            if let Some(count) = open.get_mut(subject) {
                *count -= 1;
                if *count == 0 {
                    open.remove(subject);
                }
            }
        }
    }
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Streams {
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            most: config.connections.streams,
            age: config.connections.stream_age,
            open: Arc::default(),
            feeds: Arc::default(),
        }
    }

    /// How long a stream lives.
    pub(super) fn age(&self) -> Duration {
        self.age
    }

    /// One more stream of a checkout, unless there are too many.
    pub(super) fn open(
        &self,
        state: &AppState,
        target: &Target,
        client: Option<Client>,
    ) -> Result<Open, Problem> {
        let whose = match &target.principal {
            // One key leaves room for another.
            principal @ Principal::Server { .. } => {
                (Subject::Key(principal.scope()), self.most - self.most / 4)
            }
            _ => (Subject::Client(client), PER_ADDRESS),
        };
        let limits = [(Subject::Checkout(target.id), PER_CHECKOUT), whose, (Subject::Process, self.most)];
        let mut open = locked(&self.open);
        let full = limits.iter().find(|(subject, most)| open.get(subject).is_some_and(|count| count >= most));
        if let Some((subject, _)) = full {
            let (kind, detail) = match subject {
                Subject::Checkout(_) => {
                    ("streams-of-checkout", "this checkout has too many open event streams")
                }
                Subject::Key(_) => ("streams-of-key", "this key has too many open event streams"),
                Subject::Client(_) => ("streams-of-address", "this address has too many open event streams"),
                Subject::Process => ("streams", "too many event streams are open"),
            };
            state.metrics().limited(kind);
            let detail = format!("{detail}; close some, or read the checkout instead");
            return Err(Problem::new(Slug::RateLimited, detail).retry_after(AGAIN_SECONDS));
        }
        let subjects: Vec<Subject> = limits.into_iter().map(|(subject, _)| subject).collect();
        for subject in &subjects {
            *open.entry(subject.clone()).or_default() += 1;
        }
        drop(open);
        Ok(Open { counts: self.open.clone(), subjects, _counted: state.metrics().stream_opened() })
    }

    /// The news of a checkout, shared by all who follow it here.
    pub(super) fn follow(&self, state: &AppState, id: CheckoutId) -> Feed {
        let mut feeds = locked(&self.feeds);
        if let Some(feed) = feeds.get(&id) {
            return feed.subscribe();
        }
        let (feed, news) = watch::channel(None);
        feeds.insert(id, feed.clone());
        let reader = Reader { id, feed, feeds: self.feeds.clone() };
        // Watched before anybody reads, so that no change falls in between.
        let watch = state.engine().watch(id);
        let read = reader.read(state.clone(), watch);
        state.0.tasks.spawn(read);
        news
    }
}

type Feeds = Mutex<HashMap<CheckoutId, watch::Sender<Option<Arc<News>>>>>;

/// Reads a checkout after each of its changes, as long as somebody follows it.
struct Reader {
    id: CheckoutId,
    feed: watch::Sender<Option<Arc<News>>>,
    feeds: Arc<Feeds>,
}

impl Reader {
    async fn read(self, state: AppState, mut watch: crate::saga::Watch) {
        // Whoever begins to follow has read it already, and may have seen it at work.
        let mut seen = Status::Running;
        loop {
            tokio::select! {
                () = state.stopping().cancelled() => return,
                () = watch.changed_since(seen) => {}
                () = self.feed.closed() => {
                    let mut feeds = locked(&self.feeds);
                    // Nobody can begin to follow meanwhile.
                    if self.feed.receiver_count() == 0 {
                        feeds.remove(&self.id);
                        return;
                    }
                    continue;
                }
            }
            // Who follows connects again when this ends, and learns then.
            let Ok(checkout) = state.engine().snapshot(self.id).await else { return };
            seen = checkout.status;
            let news = News::of(&checkout);
            let is_final = news.is_final;
            self.feed.send_replace(Some(Arc::new(news)));
            if is_final {
                return;
            }
        }
    }
}

/// Whoever follows now begins another feed, however this one ended.
impl Drop for Reader {
    fn drop(&mut self) {
        let mut feeds = locked(&self.feeds);
        if feeds.get(&self.id).is_some_and(|feed| feed.same_channel(&self.feed)) {
            feeds.remove(&self.id);
        }
    }
}
