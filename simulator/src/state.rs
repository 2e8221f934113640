//! The state of the simulator in a file, so that it goes on where it was after it was stopped.
//!
//! Kept: every store with its carts, orders, money and webhook subscriptions. Not kept: faults, the log of requests, a clock that was
//! moved, webhooks under way, and payments that a gateway has not decided. A file that cannot be read is refused: a simulator that
//! forgot its orders would number new ones like the old.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::store::Store;
use crate::world::{World, lock};

/// What a crash can cost.
const EVERY: Duration = Duration::from_secs(1);

/// A text that the program has as a constant.
pub(crate) type Word = &'static str;

/// Reads one of the state.
pub(crate) fn word<'de, D: Deserializer<'de>>(from: D) -> Result<Word, D::Error> {
    // Read once for each start, so what is leaked is as much as the file.
    String::deserialize(from).map(|text| &*text.leak())
}

/// Reads the stores of an earlier run. Without a file there was none.
pub(crate) fn load(world: &World, file: &Path) -> anyhow::Result<()> {
    let text = match std::fs::read(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", file.display())),
    };
    let stores: HashMap<String, Store> = serde_json::from_slice(&text).with_context(|| {
        format!("{} is not a state of this version; delete it to begin anew", file.display())
    })?;
    *lock(&world.stores) =
        stores.into_iter().map(|(hash, store)| (hash, Arc::new(Mutex::new(store)))).collect();
    Ok(())
}

/// All stores, as they are kept.
fn text(world: &World) -> anyhow::Result<Vec<u8>> {
    let all: Vec<_> =
        lock(&world.stores).iter().map(|(hash, store)| (hash.clone(), Arc::clone(store))).collect();
    let mut stores: BTreeMap<String, Box<RawValue>> = BTreeMap::new();
    for (hash, store) in &all {
        stores.insert(hash.clone(), serde_json::value::to_raw_value(&*lock(store))?);
    }
    Ok(serde_json::to_vec(&stores)?)
}

/// Writes the file, in one piece or not at all.
fn write(file: &Path, text: &[u8]) -> anyhow::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    let written = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, file));
    written.with_context(|| format!("{} cannot be written", file.display()))
}

/// Saves all stores.
pub(crate) fn save(world: &World, file: &Path) -> anyhow::Result<()> {
    write(file, &text(world)?)
}

/// Saves what changed, until the simulator stops.
pub(crate) async fn keep(world: Arc<World>, file: PathBuf) {
    let mut saved = Vec::new();
    loop {
        let stopping = tokio::time::timeout(EVERY, world.stopping.cancelled()).await.is_ok();
        let kept = text(&world).and_then(|text| {
            if text != saved {
                write(&file, &text)?;
                saved = text;
            }
            Ok(())
        });
        if let Err(error) = kept {
            tracing::error!(error = format!("{error:#}"), "the state was not saved");
        }
        if stopping {
            return;
        }
    }
}
