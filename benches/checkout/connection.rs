//! One kept HTTP connection: a request, its answer, the next request.

use std::net::SocketAddr;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The connection. It ends when this is dropped.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: HeaderValue,
    _pump: JoinSet<()>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Connection {
    pub(crate) async fn open(addr: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(addr).await.with_context(|| format!("{addr} cannot be reached"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        let mut pump = JoinSet::new();
        pump.spawn(async move {
            // Its end is seen by the next request.
            let _ = connection.await;
        });
        Ok(Self { sender, host: HeaderValue::from_str(&addr.to_string())?, _pump: pump })
    }

    /// Sends and waits for the whole answer.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(HeaderName, HeaderValue)],
        body: Bytes,
    ) -> anyhow::Result<Answer> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse()?;
        let map = request.headers_mut();
        map.insert(HOST, self.host.clone());
        map.insert(CONTENT_TYPE, JSON);
        map.extend(headers.iter().cloned());
        self.sender.ready().await?;
        let (head, body) = self.sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }
}

impl Answer {
    /// The answer, if it is one of these.
    pub(crate) fn expect(self, statuses: &[u16]) -> anyhow::Result<Self> {
        let status = self.status.as_u16();
        let said = || String::from_utf8_lossy(&self.body).chars().take(600).collect::<String>();
        anyhow::ensure!(
            statuses.contains(&status),
            "an answer was {status} and not {statuses:?}: {}",
            said()
        );
        Ok(self)
    }
}
