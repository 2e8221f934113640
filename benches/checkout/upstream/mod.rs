//! The bench upstream: it answers as BigCommerce would on the straight path, from prepared text, and counts.
//!
//! Guarantees: an answer is of realistic size and fits the calls before it (the cart's id is in every answer, its order's
//! number follows from it), so that a saga runs to its end; nothing is remembered but what was charged, so that it costs almost
//! nothing and is not what is measured. Never: a fault, a limit of the rate, a wrong request found. That is the simulator's part.

mod answers;
mod books;
mod route;

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use answers::Answers;
pub(crate) use answers::{OPTION, number_after};
use books::Books;
use route::Call;

/// A quota that nobody uses up: what is measured is the program, not the plan of a store.
const QUOTA: HeaderValue = HeaderValue::from_static("1000000000");
const WINDOW_MS: u128 = 30_000;

/// A running upstream, on threads of its own. It ends with the process.
pub(crate) struct Upstream {
    /// Where it listens.
    pub(crate) addr: SocketAddr,
    state: Arc<State>,
}

struct State {
    answers: Answers,
    counts: [AtomicU64; Call::COUNT],
    carts: AtomicU64,
    latency_us: AtomicU64,
    holding: AtomicBool,
    started: Instant,
    books: Books,
}

/// Calls since the start.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    /// On the management API, up to and including the payment.
    pub(crate) management: u64,
    /// Payments.
    pub(crate) payments: u64,
    /// Reads of a single order: what the program refreshes once it was paid.
    pub(crate) afterwards: u64,
    /// Calls that are not on the straight path. There should be none.
    pub(crate) strange: u64,
}

impl Upstream {
    /// Starts it on a free port of loopback.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let state = Arc::new(State {
            answers: Answers::prepare(),
            counts: Default::default(),
            carts: AtomicU64::new(0),
            latency_us: AtomicU64::new(0),
            holding: AtomicBool::new(false),
            started: Instant::now(),
            books: Books::default(),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("upstream")
            .enable_all()
            .build()
            .context("the upstream cannot be started")?;
        let shared = state.clone();
        std::thread::spawn(move || runtime.block_on(serve(listener, shared)));
        Ok(Self { addr, state })
    }

    /// How long every answer takes from now on.
    pub(crate) fn set_latency(&self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.state.latency_us.store(micros, Ordering::Relaxed);
    }

    /// Whether each checkout is kept waiting forever at one of its calls: cart, billing address, consignments, shipping
    /// option in turn.
    pub(crate) fn hold(&self, holding: bool) {
        self.state.holding.store(holding, Ordering::Relaxed);
    }

    /// What was charged so far.
    pub(crate) fn books(&self) -> &Books {
        &self.state.books
    }

    /// What was called so far.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for call in Call::ALL {
            let seen = self.state.counts[call as usize].load(Ordering::Relaxed);
            match call {
                Call::Pay => counts.payments += seen,
                Call::ReadOrder => counts.afterwards += seen,
                Call::Strange => counts.strange += seen,
                _ => counts.management += seen,
            }
        }
        counts
    }
}

async fn serve(listener: std::net::TcpListener, state: Arc<State>) {
    let connections = TaskTracker::new();
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let state = state.clone();
        connections.spawn(async move {
            let answer = service_fn(move |request| answer(state.clone(), request));
            // A connection that breaks is the other side's to notice.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let (call, cart) = route::of(head.method.as_str(), head.uri.path(), head.uri.query().unwrap_or_default());
    state.counts[call as usize].fetch_add(1, Ordering::Relaxed);
    let number = match call {
        Call::CreateCart => state.carts.fetch_add(1, Ordering::Relaxed) + 1,
        Call::CreateToken => answers::number_after(&body, b"\"id\":").unwrap_or_default(),
        _ => answers::number_of(cart),
    };
    if state.holding.load(Ordering::Relaxed) && call.place() == Some(number % Call::PLACES) {
        std::future::pending::<()>().await;
    }
    if call == Call::Pay {
        state.books.charge(head.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default());
    }
    let latency = state.latency_us.load(Ordering::Relaxed);
    if latency > 0 {
        tokio::time::sleep(Duration::from_micros(latency)).await;
    }
    let (status, text) = state.answers.of(call, number);
    let mut response = Response::new(Full::new(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if call != Call::Pay {
        let left = WINDOW_MS - state.started.elapsed().as_millis() % WINDOW_MS;
        headers.insert("x-rate-limit-requests-left", QUOTA);
        headers.insert("x-rate-limit-requests-quota", QUOTA);
        headers.insert("x-rate-limit-time-window-ms", HeaderValue::from_static("30000"));
        headers.insert("x-rate-limit-time-reset-ms", HeaderValue::from(u64::try_from(left).unwrap_or(1)));
    }
    Ok(response)
}
