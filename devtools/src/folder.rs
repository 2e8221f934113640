//! Where the private cluster lives: in the working copy, or beside it when PostgreSQL's user cannot get there.

use std::{
    fs::{self, File, TryLockError},
    io::Read as _,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use sha2::{Digest as _, Sha256};

use crate::account::Account;
use crate::environment;

/// For files that are not in the way of anybody and survive a restart of the machine.
const LASTING: &str = "/var/tmp";

/// Memory that looks like a folder, on Linux.
const MEMORY: &str = "/dev/shm";

/// What has to be free in memory before anything is put there, in bytes.
const ROOM: u64 = 8 << 30;

/// Takes the folder of a working copy for this run; a second run is told where the first one is.
pub(crate) fn lock(folder: &Path) -> anyhow::Result<File> {
    let path = folder.join("lock");
    let file = File::options()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o644)
        .open(&path)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0)?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let mut place = String::new();
            (&file).read_to_string(&mut place)?;
            let place = if place.is_empty() { "it is still starting".to_owned() } else { place };
            bail!("already running for {}: {place}", folder.display())
        }
        Err(TryLockError::Error(error)) => Err(error).context("the folder cannot be locked"),
    }
}

/// The folder for the cluster of that working copy, reachable by the account.
pub(crate) async fn for_cluster(folder: &Path, account: &Account) -> anyhow::Result<PathBuf> {
    let inside = folder.join("postgres");
    create(&inside, account)?;
    if account.reaches(&inside).await {
        return Ok(inside);
    }
    let _ = fs::remove_dir(&inside);
    let beside = beside(folder);
    create(&beside, account)?;
    ensure!(
        account.reaches(&beside).await,
        "the user {} reaches neither {} nor {}",
        account.other().unwrap_or_default(),
        inside.display(),
        beside.display()
    );
    Ok(beside)
}

/// A folder outside the working copy that belongs to it alone and survives a restart of the machine.
fn beside(folder: &Path) -> PathBuf {
    let hash = Sha256::digest(folder.as_os_str().as_encoded_bytes());
    Path::new(LASTING).join(format!("headless-checkout-{:.12}", hex::encode(hash)))
}

#[cfg(not(target_os = "linux"))]
fn is_spacious(_: &Path) -> bool {
    false
}

/// A fresh folder that nobody else uses: in memory where there is plenty, else in TMPDIR. A database of its own for each test makes
/// and removes hundreds of thousands of files, which is half of the kernel's work in a run of the tests on ext4, and none on tmpfs.
pub(crate) fn throwaway(account: &Account) -> anyhow::Result<PathBuf> {
    let chosen = environment("TMPDIR").filter(|path| !path.is_empty());
    if chosen.is_none() && is_spacious(Path::new(MEMORY)) {
        return fresh(Path::new(MEMORY), account).or_else(|_| fresh(&std::env::temp_dir(), account));
    }
    fresh(&std::env::temp_dir(), account)
}

/// Whether that is memory, with several times the room that a run of the tests takes at its peak.
#[cfg(target_os = "linux")]
fn is_spacious(path: &Path) -> bool {
    use nix::sys::statfs::{TMPFS_MAGIC, statfs};
    let Ok(found) = statfs(path) else { return false };
    let room = found.blocks_available().saturating_mul(u64::try_from(found.block_size()).unwrap_or(0));
    found.filesystem_type() == TMPFS_MAGIC && room >= ROOM
}

/// The same where a sync reaches a disk: /tmp is memory on many machines.
pub(crate) fn throwaway_on_disk(account: &Account) -> anyhow::Result<PathBuf> {
    let chosen = environment("TMPDIR").filter(|path| !path.is_empty());
    fresh(&chosen.map_or_else(|| PathBuf::from(LASTING), PathBuf::from), account)
}

fn fresh(parent: &Path, account: &Account) -> anyhow::Result<PathBuf> {
    let path = parent.join(format!("headless-checkout-{}", uuid::Uuid::new_v4().simple()));
    create(&path, account)?;
    Ok(path)
}

/// Creates the folder, or accepts it when it is ours: in a shared place somebody else may have been faster.
fn create(path: &Path, account: &Account) -> anyhow::Result<()> {
    let mode = if account.other().is_some() { 0o711 } else { 0o700 };
    match fs::DirBuilder::new().mode(mode).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let found = fs::symlink_metadata(path)?;
            let ours = found.is_dir() && found.uid() == nix::unistd::geteuid().as_raw();
            ensure!(ours, "{} belongs to somebody else; remove it", path.display());
        }
        Err(error) => return Err(error).with_context(|| format!("{} cannot be created", path.display())),
    }
    // The mode of a new folder is subject to the umask.
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_is_told_where_the_first_one_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = lock(folder.path()).expect("the first lock");
        assert!(lock(folder.path()).expect_err("taken").to_string().contains("still starting"));
        std::io::Write::write_all(&mut &first, b"http://127.0.0.1:8080").expect("written");
        assert!(lock(folder.path()).expect_err("taken").to_string().contains("http://127.0.0.1:8080"));
        drop(first);
        lock(folder.path()).expect("free again");
    }

    #[test]
    fn working_copies_do_not_share_a_folder() {
        let (one, other) = (beside(Path::new("/root/one/.dev")), beside(Path::new("/root/two/.dev")));
        assert_ne!(one, other);
        assert_eq!(one, beside(Path::new("/root/one/.dev")));
        assert!(one.starts_with("/var/tmp") && one.as_os_str().len() < 64);
    }
}
