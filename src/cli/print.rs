//! How commands print what they found.

use serde::Serialize;

use super::output::{Format, print};

/// Prints rows: `columns` are the heads, `cells` what stands under them, the first of which is the id.
pub(super) fn rows<T: Serialize, const N: usize>(
    format: Format,
    columns: [&str; N],
    rows: &[T],
    cells: impl Fn(&T) -> [String; N],
) -> anyhow::Result<()> {
    let mut lines = Vec::with_capacity(rows.len() + 1);
    if format == Format::Table {
        lines.push(columns.join("\t"));
    }
    for row in rows {
        lines.push(match format {
            Format::Table => cells(row).join("\t"),
            Format::Json => serde_json::to_string(row)?,
            Format::Ids => cells(row).into_iter().next().unwrap_or_default(),
        });
    }
    // The same id may stand in several rows that follow each other.
    if format == Format::Ids {
        lines.dedup();
    }
    for line in lines {
        print(&format!("{line}\n"));
    }
    Ok(())
}
