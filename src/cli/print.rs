//! How commands print what they found.

use clap::ValueEnum;
use serde::Serialize;

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// Columns separated by tabs, with a head
    Table,
    /// One JSON object on each line
    Json,
    /// Ids alone, one on each line, for the next command
    Ids,
}

/// Prints rows: `columns` are the heads, `cells` what stands under them, the first of which is the id.
pub(super) fn rows<T: Serialize, const N: usize>(
    form: Form,
    columns: [&str; N],
    rows: &[T],
    cells: impl Fn(&T) -> [String; N],
) -> anyhow::Result<()> {
    if form == Form::Table {
        println!("{}", columns.join("\t"));
    }
    let mut last = None;
    for row in rows {
        match form {
            Form::Table => println!("{}", cells(row).join("\t")),
            Form::Json => println!("{}", serde_json::to_string(row)?),
            Form::Ids => {
                let id = cells(row).into_iter().next();
                // The same id may stand in several rows that follow each other.
                if let Some(text) = id.as_ref().filter(|_| id != last) {
                    println!("{text}");
                }
                last = id;
            }
        }
    }
    Ok(())
}
