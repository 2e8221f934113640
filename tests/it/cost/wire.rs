//! Counts what a service and its database say to each other: it stands between them and reads PostgreSQL's protocol.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use tokio::io::{copy_bidirectional, join};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::io::InspectReader;

/// The letter of PostgreSQL's NotificationResponse.
const NOTIFICATION: u8 = b'A';

/// What was seen so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// How often each statement was executed.
    pub(super) statements: BTreeMap<String, usize>,
    /// Notifications that came in.
    pub(super) notifications: usize,
}

/// Stands until the test ends.
pub(super) struct Wire {
    pub(super) port: u16,
    seen: Arc<Mutex<Seen>>,
}

impl Wire {
    /// In front of the server on this port of loopback.
    pub(super) async fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::<Mutex<Seen>>::default();
        let of_all = seen.clone();
        #[expect(clippy::disallowed_methods, reason = "a test, which ends with its runtime")]
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let of_one = of_all.clone();
                tokio::spawn(async move { carry(client, server, &of_one).await });
            }
        });
        Self { port, seen }
    }

    /// What was seen since the last call.
    pub(super) fn take(&self) -> Seen {
        std::mem::take(&mut *self.seen.lock().expect("nobody panics"))
    }
}

async fn carry(client: TcpStream, server: u16, seen: &Mutex<Seen>) -> std::io::Result<()> {
    let server = TcpStream::connect(("127.0.0.1", server)).await?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
    }
    let (mut asked, mut statements) = (Messages::beginning_with_a_greeting(), Statements::default());
    let mut answered = Messages::default();
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let from_client = InspectReader::new(from_client, |bytes| {
        for (kind, body) in asked.take(bytes) {
            if let Some(executed) = statements.hear(kind, &body) {
                *seen.lock().expect("nobody panics").statements.entry(executed).or_default() += 1;
            }
        }
    });
    let from_server = InspectReader::new(from_server, |bytes| {
        let notified = answered.take(bytes).into_iter().filter(|(kind, _)| *kind == NOTIFICATION).count();
        seen.lock().expect("nobody panics").notifications += notified;
    });
    copy_bidirectional(&mut join(from_client, to_client), &mut join(from_server, to_server)).await?;
    Ok(())
}

/// A stream of messages: a letter, a length that counts itself, and a body.
#[derive(Default)]
struct Messages {
    bytes: Vec<u8>,
    /// The first message of a client has no letter.
    greets: bool,
}

impl Messages {
    fn beginning_with_a_greeting() -> Self {
        Self { greets: true, ..Self::default() }
    }

    /// The messages that are whole with these bytes.
    fn take(&mut self, bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
        self.bytes.extend_from_slice(bytes);
        std::iter::from_fn(|| self.next()).collect()
    }

    fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let head = usize::from(!self.greets);
        let length: [u8; 4] = self.bytes.get(head..head + 4)?.try_into().ok()?;
        let end = head + usize::try_from(u32::from_be_bytes(length)).ok()?;
        let kind = if self.greets { 0 } else { self.bytes[0] };
        let body = self.bytes.get(head + 4..end)?.to_vec();
        self.bytes.drain(..end);
        self.greets = false;
        Some((kind, body))
    }
}

/// The statements of one connection.
#[derive(Default)]
struct Statements {
    prepared: HashMap<String, String>,
    portals: HashMap<String, String>,
}

impl Statements {
    /// The text of the statement that this message executes.
    fn hear(&mut self, kind: u8, body: &[u8]) -> Option<String> {
        let mut texts = body.split(|&byte| byte == 0).map(|text| String::from_utf8_lossy(text).into_owned());
        match kind {
            b'P' => {
                self.prepared.insert(texts.next()?, texts.next()?);
                None
            }
            b'B' => {
                let (portal, statement) = (texts.next()?, texts.next()?);
                self.portals.insert(portal, self.prepared.get(&statement).cloned().unwrap_or_default());
                None
            }
            b'E' => self.portals.get(&texts.next()?).cloned(),
            b'Q' => texts.next(),
            _ => None,
        }
    }
}
