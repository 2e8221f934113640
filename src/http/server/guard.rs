//! A connection that does not wait for its peer for ever.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::Response;
use futures::task::AtomicWaker;
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::config::Connections;

/// What took too long, in the words of the metrics.
const PHASES: [&str; 3] = ["header", "idle", "write"];

/// Where a connection stands: known to its service, asked by its stream.
#[derive(Debug, Default)]
pub(super) struct Phase {
    /// Counts the beginning and the end of each request: it is odd while one is answered.
    turns: AtomicUsize,
    /// 0: nothing took too long; otherwise one more than the index into [`PHASES`].
    timed_out: AtomicU8,
    /// Polls the connection again once an answer has ended: hyper does not, and idling has to be noticed.
    waker: AtomicWaker,
}

impl Phase {
    /// A request has arrived.
    pub(super) fn begin(self: &Arc<Self>) -> Answering {
        self.turns.fetch_add(1, Ordering::Relaxed);
        Answering(self.clone())
    }

    pub(super) fn is_answering(&self) -> bool {
        self.turns.load(Ordering::Relaxed) % 2 == 1
    }

    pub(super) fn timed_out(&self) -> Option<&'static str> {
        PHASES.get(usize::from(self.timed_out.load(Ordering::Relaxed)).checked_sub(1)?).copied()
    }

    fn end(&self, phase: u8) -> Error {
        self.timed_out.store(phase + 1, Ordering::Relaxed);
        ErrorKind::TimedOut.into()
    }
}

/// A request is answered until this is dropped.
pub(super) struct Answering(Arc<Phase>);

impl Answering {
    /// Until the body of the answer ends.
    pub(super) fn with(self, response: Response<Body>) -> Response<Body> {
        response.map(|body| Body::new(Answer { body, _answering: self }))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.turns.fetch_add(1, Ordering::Relaxed);
        self.0.waker.wake();
    }
}

struct Answer {
    body: Body,
    _answering: Answering,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A point in time that ends something. Moving it costs nothing: the timer behind it is set again only once it has fired.
struct Deadline {
    at: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

impl Deadline {
    fn none() -> Self {
        Self { at: None, timer: Box::pin(tokio::time::sleep(Duration::ZERO)) }
    }

    /// Ready once it has passed.
    fn poll_passed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.at else { return Poll::Pending };
        loop {
            if Instant::now() >= at {
                return Poll::Ready(());
            }
            if self.timer.is_elapsed() || self.timer.deadline() > at {
                self.timer.as_mut().reset(at);
            }
            ready!(self.timer.as_mut().poll(cx));
        }
    }
}

/// The stream of a connection, which fails when its peer takes too long.
pub(super) struct Guard<S> {
    stream: S,
    phase: Arc<Phase>,
    head: Duration,
    idle: Duration,
    write: Duration,
    /// The phase as it was last seen.
    seen: usize,
    /// Whether something of the next request has arrived, or has to, because it is the first.
    begun: bool,
    reading: Deadline,
    writing: Deadline,
}

impl<S> Guard<S> {
    pub(super) fn new(stream: S, phase: Arc<Phase>, head: Duration, settings: &Connections) -> Self {
        let mut reading = Deadline::none();
        reading.at = Some(Instant::now() + head);
        Self {
            stream,
            phase,
            head,
            idle: settings.idle_timeout,
            write: settings.write_timeout,
            seen: 0,
            begun: true,
            reading,
            writing: Deadline::none(),
        }
    }

    fn written(&mut self, cx: &mut Context<'_>, written: Poll<Result<usize>>) -> Poll<Result<usize>> {
        if written.is_ready() {
            self.writing.at = None;
            return written;
        }
        self.writing.at.get_or_insert_with(|| Instant::now() + self.write);
        ready!(self.writing.poll_passed(cx));
        Poll::Ready(Err(self.phase.end(2)))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let this = &mut *self;
        let turns = this.phase.turns.load(Ordering::Relaxed);
        if turns != this.seen {
            (this.seen, this.begun, this.reading.at) = (turns, false, None);
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buffer);
        if turns % 2 == 1 {
            // Bodies have limits of their own.
            this.phase.waker.register(cx.waker());
            return read;
        }
        if read.is_ready() {
            if !this.begun && buffer.filled().len() > before {
                this.begun = true;
                this.reading.at = Some(Instant::now() + this.head);
            }
            return read;
        }
        this.reading.at.get_or_insert_with(|| Instant::now() + this.idle);
        ready!(this.reading.poll_passed(cx));
        Poll::Ready(Err(this.phase.end(u8::from(!this.begun))))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
