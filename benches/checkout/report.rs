//! What is printed: progress on standard error; tables, or JSON lines, on standard output.

use serde_json::{Map, Value, json};

use super::figures::{Cell, Figures};

/// How it is printed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Report {
    json: bool,
}

/// Says what is being done.
pub(crate) fn progress(text: &str) {
    eprintln!("==> {text}");
}

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

/// One line of the table of targets.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) what: String,
    pub(crate) limit: Limit,
    /// `None`: it could not be measured here.
    pub(crate) measured: Option<f64>,
}

impl Target {
    pub(crate) fn new(what: impl Into<String>, limit: Limit, measured: Option<f64>) -> Self {
        Self { what: what.into(), limit, measured }
    }

    fn verdict(&self) -> &'static str {
        match (self.limit, self.measured) {
            (_, None) => "not measured",
            (Limit::AtLeast(limit), Some(measured)) if measured >= limit => "met",
            (Limit::AtMost(limit), Some(measured)) if measured <= limit => "met",
            _ => "NOT MET",
        }
    }
}

impl Report {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// One run, as JSON only.
    pub(crate) fn cell(self, cell: &Cell) {
        if self.json {
            let about = json!({
                "kind": "run", "path": cell.path.name(), "concurrency": cell.concurrency,
                "latency_ms": u64::try_from(cell.latency.as_millis()).unwrap_or(u64::MAX), "round": cell.round,
            });
            println!("{}", with(about, &cell.figures));
        }
    }

    /// Figures that stand for themselves: a line each, or one JSON object.
    pub(crate) fn figures(self, name: &str, figures: &Figures) {
        if self.json {
            println!("{}", with(json!({"kind": "figures", "name": name}), figures));
            return;
        }
        println!("\n{name}");
        for (name, figure) in figures {
            println!("  {:<44} {:>12}", name.replace('_', " "), short(*figure));
        }
    }

    /// A table. The first column is text, the others are figures.
    pub(crate) fn table(self, title: &str, columns: &[&str], rows: &[(String, Vec<Option<f64>>)]) {
        if self.json {
            for (row, figures) in rows {
                let named = columns.iter().zip(figures);
                let figures =
                    named.filter_map(|(column, figure)| Some(((*column).to_owned(), (*figure)?))).collect();
                println!("{}", with(json!({"kind": "row", "table": title, "row": row}), &figures));
            }
            return;
        }
        let widths: Vec<usize> = columns.iter().map(|column| column.len().max(8) + 2).collect();
        let line = |first: &str, cells: &mut dyn Iterator<Item = String>| {
            let cells = cells.zip(&widths).map(|(cell, width)| format!("{cell:>width$}"));
            println!("{first:<10}{}", cells.collect::<String>());
        };
        println!("\n{title}");
        line("", &mut columns.iter().map(|column| (*column).to_owned()));
        for (row, figures) in rows {
            line(row, &mut figures.iter().map(|figure| figure.map_or_else(|| "-".to_owned(), short)));
        }
    }

    /// The targets, and whether they are met.
    pub(crate) fn targets(self, targets: &[Target]) {
        if !self.json {
            println!("\n{:<62} {:>12} {:>10}", "target", "measured", "");
        }
        for target in targets {
            let (sign, limit) = match target.limit {
                Limit::AtLeast(limit) => (">=", limit),
                Limit::AtMost(limit) => ("<=", limit),
            };
            if self.json {
                let line = json!({
                    "kind": "target", "target": target.what, "sign": sign, "limit": limit,
                    "measured": target.measured, "verdict": target.verdict(),
                });
                println!("{line}");
            } else {
                let what = format!("{} {sign} {}", target.what, short(limit));
                let measured = target.measured.map_or_else(|| "-".to_owned(), short);
                println!("{what:<62} {measured:>12}   {}", target.verdict());
            }
        }
    }
}

fn with(about: Value, figures: &Figures) -> Value {
    let mut object = match about {
        Value::Object(object) => object,
        _ => Map::new(),
    };
    for (name, figure) in figures {
        object.insert(name.clone(), json!(figure));
    }
    Value::Object(object)
}

/// A figure with three digits that matter.
fn short(figure: f64) -> String {
    match figure.abs() {
        size if size >= 1000.0 => format!("{figure:.0}"),
        size if size >= 100.0 || figure.fract() == 0.0 => format!("{figure:.0}"),
        size if size >= 10.0 => format!("{figure:.1}"),
        size if size >= 0.1 => format!("{figure:.2}"),
        _ => format!("{figure:.4}"),
    }
}
