//! What accepts connections can be begun anew, as it is after a panic.

use std::time::Duration;

use axum::Router;
use headless_checkout::config::Connections;
use headless_checkout::db::Db;
use headless_checkout::http::Server;
use headless_checkout::telemetry::Metrics;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

async fn answered(connection: &mut TcpStream) -> String {
    let asks = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    connection.write_all(asks).await.expect("it is sent");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.expect("it is answered");
    answer
}

#[tokio::test]
async fn whoever_connects_while_nobody_accepts_is_answered_afterwards() {
    let pool = sqlx::PgPool::connect_lazy("postgres://127.0.0.1:1/nobody-asks").expect("a URL");
    let metrics = Metrics::new(Db::new(pool, Duration::from_secs(20)), None);
    let settings = Connections {
        most: 10,
        reserved: 1,
        header_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_secs(10),
        write_timeout: Duration::from_secs(10),
        streams: 1,
        stream_age: Duration::from_secs(10),
    };
    let stopping = CancellationToken::new();
    let server = Server::new(settings, metrics, stopping.clone());
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = socket.local_addr().expect("an address");
    let listener = server.listener("public", socket, Router::new().fallback(async || "hello"));
    // The first is accepted by what ends then, the second by nobody.
    for _ in 0..2 {
        let mut connection = TcpStream::connect(addr).await.expect("the socket listens");
        tokio::select! {
            () = listener.accept() => panic!("nobody stops it"),
            answer = answered(&mut connection) => assert!(answer.ends_with("hello"), "{answer}"),
        }
    }
    stopping.cancel();
    listener.accept().await;
    drop(listener);
    server.close().await;
    assert!(TcpStream::connect(addr).await.is_err(), "it is closed");
}
