//! The listener: one for both BigCommerce hosts and the control plane.
//!
//! A request without a fault is carried out in one go, without a point at which it could be dropped half-way.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::answer::{self, Answer};
use crate::board::Seen;
use crate::call::Call;
use crate::control;
use crate::fault_kind::Effect;
use crate::play::{Outcome, play};
use crate::rate::{self, Standing};
use crate::router::{self, Family, Target};
use crate::world::{Arrived, World, unrouted};

/// The largest body that is read, in bytes.
const LARGEST_BODY: usize = 4 * 1024 * 1024;

/// Accepts connections until the world stops.
pub(crate) async fn serve(world: Arc<World>, listener: TcpListener) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = world.stopping.cancelled() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = connection(Arc::clone(&world), stream);
                world.tasks.spawn(connection);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

async fn connection(world: Arc<World>, stream: TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the connection went before it was served");
    }
    let reset = Arc::new(AtomicBool::new(false));
    let io = TokioIo::new(Link { stream, reset: Arc::clone(&reset) });
    let stopping = world.stopping.clone();
    let service = service_fn(move |request| answer_request(Arc::clone(&world), Arc::clone(&reset), request));
    let served = hyper::server::conn::http1::Builder::new().serve_connection(io, service);
    tokio::select! {
        served = served => {
            if let Err(error) = served {
                tracing::debug!(%error, "the connection ended early");
            }
        }
        () = stopping.cancelled() => {}
    }
}

/// Ends the connection without an answer.
#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection is broken on purpose")
    }
}

impl std::error::Error for Broken {}

async fn answer_request(
    world: Arc<World>,
    reset: Arc<AtomicBool>,
    request: Request<Incoming>,
) -> Result<Response<Content>, Broken> {
    let (parts, body) = request.into_parts();
    let query = form_urlencoded::parse(parts.uri.query().unwrap_or("").as_bytes()).into_owned().collect();
    let path = parts.uri.path().to_owned();
    let bytes = match Limited::new(body, LARGEST_BODY).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            return Ok(respond(answer::problem(413, "The body is too large."), None));
        }
        Err(_) => return Err(Broken),
    };
    let call = Call { method: parts.method, path, query, headers: parts.headers, bytes };
    let outcome = if call.path.starts_with("/simulator") {
        Outcome::Answer(control::answer(&world, &call))
    } else {
        upstream(&world, call).await
    };
    match outcome {
        Outcome::Answer(answer) => Ok(respond(answer, None)),
        Outcome::Truncated(answer) => {
            let cut = answer.body.len() / 2;
            Ok(respond(answer, Some((cut, reset))))
        }
        Outcome::Close => Err(Broken),
        Outcome::Reset => {
            reset.store(true, Ordering::SeqCst);
            Err(Broken)
        }
    }
}

/// Routes, counts and carries out one request to BigCommerce.
async fn upstream(world: &Arc<World>, call: Call) -> Outcome {
    let split = router::split(&call.path).map(|(hash, rest)| {
        (
            percent_decode_str(hash).decode_utf8_lossy().into_owned(),
            router::find(&call.method, rest),
            router::family(rest),
        )
    });
    let (store, target, family) = split.unwrap_or_else(|| (String::new(), Target::Unknown, Family::V3));
    let name = if let Target::Found { route, .. } = &target { route.name } else { "unknown" };
    let life = world.life();
    let sequence = world.log(name, &store, &call);
    let finish = |answer: Answer| {
        world.note(sequence, |row| row.status = answer.status);
        Outcome::Answer(answer)
    };
    let Target::Found { route, params } = target else {
        return finish(unrouted(family, matches!(target, Target::WrongMethod)));
    };
    let settings = world.settings();
    let standing = count(world, &store, family);
    let mark = |answer: Answer| match family {
        Family::Payments => answer,
        Family::V2 | Family::V3 => {
            rate::headers(answer, settings.rate_quota, settings.rate_window_ms, standing)
        }
    };
    if !standing.allowed {
        let refused =
            if family == Family::Payments { rate::refused() } else { rate::refused_for(standing.reset_ms) };
        return finish(mark(refused));
    }
    let mut arrived = Arrived { route, family, params, store, call, sequence, life, others: Arc::default() };
    let correlation_id = arrived.call.correlation_id();
    let seen = Seen {
        call: route.name,
        store: &arrived.store,
        path: &arrived.call.path,
        correlation_id: correlation_id.as_deref(),
        body: &arrived.call.bytes,
    };
    let (hit, others) = world.board.strike(seen);
    if !others.is_empty() {
        world.note(sequence, |row| row.fault = Some("meanwhile".to_owned()));
        arrived.others = Arc::new(others.into());
        world.others(&arrived, Effect::Before);
    }
    let outcome = match hit {
        None => world.carry_out(&arrived).map_or(Outcome::Close, &finish),
        Some(hit) => {
            let (sender, receiver) = oneshot::channel();
            world.tasks.spawn(play(Arc::clone(world), arrived, hit, sender));
            receiver.await.unwrap_or(Outcome::Close)
        }
    };
    if settings.latency_ms > 0 {
        tokio::time::sleep(Duration::from_millis(settings.latency_ms)).await;
    }
    match outcome {
        Outcome::Answer(answer) if answer.status != 429 => Outcome::Answer(mark(answer)),
        other => other,
    }
}

fn count(world: &World, store: &str, family: Family) -> Standing {
    let settings = world.settings();
    let now = world.clock.now();
    let store = world.store(store);
    let mut store = store.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    match family {
        Family::Payments => {
            store.payment_window.count(settings.payment_quota, settings.payment_window_ms, now)
        }
        Family::V2 | Family::V3 => {
            store.management_window.count(settings.rate_quota, settings.rate_window_ms, now)
        }
    }
}

fn respond(answer: Answer, broken: Option<(usize, Arc<AtomicBool>)>) -> Response<Content> {
    let mut response = Response::builder().status(answer.status);
    if !answer.content_type.is_empty() {
        response = response.header("content-type", answer.content_type);
    }
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    let length = answer.body.len();
    let (part, reset) = match broken {
        Some((cut, reset)) => (answer.body.slice(..cut), Some(reset)),
        None => (answer.body, None),
    };
    let content = Content { part: Some(part), length, reset, flushed: false };
    response.body(content).unwrap_or_else(|_| {
        // Only a scripted header that is not valid HTTP can lead here.
        let empty = Content { part: None, length: 0, reset: None, flushed: false };
        let mut response = Response::new(empty);
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

/// A body that may break off in the middle.
struct Content {
    part: Option<Bytes>,
    /// What the headers promise.
    length: usize,
    reset: Option<Arc<AtomicBool>>,
    flushed: bool,
}

impl Body for Content {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Some(part) = self.part.take().filter(|part| !part.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(part))));
        }
        let Some(reset) = self.reset.clone() else { return Poll::Ready(None) };
        if !self.flushed {
            // One more turn, so that the first part leaves before the connection breaks.
            self.flushed = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        reset.store(true, Ordering::SeqCst);
        Poll::Ready(Some(Err(Broken)))
    }

    fn is_end_stream(&self) -> bool {
        self.reset.is_none() && self.part.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length as u64)
    }
}

/// A TCP stream that can end with a reset instead of an orderly close.
struct Link {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Link {
    fn drop(&mut self) {
        if self.reset.load(Ordering::SeqCst) {
            let socket = socket2::SockRef::from(&self.stream);
            if let Err(error) = socket.set_linger(Some(Duration::ZERO)) {
                tracing::debug!(%error, "the connection was gone before it could be reset");
            }
        }
    }
}

impl AsyncRead for Link {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Link {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.reset.load(Ordering::SeqCst) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
