//! Instructions of one checkout, of the program and of PostgreSQL's processes that serve it, counted by callgrind: unlike time they do
//! not depend on what else the machine does.
//!
//! Each path is run twice, with few checkouts and with more; what the difference cost is what checkouts cost, without start and end.

use std::path::{Path as FilePath, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::database::Database;
use super::figures::{Figures, real};
use super::place::{self, Place};
use super::program::Running;
use super::report::progress;
use super::shopper::{Path, Shopper};

/// Names the folder where PostgreSQL's processes leave their counts (`./dev bench instructions` sets it).
const OF_POSTGRES: &str = "CALLGRIND_OF_POSTGRES";
/// How the connections of the program are known.
const NAME: &str = "measured";
/// A process writes its counts when it ends.
const PATIENCE: Duration = Duration::from_mins(1);

/// Instructions of the program and of PostgreSQL.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    program: u64,
    postgres: u64,
}

/// Measures, and prints.
pub(crate) async fn run(place: &Place) -> anyhow::Result<()> {
    let folder = headless_checkout::config::environment(OF_POSTGRES)
        .with_context(|| format!("{OF_POSTGRES} is not set: run ./dev bench instructions"))?;
    let (few, more) = place.options.size((10, 40), (1, 2));
    for path in [Path::Relay, Path::OneCall, Path::Stepwise] {
        let name = path.name().replace(' ', "_");
        progress(&format!("{} under callgrind, {few} checkouts and then {more}", path.name()));
        let less = counted(place, FilePath::new(&folder), path, few).await?;
        let all = counted(place, FilePath::new(&folder), path, more).await?;
        let mut figures = Figures::new();
        let mut add = |of: &str, less: u64, all: u64| {
            let each = real(all.saturating_sub(less)) / real(more - few) / 1e6;
            figures.insert(format!("{name}_{of}_million"), each);
        };
        add("program", less.program, all.program);
        if path != Path::Relay {
            add("postgres", less.postgres, all.postgres);
        }
        place.report.figures("instructions of one checkout, in millions", &figures);
    }
    Ok(())
}

async fn counted(place: &Place, folder: &FilePath, path: Path, checkouts: u64) -> anyhow::Result<Count> {
    let database = place.database().await?;
    let out = tempfile::tempdir()?;
    let under = ["valgrind", "--tool=callgrind", "--trace-children=yes"].map(str::to_owned);
    let file = format!("--callgrind-out-file={}", out.path().join("out.%p").display());
    let under: Vec<String> = under.into_iter().chain([file]).collect();
    let program = if path == Path::Relay {
        place.start_relay_under(&under).await?
    } else {
        place.start_under(&under, &format!("{}?application_name={NAME}", database.url())).await?
    };
    let shop = place::shop(&program, 1)?;
    let mut shopper = Shopper::enter(&shop).await?;
    for _ in 0..checkouts {
        shopper.checkout(path).await?;
    }
    let backends = backends(&database).await?;
    Running::stop(program).await?;
    let files = backends.iter().map(|pid| folder.join(format!("out.{pid}")));
    let postgres = sum(files.collect()).await?;
    let files = std::fs::read_dir(out.path())?.flatten().map(|entry| entry.path());
    let program = sum(files.collect()).await?;
    database.drop().await?;
    Ok(Count { program, postgres })
}

/// PostgreSQL's processes that serve the program.
async fn backends(database: &Database) -> anyhow::Result<Vec<i32>> {
    let sql = "select pid from pg_stat_activity
        where datname = current_database() and application_name in ($1, 'headless-checkout committer')";
    Ok(sqlx::query_scalar(sql).bind(NAME).fetch_all(&database.pool).await?)
}

/// What these files count, once each is there.
async fn sum(files: Vec<PathBuf>) -> anyhow::Result<u64> {
    let (mut sum, began) = (0, Instant::now());
    for file in files {
        loop {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let total = text.lines().filter_map(|line| line.strip_prefix("totals: ")).next_back();
            if let Some(total) = total {
                sum += total.trim().parse::<u64>().context("callgrind's count cannot be read")?;
                break;
            }
            anyhow::ensure!(began.elapsed() < PATIENCE, "callgrind left no count in {}", file.display());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    Ok(sum)
}
