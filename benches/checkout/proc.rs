//! What Linux tells about processes. Elsewhere everything is `None`, and the figures that need it are left out.

use std::path::Path;
use std::time::Duration;

/// Linux counts CPU time for users of /proc in hundredths of a second, on every architecture.
const TICK: Duration = Duration::from_millis(10);

/// The fields of `/proc/PID/stat` behind the name, which may hold anything.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

fn ticks(fields: &[String], places: &[usize]) -> Option<Duration> {
    let each = places.iter().map(|place| fields.get(*place)?.parse::<u32>().ok());
    Some(TICK * each.sum::<Option<u32>>()?)
}

/// CPU time of a process, all its threads included.
pub(crate) fn cpu(pid: u32) -> Option<Duration> {
    ticks(&stat(pid)?, &[11, 12])
}

/// CPU time of a process, of its children, and of those that it has outlived.
pub(crate) fn cpu_of_family(pid: u32) -> Option<Duration> {
    let mut sum = ticks(&stat(pid)?, &[11, 12, 13, 14])?;
    for entry in std::fs::read_dir(Path::new("/proc")).ok()?.flatten() {
        let Some(child) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        if parent(child) == Some(pid) {
            sum += cpu(child).unwrap_or_default();
        }
    }
    Some(sum)
}

/// The process that started that one.
pub(crate) fn parent(pid: u32) -> Option<u32> {
    stat(pid)?.get(1)?.parse().ok()
}

/// The name of a process.
pub(crate) fn name(pid: u32) -> Option<String> {
    Some(std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim().to_owned())
}

/// An amount of memory in `/proc/PID/status`, in bytes.
pub(crate) fn status_bytes(pid: u32, field: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}
