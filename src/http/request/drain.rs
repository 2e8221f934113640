//! Reads and discards the rest of a request's body after it was answered without it: a client that is still sending then sees
//! the answer, and not a broken connection.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Error;
use axum::body::{Body, BodyDataStream, Bytes, HttpBody as _};
use axum::extract::Request;
use futures::{Stream, StreamExt as _};
use tokio::runtime::Handle;
use zeroize::Zeroize as _;

/// How much is read of a body that is discarded, in bytes.
const DRAIN_LIMIT: usize = 8 * 1024 * 1024;

/// How long it may take to arrive.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Sees to it that the body of a request is taken from the connection, whatever becomes of the request.
pub(crate) fn request_body(request: Request) -> Request {
    if request.body().is_end_stream() {
        return request;
    }
    request.map(|body| Body::from_stream(Draining(Some(body.into_data_stream()))))
}

/// A body whose rest outlives it. `None`: it has been read.
struct Draining(Option<BodyDataStream>);

impl Stream for Draining {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(body) = self.0.as_mut() else { return Poll::Ready(None) };
        let frame = body.poll_next_unpin(cx);
        if matches!(frame, Poll::Ready(None | Some(Err(_)))) {
            self.0 = None;
        }
        frame
    }
}

impl Drop for Draining {
    fn drop(&mut self) {
        if let (Some(rest), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(DRAIN_TIMEOUT, discard(rest)));
        }
    }
}

async fn discard(mut rest: BodyDataStream) {
    let mut read = 0;
    while let Some(Ok(frame)) = rest.next().await {
        read += frame.len();
        if read > DRAIN_LIMIT {
            return;
        }
        // There may be a card number in it.
        if let Ok(mut ours) = frame.try_into_mut() {
            ours.as_mut().zeroize();
        }
    }
}
