//! What happens to everybody: processes that die, a database that restarts.

use std::sync::Arc;
use std::time::Duration;

use devtools::{Postgres, Restart};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::Chaos;
use crate::dice::Dice;
use crate::plan::Blow;

/// The database server.
pub(crate) enum Server {
    /// Ours: it can be restarted.
    Own(Box<Mutex<Postgres>>),
    /// Somebody's: only our connections can be cut.
    Lent,
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Strike(Blow),
    Restart(Restart),
    CutConnections,
}

/// Goes on until it is told to stop; answers how often the database was restarted, and cut.
pub(crate) async fn rage(chaos: Arc<Chaos>, batch: u64, stop: CancellationToken) -> (u64, u64) {
    let mut dice = Dice::of(chaos.options.seed, batch, "upheaval");
    let (mut restarts, mut cuts) = (0, 0);
    loop {
        let pause = Duration::from_millis(dice.between(900, 3500));
        let frozen = dice.between(200, 6000);
        let event = dice.weighted(&[
            (30, Event::Strike(Blow::Kill)),
            (18, Event::Strike(Blow::Terminate)),
            (18, Event::Strike(Blow::Freeze(frozen))),
            (14, Event::Restart(Restart::Fast)),
            (8, Event::Restart(Restart::Immediate)),
            (12, Event::CutConnections),
        ]);
        let replica = dice.below(2);
        tokio::select! {
            () = stop.cancelled() => return (restarts, cuts),
            () = tokio::time::sleep(pause) => {}
        }
        match event {
            Event::Strike(blow) => chaos.replicas.strike(replica, blow, &chaos.doors).await,
            Event::Restart(how) => {
                if let Server::Own(server) = &chaos.server {
                    if let Err(error) = server.lock().await.restart(how).await {
                        chaos.note(format!("PostgreSQL could not be restarted: {error:#}"));
                    }
                    restarts += 1;
                } else {
                    cut(&chaos).await;
                    cuts += 1;
                }
            }
            Event::CutConnections => {
                cut(&chaos).await;
                cuts += 1;
            }
        }
    }
}

async fn cut(chaos: &Chaos) {
    let cut = sqlx::query(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
    )
    .execute(&chaos.world.database.pool)
    .await;
    // The database may be on its way down for another reason.
    drop(cut);
}
