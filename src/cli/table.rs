//! Tables for a screen: columns aligned by what a terminal shows, where Chinese takes two cells.

use unicode_width::UnicodeWidthStr;

/// Rows under a head.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
    right: Vec<usize>,
}

impl Table {
    /// A table with these column heads.
    pub fn new(head: &[&str]) -> Table {
        Table { rows: vec![head.iter().map(|h| (*h).to_owned()).collect()], right: Vec::new() }
    }

    /// These columns are numbers.
    pub fn right(mut self, columns: &[usize]) -> Table {
        self.right = columns.to_vec();
        self
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Nothing but the head.
    pub fn is_empty(&self) -> bool {
        self.rows.len() < 2
    }

    /// The table as text, two spaces between columns.
    pub fn text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|c| self.rows.iter().filter_map(|r| r.get(c)).map(|t| t.width()).max().unwrap_or(0))
            .collect();
        let mut out = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (index, cell) in row.iter().enumerate() {
                let pad = " ".repeat(widths[index] - cell.width());
                if index > 0 {
                    line.push_str("  ");
                }
                if self.right.contains(&index) {
                    line.push_str(&pad);
                    line.push_str(cell);
                } else {
                    line.push_str(cell);
                    line.push_str(&pad);
                }
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_takes_two_cells() {
        let mut table = Table::new(&["终端", "amount"]).right(&[1]);
        table.row(["POS1".to_owned(), "12.00".to_owned()]);
        table.row(["前台一".to_owned(), "1,234.00".to_owned()]);
        assert_eq!(table.text(), "终端      amount\nPOS1       12.00\n前台一  1,234.00\n");
    }
}
