//! Tables that fit the terminal.

use super::output::{Colour, Screen};

/// A table in the making.
pub(super) struct Table {
    header: Vec<&'static str>,
    rows: Vec<Vec<(String, Colour)>>,
}

/// Between two columns.
const GAP: usize = 2;
/// No column is cut below this.
const NARROWEST: usize = 6;

impl Table {
    /// With these columns.
    pub(super) fn new(header: &[&'static str]) -> Self {
        Self { header: header.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: Vec<(String, Colour)>) {
        self.rows.push(cells);
    }

    /// The table as text. Columns that are too wide are cut, the widest first; the first column never is, because ids
    /// are copied.
    pub(super) fn render(&self, screen: Screen) -> String {
        let widths = self.widths(screen.width);
        let mut text = String::new();
        let header = self.header.iter().map(|name| ((*name).to_owned(), Colour::Dim));
        line(&mut text, &widths, &header.collect::<Vec<_>>(), screen);
        for row in &self.rows {
            line(&mut text, &widths, row, screen);
        }
        text
    }

    fn widths(&self, available: Option<usize>) -> Vec<usize> {
        let longest = |index: usize, name: &str| {
            let cells =
                self.rows.iter().filter_map(|row| row.get(index)).map(|(cell, _)| cell.chars().count());
            cells.max().unwrap_or(0).max(name.chars().count())
        };
        let mut widths: Vec<usize> =
            self.header.iter().enumerate().map(|(index, name)| longest(index, name)).collect();
        let Some(available) = available else { return widths };
        let total = |widths: &[usize]| widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        while total(&widths) > available {
            let widest = widths.iter_mut().skip(1).max_by_key(|width| **width);
            match widest {
                Some(width) if *width > NARROWEST => *width -= 1,
                _ => break,
            }
        }
        widths
    }
}

fn line(text: &mut String, widths: &[usize], cells: &[(String, Colour)], screen: Screen) {
    let last = cells.len().saturating_sub(1);
    for (index, ((cell, colour), width)) in cells.iter().zip(widths).enumerate() {
        let cut = cut(cell, *width);
        text.push_str(&screen.paint(*colour, &cut));
        if index < last {
            text.extend(std::iter::repeat_n(' ', width - cut.chars().count() + GAP));
        }
    }
    text.push('\n');
}

fn cut(cell: &str, width: usize) -> String {
    if cell.chars().count() <= width {
        return cell.to_owned();
    }
    let kept: String = cell.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// Text in lines of at most this many characters, each with this in front.
pub(super) fn wrap(text: &str, screen: Screen, indent: &str) -> String {
    let width = screen.width.unwrap_or(100).clamp(20, 120) - indent.chars().count().min(10);
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    let blank: String = std::iter::repeat_n(' ', indent.chars().count()).collect();
    let lines = lines.iter().enumerate().map(|(index, line)| {
        let front = if index == 0 { indent } else { &blank };
        format!("{front}{line}\n")
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(width: Option<usize>) -> Screen {
        Screen { width, ..Screen::new() }
    }

    fn table() -> Table {
        let mut table = Table::new(&["ID", "STATUS", "DETAIL"]);
        let detail = "a very long detail that does not fit into a narrow terminal at all";
        let cells = ["0199f0c4-7a34-7c6f-9c4b-2f6d3c1e8a10", "stuck", detail];
        table.row(cells.iter().map(|cell| ((*cell).to_owned(), Colour::Plain)).collect());
        table
    }

    #[test]
    fn a_table_fits_the_terminal_and_never_cuts_an_id() {
        for width in [60, 80, 100] {
            let text = table().render(screen(Some(width)));
            assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
            assert!(text.contains("0199f0c4-7a34-7c6f-9c4b-2f6d3c1e8a10"));
            assert!(text.contains('…'), "{text}");
        }
        assert!(table().render(screen(None)).contains("at all"), "nothing is cut where nobody looks");
    }

    #[test]
    fn text_is_broken_between_words() {
        let text = wrap("one two three four five six seven eight", screen(Some(24)), "  - ");
        assert!(text.lines().all(|line| line.chars().count() <= 24), "{text}");
        assert!(
            text.starts_with("  - one") && text.lines().nth(1).is_some_and(|line| line.starts_with("    "))
        );
    }
}
