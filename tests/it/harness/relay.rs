//! A relay between a service and its database, which breaks as a test says.

use std::sync::{Arc, Mutex};

use sqlx::ConnectOptions as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::Database;

/// What PostgreSQL sends when it has answered everything, but for the state of the transaction.
const READY: &[u8] = &[b'Z', 0, 0, 0, 5];

/// The relay. It stands until the test ends.
pub(crate) struct Relay {
    url: String,
    shared: Arc<Shared>,
}

struct Shared {
    database: String,
    open: watch::Sender<bool>,
    /// The words of a statement that break the relay: its answer is swallowed.
    fatal: Mutex<Option<String>>,
}

impl Relay {
    /// A relay to this database.
    pub(crate) async fn to(database: &Database) -> Self {
        let (cluster, name) = database.place();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let url = cluster.clone().host("127.0.0.1").port(port).database(name).to_url_lossy().to_string();
        let shared = Arc::new(Shared {
            database: format!("{}:{}", cluster.get_host(), cluster.get_port()),
            open: watch::Sender::new(true),
            fatal: Mutex::new(None),
        });
        let of_all = shared.clone();
        #[expect(clippy::disallowed_methods, reason = "a test, which ends with its runtime")]
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let of_one = of_all.clone();
                tokio::spawn(async move { of_one.carry(stream).await });
            }
        });
        Self { url, shared }
    }

    /// The database as the service reaches it through here.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Cuts every connection, and takes no new one until it is opened again.
    pub(crate) fn close(&self) {
        self.shared.open.send_replace(false);
    }

    /// Takes connections again.
    pub(crate) fn open(&self) {
        self.shared.open.send_replace(true);
    }

    /// The next statement that holds these words is carried out, its answer is lost, and the relay is closed.
    pub(crate) fn lose(&self, words: &str) {
        *self.shared.fatal.lock().expect("nobody panics") = Some(words.to_owned());
    }

    /// Whether the statement came that was to be lost.
    pub(crate) fn has_lost(&self) -> bool {
        self.shared.fatal.lock().expect("nobody panics").is_none()
    }
}

impl Shared {
    /// Whether this is the fatal statement; there is no other one after it.
    fn is_fatal(&self, sent: &[u8]) -> bool {
        let mut fatal = self.fatal.lock().expect("nobody panics");
        let found = fatal
            .as_ref()
            .is_some_and(|words| sent.windows(words.len()).any(|window| window == words.as_bytes()));
        if found {
            *fatal = None;
        }
        found
    }

    async fn carry(&self, mut service: TcpStream) {
        let mut open = self.open.subscribe();
        if !*open.borrow() {
            return;
        }
        let Ok(mut database) = TcpStream::connect(&self.database).await else { return };
        let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
        loop {
            tokio::select! {
                () = closed(&mut open) => return,
                read = service.read(&mut up) => {
                    let Ok(length @ 1..) = read else { return };
                    if database.write_all(&up[..length]).await.is_err() {
                        return;
                    }
                    if self.is_fatal(&up[..length]) {
                        let mut answered = Vec::new();
                        while !answered.windows(READY.len()).any(|window| window == READY) {
                            let Ok(length @ 1..) = database.read(&mut down).await else { break };
                            answered.extend_from_slice(&down[..length]);
                        }
                        self.open.send_replace(false);
                        return;
                    }
                }
                read = database.read(&mut down) => {
                    let Ok(length @ 1..) = read else { return };
                    if service.write_all(&down[..length]).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

/// Completes once it is closed.
async fn closed(open: &mut watch::Receiver<bool>) {
    // The sender lives as long as the connections do.
    let _ = open.wait_for(|open| !open).await;
}
