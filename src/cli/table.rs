//! Tables that fit the terminal.

use super::output::{Color, Screen};
use crate::ops::visible;

/// A table in the making.
pub(super) struct Table {
    header: Vec<&'static str>,
    /// Columns that are left out where there is no room, the first first.
    least: Vec<&'static str>,
    rows: Vec<Vec<(String, Color)>>,
}

/// Between two columns.
const GAP: usize = 2;
/// No column is cut below this; where that does not fit, columns are left out.
const NARROWEST: usize = 10;

impl Table {
    /// With these columns.
    pub(super) fn new(header: &[&'static str]) -> Self {
        Self { header: header.to_vec(), least: Vec::new(), rows: Vec::new() }
    }

    /// These may be left out where there is no room, the first first.
    pub(super) fn leaving_out(mut self, least: &[&'static str]) -> Self {
        self.least = least.to_vec();
        self
    }

    /// Adds a row. What would deceive in a cell is made visible, so that it counts for the width.
    pub(super) fn row(&mut self, cells: Vec<(String, Color)>) {
        self.rows.push(cells.into_iter().map(|(cell, color)| (visible(&cell).into_owned(), color)).collect());
    }

    /// The table as text. Columns that are too wide are cut, the widest first; the first column never is, because ids
    /// are copied.
    pub(super) fn render(&self, screen: Screen) -> String {
        let mut widths = self.longest();
        if let Some(available) = screen.width {
            self.fit(&mut widths, available);
        }
        let mut text = String::new();
        let header: Vec<(String, Color)> =
            self.header.iter().map(|name| ((*name).to_owned(), Color::Dim)).collect();
        line(&mut text, &widths, &header, screen);
        for row in &self.rows {
            line(&mut text, &widths, row, screen);
        }
        text
    }

    fn longest(&self) -> Vec<Option<usize>> {
        let longest = |(index, name): (usize, &&'static str)| {
            let cells =
                self.rows.iter().filter_map(|row| row.get(index)).map(|(cell, _)| cell.chars().count());
            Some(cells.max().unwrap_or(0).max(name.chars().count()))
        };
        self.header.iter().enumerate().map(longest).collect()
    }

    /// A column without a width is left out.
    fn fit(&self, widths: &mut [Option<usize>], available: usize) {
        let narrowest = |(index, width): (usize, &Option<usize>)| {
            width.map(|width| if index == 0 { width } else { width.min(NARROWEST) })
        };
        for name in &self.least {
            let least: Vec<Option<usize>> = widths.iter().enumerate().map(narrowest).collect();
            if total(&least) <= available {
                break;
            }
            if let Some(index) = self.header.iter().position(|known| known == name)
                && let Some(width) = widths.get_mut(index)
            {
                *width = None;
            }
        }
        while total(widths) > available {
            let shown = widths.iter_mut().skip(1).flatten();
            match shown.max_by_key(|width| **width) {
                Some(width) if *width > NARROWEST => *width -= 1,
                _ => break,
            }
        }
    }
}

fn total(widths: &[Option<usize>]) -> usize {
    let shown = widths.iter().flatten();
    shown.clone().sum::<usize>() + GAP * shown.count().saturating_sub(1)
}

fn line(text: &mut String, widths: &[Option<usize>], cells: &[(String, Color)], screen: Screen) {
    let shown = cells.iter().zip(widths).filter_map(|(cell, width)| Some((cell, (*width)?)));
    let mut gap = 0;
    for ((cell, color), width) in shown {
        text.extend(std::iter::repeat_n(' ', gap));
        let cut = cut(cell, width);
        text.push_str(&screen.paint(*color, &cut));
        gap = width - cut.chars().count() + GAP;
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
        let mut screen = Screen::new();
        screen.width = width;
        screen
    }

    fn table() -> Table {
        let mut table = Table::new(&["ID", "STATUS", "DETAIL"]);
        let detail = "a very long detail that does not fit into a narrow terminal at all";
        let cells = ["0199f0c4-7a34-7c6f-9c4b-2f6d3c1e8a10", "stuck", detail];
        table.row(cells.iter().map(|cell| ((*cell).to_owned(), Color::Plain)).collect());
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
        let text = table().leaving_out(&["DETAIL"]).render(screen(Some(50)));
        assert!(!text.contains("DETAIL") && text.contains("stuck"), "{text}");
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
