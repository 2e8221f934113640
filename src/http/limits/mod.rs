//! Rate limits per caller. A request above a limit is answered with `rate-limited` (429) before anything is bound, recorded
//! or sent.
//!
//! A limit holds for all processes together: each grants an equal share, by the number of live processes. Payments with a
//! checkout token are counted in the database, because people who test stolen cards do it slowly and from many addresses.
//! The store's own quota at BigCommerce is protected by `bigcommerce::budget`, not here.

mod buckets;
mod client;
mod pauses;
mod payments;

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tokio::time::Instant;

use super::AppState;
use super::dashboard;
use super::problem::Problem;
use super::server::Crowded;
use crate::checkout::CheckoutId;
use crate::config::{self, Config};
use crate::http::problem::catalog::Slug;
use crate::http::request::auth::{Caller, Principal};
use buckets::Buckets;
pub(crate) use client::Client;
use pauses::Pauses;

/// How many processes of the service live, this one included.
pub type Living = Arc<dyn Fn() -> u32 + Send + Sync>;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// Who or what is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Subject {
    Key(String),
    Client(Client),
    Checkout(CheckoutId),
}

/// One limit.
struct Limit {
    /// Its name in the metrics.
    kind: &'static str,
    /// What all processes grant together; 0: no limit.
    most: u32,
    buckets: Mutex<Buckets<Subject>>,
}

impl Limit {
    fn new(kind: &'static str, most: u32, period: Duration) -> Self {
        Self { kind, most, buckets: Mutex::new(Buckets::new(period)) }
    }
}

/// Every limit of the service.
pub(super) struct Limits {
    settings: config::Limits,
    /// Whether a proxy that is not trusted was told of.
    told: AtomicBool,
    living: Living,
    key: Limit,
    publishable_key: Limit,
    address: Limit,
    creations: Limit,
    checkout: Limit,
    unknown: Limit,
    sign_in: Limit,
    /// Wrong tokens in a row.
    wrong_tokens: Mutex<Pauses<Client>>,
    /// Checkouts whose first payment a server asked for here.
    first_payments: Mutex<Buckets<Subject>>,
}

impl Limits {
    /// Those of the configuration.
    pub(super) fn of(config: &Config, living: Living) -> Self {
        let settings = config.limits.clone();
        Self {
            key: Limit::new("key", settings.key, MINUTE),
            publishable_key: Limit::new("key", settings.publishable_key, MINUTE),
            address: Limit::new("address", settings.address, MINUTE),
            creations: Limit::new("creations", settings.creations, MINUTE),
            checkout: Limit::new("checkout", settings.checkout, MINUTE),
            unknown: Limit::new("unknown", settings.unknown, MINUTE),
            sign_in: Limit::new("sign-in", settings.sign_in, MINUTE),
            wrong_tokens: Mutex::new(Pauses::new()),
            first_payments: Mutex::new(Buckets::new(HOUR)),
            settings,
            told: AtomicBool::new(false),
            living,
        }
    }

    /// The share of this process.
    fn share(&self, limit: &Limit) -> u32 {
        (limit.most / (self.living)().max(1)).max(1)
    }

    fn take(&self, limit: &Limit, subject: Subject) -> Result<(), Limited> {
        if limit.most == 0 {
            return Ok(());
        }
        let share = self.share(limit);
        let mut buckets = limit.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.take(subject, share, Instant::now()).map_err(|after| Limited { kind: limit.kind, after })
    }

    /// Whether no payment of this checkout was asked for here within the last hour.
    fn is_first_payment(&self, checkout: CheckoutId) -> bool {
        let mut first = self.first_payments.lock().unwrap_or_else(PoisonError::into_inner);
        first.take(Subject::Checkout(checkout), 1, Instant::now()).is_ok()
    }

    /// Tells the operator, once, that something in front may have been forgotten: then all clients share one address.
    fn notice_proxy(&self, peer: IpAddr, headers: &HeaderMap) {
        let forgotten = self.settings.trusted_proxies.is_empty() && client::is_forwarded(headers);
        if forgotten && !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %peer,
                "a request has a forwarding header, but TRUSTED_PROXIES is not set: if it came from your \
                    proxy, all \
                 clients count as one address"
            );
        }
    }

    /// Who asks.
    pub(super) fn client(&self, request: &Request) -> Client {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0.ip());
        self.notice_proxy(peer, request.headers());
        Client::of(peer, request.headers(), &self.settings.trusted_proxies)
    }

    /// Whether somebody may try to sign in.
    fn may_sign_in(&self, client: Client) -> Result<(), Limited> {
        self.take(&self.sign_in, Subject::Client(client))?;
        match self.wrong_tokens().left(&client, Instant::now()).filter(|_| self.sign_in.most > 0) {
            Some(after) => Err(Limited { kind: self.sign_in.kind, after }),
            None => Ok(()),
        }
    }

    fn wrong_tokens(&self) -> std::sync::MutexGuard<'_, Pauses<Client>> {
        self.wrong_tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_back(&self, limit: &Limit, subject: Subject) {
        let mut buckets = limit.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.give_back(subject, self.share(limit));
    }
}

/// A limit is reached.
#[derive(Debug, Clone, Copy)]
struct Limited {
    kind: &'static str,
    after: Duration,
}

impl AppState {
    /// Counts a request about a checkout, of somebody who may see it: nobody else uses up what belongs to it.
    pub(super) fn count_checkout(
        &self,
        id: CheckoutId,
        principal: &Principal,
        method: &Method,
    ) -> Result<(), Problem> {
        let reads = matches!(*method, Method::GET | Method::HEAD);
        if reads && matches!(principal, Principal::Server { .. }) {
            return Ok(());
        }
        let limits = self.limits();
        limits.take(&limits.checkout, Subject::Checkout(id)).map_err(|limited| self.limited(limited))
    }

    /// The answer to a request that is too many. It is counted.
    fn limited(&self, limited: Limited) -> Problem {
        self.metrics().limited(limited.kind);
        let detail = match limited.kind {
            "key" => "too many requests with this storefront key",
            "creations" => "too many checkouts were created from this address",
            "checkout" => "too many requests about this checkout",
            "sign-in" => "too many failed attempts to sign in",
            "payments-of-checkout" => "too many payment attempts on this checkout",
            "payments-of-shopper" => "too many payment attempts by this shopper",
            "payments-of-address" => "too many payment attempts from this address",
            "declines-of-checkout" => "too many payments of this checkout were declined",
            "declines-of-shopper" => "too many payments of this shopper were declined",
            "declines-of-address" => "too many payments from this address were declined",
            "declines-of-key" => "too many payments with this storefront key were declined",
            _ => "too many requests from this address",
        };
        let seconds = limited.after.as_secs() + u64::from(limited.after.subsec_nanos() > 0);
        let problem =
            Problem::new(Slug::RateLimited, format!("{detail}; nothing was recorded and nothing was sent"))
                .retry_after(seconds);
        if limited.kind.starts_with("declines-") { problem.declined_often() } else { problem }
    }
}

/// The layer: counts a request before anything looks at it, and not what it is not counted for.
pub(super) async fn around(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let limits = state.limits();
    let client = limits.client(&request);
    let path = request.uri().path();
    if request.extensions().get::<Crowded>().is_some()
        && let Some(problem) = Crowded::refuses(path)
    {
        return problem.into_response();
    }
    if path == "/ops/sign-in" && request.method() == Method::POST {
        return signing_in(&state, client, request, next).await;
    }
    let storefront = path.starts_with("/v1/");
    // The pages of the dashboard know their session; a credential in a header is one like everywhere.
    let presents = path.starts_with("/ops") && request.headers().contains_key(header::AUTHORIZATION);
    let is_program = storefront || path.starts_with("/ops/v1/");
    if !is_program && !presents {
        return next.run(request).await;
    }
    let caller = state.credentials().caller(request.headers());
    let mut taken: Vec<(&Limit, Subject)> = Vec::new();
    match &caller {
        Caller::Server(name) | Caller::Page(name) if storefront => {
            taken.push((&limits.key, Subject::Key(name.clone())));
            if matches!(caller, Caller::Page(_)) {
                taken.push((&limits.publishable_key, Subject::Key(name.clone())));
            }
        }
        _ => {}
    }
    if storefront && !matches!(caller, Caller::Server(_)) {
        taken.push((&limits.address, Subject::Client(client)));
    }
    // Everybody can create with what stands in a page, and each cart costs calls of the store's quota.
    if matches!(caller, Caller::Page(_)) && request.method() == Method::POST {
        taken.push((&limits.creations, Subject::Client(client)));
    }
    // What looks like a checkout token is looked up in the database, and at the operators' door no other limit counts it.
    if matches!(caller, Caller::Unknown) || (!storefront && matches!(caller, Caller::Token)) {
        // It is given back to whoever turns out to be known.
        taken.push((&limits.unknown, Subject::Client(client)));
    }
    for (at, (limit, subject)) in taken.iter().enumerate() {
        if let Err(limited) = limits.take(limit, subject.clone()) {
            for (limit, subject) in taken.iter().take(at) {
                limits.give_back(limit, subject.clone());
            }
            let problem = state.limited(limited);
            return if is_program { problem.into_response() } else { dashboard::refused(problem) };
        }
    }
    let response = next.run(request).await;
    for (limit, subject) in taken {
        if limit.kind == limits.unknown.kind && response.status() != StatusCode::UNAUTHORIZED {
            limits.give_back(limit, subject);
        }
    }
    response
}

/// Only what failed counts, and then nothing is let in, right or wrong.
async fn signing_in(state: &AppState, client: Client, request: Request, next: Next) -> Response {
    let limits = state.limits();
    if let Err(limited) = limits.may_sign_in(client) {
        return dashboard::refused(state.limited(limited));
    }
    let response = next.run(request).await;
    let went_in = response.headers().get_all(header::SET_COOKIE).iter().count() > 0;
    if went_in && response.status() == StatusCode::SEE_OTHER {
        limits.give_back(&limits.sign_in, Subject::Client(client));
        limits.wrong_tokens().succeeded(&client);
    } else if response.status() == StatusCode::UNAUTHORIZED {
        limits.wrong_tokens().failed(client, Instant::now());
    }
    response
}
