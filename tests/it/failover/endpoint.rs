//! One address in front of several servers, as HAProxy or a managed database gives it: it leads new connections to the
//! server that it was told, and cuts the old ones when it is told to.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

pub(super) struct Endpoint {
    /// Where it listens.
    pub(super) port: u16,
    server: Arc<AtomicU16>,
    cuts: watch::Sender<()>,
    listening: tokio::task::JoinHandle<()>,
}

impl Endpoint {
    /// One that leads to this port.
    pub(super) async fn start(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let server = Arc::new(AtomicU16::new(server));
        let cuts = watch::Sender::new(());
        let (leads, cut) = (Arc::clone(&server), cuts.clone());
        let (tasks, relays) = (TaskTracker::new(), TaskTracker::new());
        let listening = tasks.spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (to, mut cut) = (leads.load(Ordering::SeqCst), cut.subscribe());
                relays.spawn(async move {
                    let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        Self { port, server, cuts, listening }
    }

    /// New connections lead there; those that there are stay.
    pub(super) fn lead_to(&self, server: u16) {
        self.server.store(server, Ordering::SeqCst);
    }

    /// Ends the connections that there are, as a proxy does when it finds their server gone.
    pub(super) fn cut(&self) {
        self.cuts.send_replace(());
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.listening.abort();
        self.cut();
    }
}
