//! Serves HTTP/1 on a listener: accepts connections, limits them in number and in time, and closes them.
//!
//! Guarantees: whatever waits for a peer ends. A request's head has to be complete in time ([`guard`]), a kept connection may be
//! idle only so long, and an answer has to be read; the time limits of bodies are in `request`. There are never more
//! connections than the settings say. What accepts can be begun anew: the listener and the connections stay. HTTP/2 is not spoken: its
//! streams would escape the limit of connections.

mod guard;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request, Response, header};
use axum::response::IntoResponse as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::problem::Problem;
use crate::config::Connections;
use crate::telemetry::Metrics;
use guard::{Guard, Phase};

/// Once so much of a head was read without its end, the request is refused (431).
const LARGEST_HEAD: usize = 64 * 1024;
/// How long a connection without a request may bring one once the listener is closed.
const LAST_REQUEST: Duration = Duration::from_millis(500);
/// How long requests may take to end once nothing is left to wait for.
const CLOSING: Duration = Duration::from_secs(3);
/// How long the reserve waits for the head of a request.
const RESERVE_HEAD: Duration = Duration::from_secs(2);
/// Before the next connection is accepted when none can be.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// The request came on a connection of the reserve: only probes and operators are answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crowded;

impl Crowded {
    /// The answer to everything else.
    pub(super) fn refuses(path: &str) -> Option<Problem> {
        let kept = matches!(path, "/healthz" | "/readyz" | "/metrics" | "/ops") || path.starts_with("/ops/");
        (!kept).then(|| Problem::unavailable(false))
    }
}

/// The listeners of one process, and their connections.
pub struct Server {
    settings: Connections,
    metrics: Metrics,
    /// Closes the listeners.
    stopping: CancellationToken,
    /// Cuts what is left.
    cut: CancellationToken,
    tasks: TaskTracker,
}

impl Server {
    /// Listeners that close once `stopping` is cancelled.
    pub fn new(settings: Connections, metrics: Metrics, stopping: CancellationToken) -> Self {
        Self { settings, metrics, stopping, cut: CancellationToken::new(), tasks: TaskTracker::new() }
    }

    /// What will be served there. `name`: the listener, in the metrics.
    pub fn listener(&self, name: &'static str, listener: TcpListener, router: Router) -> Listener {
        let shared = Arc::new(Semaphore::new(self.settings.most - self.settings.reserved));
        let reserve = Arc::new(Semaphore::new(self.settings.reserved));
        let listening = Listening {
            name,
            settings: self.settings.clone(),
            router,
            metrics: self.metrics.clone(),
            stopping: self.stopping.clone(),
            cut: self.cut.clone(),
            tasks: self.tasks.clone(),
            shared,
            reserve,
        };
        Listener { listening, socket: Arc::new(listener) }
    }

    /// Ends, after everything that requests wait for has ended. What a peer keeps open is cut.
    pub async fn close(&self) {
        self.tasks.close();
        if tokio::time::timeout(CLOSING, self.tasks.wait()).await.is_err() {
            tracing::info!(connections = self.tasks.len(), "connections were cut");
            self.cut.cancel();
            self.tasks.wait().await;
        }
    }
}

/// One listener. It is closed when the last of its clones is gone, whatever connections it has accepted.
#[derive(Clone)]
pub struct Listener {
    listening: Listening,
    socket: Arc<TcpListener>,
}

impl Listener {
    /// Accepts connections until the server stops.
    pub async fn accept(&self) {
        self.listening.accept(&self.socket).await;
    }
}

/// What every connection of a listener shares.
#[derive(Clone)]
struct Listening {
    name: &'static str,
    settings: Connections,
    router: Router,
    metrics: Metrics,
    stopping: CancellationToken,
    cut: CancellationToken,
    tasks: TaskTracker,
    shared: Arc<Semaphore>,
    reserve: Arc<Semaphore>,
}

impl Listening {
    async fn accept(&self, listener: &TcpListener) {
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.stopping.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.admit(stream, peer),
                Err(error) => {
                    // Of one connection, or no file is left: others may come.
                    tracing::warn!(%error, listener = self.name, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Serves a connection, unless there are too many.
    fn admit(&self, stream: TcpStream, peer: SocketAddr) {
        let (permit, crowded) = match self.shared.clone().try_acquire_owned() {
            Ok(permit) => (permit, false),
            Err(_) => match self.reserve.clone().try_acquire_owned() {
                Ok(permit) => (permit, true),
                Err(_) => return self.metrics.connection_refused(self.name),
            },
        };
        // Nagle's algorithm costs 40 ms on a kept connection.
        let _ = stream.set_nodelay(true);
        self.tasks.spawn(self.clone().serve(stream, peer, permit, crowded));
    }

    async fn serve(self, stream: TcpStream, peer: SocketAddr, permit: OwnedSemaphorePermit, crowded: bool) {
        let open = self.metrics.connection_opened(self.name);
        let phase = Arc::new(Phase::default());
        let head = self.settings.header_timeout;
        let head = if crowded { head.min(RESERVE_HEAD) } else { head };
        let guard = Guard::new(stream, phase.clone(), head, &self.settings);
        let (router, of_request) = (TowerToHyperService::new(self.router.clone()), phase.clone());
        let metrics = (self.metrics.clone(), self.name);
        let service = service_fn(move |mut request: Request<Incoming>| {
            let answering = of_request.begin();
            request.extensions_mut().insert(ConnectInfo(peer));
            if crowded {
                request.extensions_mut().insert(Crowded);
                if Crowded::refuses(request.uri().path()).is_some() {
                    metrics.0.connection_refused(metrics.1);
                }
            }
            let response = router.call(request);
            async move {
                let response = response.await.unwrap_or_else(|never: Infallible| match never {});
                Ok::<_, Infallible>(answering.with(finished(response, crowded)))
            }
        });
        let mut http = http1::Builder::new();
        // Time limits are the guard's: hyper knows only one for the head and for an idle connection.
        http.max_buf_size(LARGEST_HEAD);
        let mut connection = pin!(http.serve_connection(TokioIo::new(guard), service));
        let ended = tokio::select! {
            ended = connection.as_mut() => Some(ended),
            () = self.stopping.cancelled() => None,
        };
        if ended.is_none() {
            connection.as_mut().graceful_shutdown();
            let last = async {
                tokio::time::sleep(LAST_REQUEST).await;
                if phase.is_answering() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                _ = connection => {}
                () = last => {}
                () = self.cut.cancelled() => {}
            }
        }
        if let Some(timed_out) = phase.timed_out() {
            self.metrics.connection_timed_out(timed_out);
        }
        drop((open, permit));
    }
}

/// The answer as it leaves. The reserve takes one request for each connection.
fn finished(response: Response<Body>, crowded: bool) -> Response<Body> {
    let mut response = response.into_response();
    if crowded {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
