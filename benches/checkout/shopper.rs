//! One shopper after the other on one connection: a checkout on one of three paths, with the time that each part took.
//!
//! Guarantees: a checkout counts only when its last answer says that it is completed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use hyper::Method;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue, LOCATION};

use super::bodies;
use super::connection::{Answer, Connection};
use super::upstream::{OPTION, number_after};

/// How a checkout is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Path {
    /// PostgreSQL alone: see `ceiling`.
    Ceiling,
    /// The upstream calls alone: see `bare`.
    Bare,
    /// Two requests, to what only hands them on: see `relay`.
    Relay,
    /// Two requests.
    OneCall,
    /// Six requests.
    Stepwise,
}

impl Path {
    /// Its name in tables and in JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ceiling => "ceiling",
            Self::Bare => "bare",
            Self::Relay => "relay",
            Self::OneCall => "one call",
            Self::Stepwise => "stepwise",
        }
    }
}

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// A whole checkout, among the names of its parts.
pub(crate) const WHOLE: &str = "checkout";

/// Something that ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) what: &'static str,
    pub(crate) ended: Instant,
    pub(crate) took: Duration,
}

/// Where the shoppers go, and who they are.
pub(crate) struct Shop {
    /// The program, or the upstream itself.
    addr: SocketAddr,
    /// The keys of the storefronts, one for each store.
    keys: Vec<HeaderValue>,
    /// Makes idempotency keys of different shops different.
    name: String,
    next: AtomicU64,
    completed: AtomicU64,
}

impl Shop {
    pub(crate) fn new(addr: SocketAddr, keys: &[String], name: &str) -> anyhow::Result<Arc<Self>> {
        let keys = keys.iter().map(|key| HeaderValue::from_str(&format!("Bearer {key}")));
        Ok(Arc::new(Self {
            addr,
            keys: keys.collect::<Result<_, _>>()?,
            name: name.to_owned(),
            next: AtomicU64::new(0),
            completed: AtomicU64::new(0),
        }))
    }

    /// Checkouts that were completed.
    pub(crate) fn completed(&self) -> u64 {
        self.completed.load(Ordering::Relaxed)
    }
}

/// A shopper.
pub(crate) struct Shopper {
    shop: Arc<Shop>,
    pub(crate) connection: Connection,
    seen: Vec<Seen>,
    /// The orders of the checkouts that are completed.
    sold: Vec<u64>,
    /// Which checkout this is, and which of its requests.
    number: u64,
    part: u32,
}

impl Shopper {
    pub(crate) async fn enter(shop: &Arc<Shop>) -> anyhow::Result<Self> {
        let connection = Connection::open(shop.addr).await?;
        Ok(Self { shop: shop.clone(), connection, seen: Vec::new(), sold: Vec::new(), number: 0, part: 0 })
    }

    /// One checkout from its beginning to its end.
    pub(crate) async fn checkout(&mut self, path: Path) -> anyhow::Result<()> {
        let began = Instant::now();
        self.number = self.shop.next.fetch_add(1, Ordering::Relaxed);
        self.part = 0;
        match path {
            Path::OneCall | Path::Relay => self.one_call().await?,
            Path::Stepwise => self.stepwise().await?,
            Path::Bare | Path::Ceiling => super::bare::checkout(self).await?,
        }
        self.note(WHOLE, began);
        self.shop.completed.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// What ended, in order, and the orders of what was completed.
    pub(crate) fn into_seen(self) -> (Vec<Seen>, Vec<u64>) {
        (self.seen, self.sold)
    }

    pub(crate) fn note(&mut self, what: &'static str, began: Instant) {
        let ended = Instant::now();
        self.seen.push(Seen { what, ended, took: ended - began });
    }

    async fn one_call(&mut self) -> anyhow::Result<()> {
        let created = self.ask("create", Method::POST, "/v1/checkouts", bodies::EVERYTHING).await?;
        let path = location(&created.expect(&[201])?)?;
        let completed =
            self.ask("complete", Method::POST, &format!("{path}/complete"), bodies::COMPLETE).await?;
        self.sell(&completed.expect(&[200])?)
    }

    async fn stepwise(&mut self) -> anyhow::Result<()> {
        let created = self.ask("create", Method::POST, "/v1/checkouts", bodies::CART).await?;
        let path = location(&created.expect(&[201])?)?;
        let option = format!(r#"[{{"shipping_option_id":"{OPTION}"}}]"#);
        self.step("billing-address", Method::PUT, &path, bodies::ADDRESS).await?;
        self.step("consignments", Method::PUT, &path, bodies::CONSIGNMENTS).await?;
        self.step("shipping-options", Method::PUT, &path, option).await?;
        self.step("order", Method::POST, &path, bodies::ORDER).await?;
        let paid = self.step("payment", Method::POST, &path, bodies::PAYMENT).await?;
        self.sell(&paid)
    }

    /// Notes the order of a checkout that is said to be completed.
    fn sell(&mut self, answer: &Answer) -> anyhow::Result<()> {
        is_completed(answer)?;
        let order =
            number_after(&answer.body, b"\"order\":{\"id\":").context("a completed checkout has no order")?;
        self.sold.push(order);
        Ok(())
    }

    async fn step(
        &mut self,
        name: &'static str,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> anyhow::Result<Answer> {
        self.ask(name, method, &format!("{path}/{name}"), body).await?.expect(&[200, 201])
    }

    /// Begins a checkout and does not wait for it.
    pub(crate) async fn begin(&mut self) -> anyhow::Result<()> {
        self.number = self.shop.next.fetch_add(1, Ordering::Relaxed);
        self.part = 0;
        let mut headers = self.headers()?;
        headers.push((PREFER, HeaderValue::from_static("wait=0")));
        let body = Bytes::from_static(bodies::EVERYTHING.as_bytes());
        let begun = self.connection.send(Method::POST, "/v1/checkouts", &headers, body).await?;
        begun.expect(&[201, 202]).map(drop)
    }

    async fn ask(
        &mut self,
        what: &'static str,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> anyhow::Result<Answer> {
        let mut headers = self.headers()?;
        // A crowd on a slow machine waits longer than the default, and is served all the same.
        headers.push((PREFER, HeaderValue::from_static("wait=30")));
        let began = Instant::now();
        let answer = self.connection.send(method, path, &headers, body.into()).await?;
        self.note(what, began);
        Ok(answer)
    }

    /// The key of the store whose turn it is, and an idempotency key that nobody used before.
    fn headers(&mut self) -> anyhow::Result<Vec<(HeaderName, HeaderValue)>> {
        let stores = self.shop.keys.len().max(1);
        let store = usize::try_from(self.number).unwrap_or_default() % stores;
        let key = self.shop.keys.get(store).context("there is no store")?.clone();
        self.part += 1;
        let idempotency = format!("{}-{}-{}", self.shop.name, self.number, self.part);
        Ok(vec![
            (AUTHORIZATION, key),
            (HeaderName::from_static("idempotency-key"), HeaderValue::from_str(&idempotency)?),
        ])
    }
}

fn location(created: &Answer) -> anyhow::Result<String> {
    let location = created.headers.get(LOCATION).context("an answer has no Location")?.to_str()?;
    let path =
        location.find("/v1/").and_then(|at| location.get(at..)).context("a Location is of another kind")?;
    Ok(path.to_owned())
}

fn is_completed(answer: &Answer) -> anyhow::Result<()> {
    let wanted = b"\"status\":\"completed\"";
    let said = || String::from_utf8_lossy(&answer.body).chars().take(600).collect::<String>();
    anyhow::ensure!(
        answer.body.windows(wanted.len()).any(|window| window == wanted),
        "a checkout was not completed: {}",
        said()
    );
    Ok(())
}
