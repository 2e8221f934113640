//! How commands print what they found.

use serde::Serialize;

use super::output::{Color, Format, Screen, color_of, escaped_json, print};
use super::table::Table;

/// What rows are printed under. The first column is the id, and is never left out.
pub(super) struct Columns<const N: usize> {
    pub(super) names: [&'static str; N],
    /// Those that are left out where there is no room, the first first.
    pub(super) least: &'static [&'static str],
}

/// Prints rows: `cells` are the values of the columns. A table fits the terminal; where output is no terminal, its cells are
/// separated by tabs.
pub(super) fn rows<T: Serialize, const N: usize>(
    format: Format,
    columns: &Columns<N>,
    rows: &[T],
    cells: impl Fn(&T) -> [String; N],
) -> anyhow::Result<()> {
    let screen = Screen::new();
    let mut lines = Vec::with_capacity(rows.len() + 1);
    match format {
        Format::Table if screen.width.is_some() => {
            lines.push(table(columns, rows.iter().map(cells)).render(screen).trim_end().to_owned());
        }
        Format::Table => {
            lines.push(columns.names.join("\t").to_lowercase());
            lines.extend(rows.iter().map(|row| cells(row).join("\t")));
        }
        Format::Json => {
            for row in rows {
                lines.push(escaped_json(&serde_json::to_string(row)?));
            }
        }
        Format::Ids => {
            let ids = rows.iter().filter_map(|row| cells(row).into_iter().next());
            lines.extend(ids.filter(|id| !id.is_empty()));
            // The same id may stand in several rows that follow each other.
            lines.dedup();
        }
    }
    for line in lines {
        print(&format!("{line}\n"));
    }
    Ok(())
}

fn table<const N: usize>(columns: &Columns<N>, rows: impl Iterator<Item = [String; N]>) -> Table {
    let mut table = Table::new(&columns.names).leaving_out(columns.least);
    for cells in rows {
        let colored = columns.names.into_iter().zip(cells).map(|(name, cell)| {
            let says_how = ["STATUS", "STATE", "OUTCOME", "RESULT"].contains(&name);
            let color = if says_how { color_of(&cell) } else { Color::Plain };
            (cell, color)
        });
        table.row(colored.collect());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_find_no_room_are_left_out() {
        let columns = Columns { names: ["EVENT", "AT", "STATE"], least: &["AT"] };
        let cells = ["0199f0c4-7a34-7c6f-9c4b-2f6d3c1e8a10", "2026-11-21T08:00:00Z", "pending"];
        let mut screen = Screen::new();
        screen.width = Some(50);
        let text = table(&columns, [cells.map(str::to_owned)].into_iter()).render(screen);
        assert!(text.lines().all(|line| line.chars().count() <= 50), "{text}");
        assert!(text.contains(cells[0]) && text.contains("pending") && !text.contains("AT "), "{text}");
    }
}
