//! The switch that kills the service: who serves the pages asks, who runs the processes does it.

use tokio::sync::{mpsc, oneshot, watch};

/// How the service is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Service {
    /// How often it was killed.
    pub(crate) kills: u32,
    /// Whether it is not ready again yet.
    pub(crate) is_down: bool,
}

/// The side that asks.
pub(crate) struct Switch {
    ask: mpsc::Sender<oneshot::Sender<()>>,
    service: watch::Receiver<Service>,
}

/// The side that kills.
pub(crate) struct Kills {
    asked: mpsc::Receiver<oneshot::Sender<()>>,
    service: watch::Sender<Service>,
}

/// A switch and what it leads to.
pub(crate) fn switch() -> (Switch, Kills) {
    let ((ask, asked), (tell, service)) = (mpsc::channel(1), watch::channel(Service::default()));
    (Switch { ask, service }, Kills { asked, service: tell })
}

impl Switch {
    /// Answers when the process is gone. False: nobody kills anymore.
    pub(crate) async fn kill(&self) -> bool {
        let (done, killed) = oneshot::channel();
        self.ask.send(done).await.is_ok() && killed.await.is_ok()
    }

    pub(crate) fn service(&self) -> Service {
        *self.service.borrow()
    }
}

impl Kills {
    /// Waits until somebody asks; what is answered is to be sent once the process is gone.
    pub(crate) async fn asked(&mut self) -> oneshot::Sender<()> {
        match self.asked.recv().await {
            Some(done) => done,
            // Nobody can ask anymore.
            None => std::future::pending().await,
        }
    }

    pub(crate) fn down(&self, done: oneshot::Sender<()>) {
        self.service.send_modify(|service| *service = Service { kills: service.kills + 1, is_down: true });
        let _ = done.send(());
    }

    pub(crate) fn up(&self) {
        self.service.send_modify(|service| service.is_down = false);
    }
}
