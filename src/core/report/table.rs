//! Tables on papers of any width: one line a row, or the name over its figures, or a figure a line.
//!
//! The choice is made once a table, from its widest texts, so that a column is a column from its header to its sum.

use super::doc::{Align, Row, Rule, Style, Table};
use super::layout::{Line, LineBuilder, Page};
use super::wrap::{clean, widest, wrap};
use crate::core::font;

/// The narrowest that a first column is wrapped to before the table is folded; longer names are wrapped to two lines at most.
const NARROWEST_NAME: usize = 8;
/// Indent of what stands under a row's name.
const INDENT: usize = 2;

/// The table's texts as they are printed.
struct Texts {
    headers: Vec<String>,
    aligns: Vec<Align>,
    rows: Vec<(Vec<String>, bool)>,
}

/// How wide each column is, and the space before it.
struct Grid {
    columns: Vec<(usize, usize)>,
}

pub(super) fn set(page: &mut Page, table: &Table) {
    if table.columns.is_empty() {
        return;
    }
    let texts = Texts::of(table);
    let naturals = texts.naturals();
    if let Some(grid) = wide(&naturals, &texts.aligns, page.columns) {
        in_lines(page, &texts, &grid, 0);
    } else if let Some(grid) = folded(&naturals, page.columns) {
        in_lines(page, &texts, &grid, 1);
    } else {
        listed(page, &texts);
    }
}

impl Texts {
    fn of(table: &Table) -> Texts {
        let cells = |row: &Row| {
            let cell = |index: usize| row.cells.get(index).map(|cell| clean(cell)).unwrap_or_default();
            ((0..table.columns.len()).map(cell).collect(), row.total)
        };
        Texts {
            headers: table.columns.iter().map(|column| clean(&column.header)).collect(),
            aligns: table.columns.iter().map(|column| column.align).collect(),
            rows: table.rows.iter().map(cells).collect(),
        }
    }

    /// The widest text of each column.
    fn naturals(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.headers.iter().map(|header| widest(header)).collect();
        for (cells, _) in &self.rows {
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(widest(cell));
            }
        }
        widths
    }

    /// Rows of several lines are kept apart by an empty one.
    fn is_tall(&self, row: usize) -> bool {
        self.rows.get(row).is_some_and(|(cells, _)| cells.iter().any(|cell| cell.contains('\n')))
    }

    fn has_headers(&self) -> bool {
        self.headers.iter().any(|header| !header.is_empty())
    }
}

/// All columns in one line, or `None` where they do not fit. Figures stand on a grid that only their number and the paper
/// decide, if they fit in it: then tables under each other line up. Else the space left is shared out between the columns.
fn wide(naturals: &[usize], aligns: &[Align], paper: usize) -> Option<Grid> {
    let (&name, figures) = naturals.split_first()?;
    if figures.is_empty() {
        return Some(Grid { columns: vec![(0, paper)] });
    }
    let pitch = paper.div_ceil(figures.len() + 1);
    let room = paper.saturating_sub(pitch * figures.len());
    let all_right = aligns.iter().skip(1).all(|align| *align == Align::Right);
    if all_right && figures.iter().all(|figure| *figure < pitch) && name <= room {
        let mut columns = vec![(0, room)];
        columns.extend(figures.iter().map(|_| (1, pitch - 1)));
        return Some(Grid { columns });
    }
    let needed: usize = figures.iter().map(|figure| figure + 1).sum();
    let left = paper.checked_sub(needed)?;
    if left < name.min(NARROWEST_NAME.max(name / 2 + 2)) {
        return None;
    }
    Some(shared_out(name.min(left), figures, paper))
}

/// Only the figures in one line, under the name.
fn folded(naturals: &[usize], paper: usize) -> Option<Grid> {
    let figures = naturals.get(1..)?;
    let pitch = paper / figures.len().max(1);
    if figures.iter().all(|figure| *figure < pitch) {
        let rest = paper - pitch * figures.len();
        let column = |index: usize| (if index == 0 { rest + 1 } else { 1 }, pitch - 1);
        return Some(Grid { columns: (0..figures.len()).map(column).collect() });
    }
    let needed: usize = figures.iter().map(|figure| figure + 1).sum();
    if needed > paper {
        return None;
    }
    let mut grid = shared_out(0, figures, paper);
    grid.columns.remove(0);
    Some(grid)
}

/// Natural widths, and what is left of the paper as equal gaps; the first gaps take the remainder.
fn shared_out(name: usize, figures: &[usize], paper: usize) -> Grid {
    let left = paper.saturating_sub(name + figures.iter().sum::<usize>());
    let (gap, more) = (left / figures.len(), left % figures.len());
    let mut columns = vec![(0, name)];
    columns.extend(figures.iter().enumerate().map(|(index, figure)| (gap + usize::from(index < more), *figure)));
    Grid { columns }
}

/// Rows on a grid; the first `named` cells (none or one) stand in a line of their own above.
fn in_lines(page: &mut Page, texts: &Texts, grid: &Grid, named: usize) {
    if texts.has_headers() {
        row(
            page,
            &on_one_foot(&texts.headers[named..], &texts.headers[..named]),
            &texts.aligns,
            grid,
            named,
            Style::PLAIN,
        );
        page.lines.push(Line::Rule(Rule::Single));
    }
    for (index, (cells, total)) in texts.rows.iter().enumerate() {
        if *total {
            page.lines.push(Line::Rule(Rule::Single));
        } else if index > 0 && named == 0 && texts.is_tall(index) {
            page.paragraph("", Align::Left, Style::PLAIN);
        }
        row(page, cells, &texts.aligns, grid, named, if *total { Style::BOLD } else { Style::PLAIN });
    }
}

/// Headers of fewer lines start lower.
fn on_one_foot(headers: &[String], before: &[String]) -> Vec<String> {
    let lines = |header: &String| header.matches('\n').count();
    let most = headers.iter().map(lines).max().unwrap_or(0);
    let lowered = headers.iter().map(|header| format!("{}{header}", "\n".repeat(most - lines(header))));
    before.iter().cloned().chain(lowered).collect()
}

fn row(page: &mut Page, cells: &[String], aligns: &[Align], grid: &Grid, named: usize, style: Style) {
    for name in cells.iter().take(named).filter(|name| !name.is_empty()) {
        page.paragraph(&name.replace('\n', " "), Align::Left, Style::BOLD);
    }
    let cells: Vec<Vec<String>> =
        cells[named..].iter().zip(&grid.columns).map(|(cell, (_, width))| wrap(cell, *width)).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    for depth in 0..height {
        let mut line = LineBuilder::new();
        for ((cell, (gap, width)), align) in cells.iter().zip(&grid.columns).zip(&aligns[named..]) {
            line.space(*gap);
            line.put(cell.get(depth).map_or("", String::as_str), *width, *align, style);
        }
        page.lines.push(line.finish(page.columns));
    }
}

/// A figure a line, behind its header; the figure's further lines (its count) stand before it, in a column of their own.
/// Empty cells, and those that say `-` for nothing, are left out: here no column is broken by that.
fn listed(page: &mut Page, texts: &Texts) {
    let figures = texts.rows.iter().flat_map(|(cells, _)| cells.iter().skip(1));
    let widest_first =
        figures.map(|cell| font::text_columns(cell.split('\n').next().unwrap_or_default())).max().unwrap_or(0);
    for (cells, total) in &texts.rows {
        if *total {
            page.lines.push(Line::Rule(Rule::Single));
        }
        let Some((name, figures)) = cells.split_first() else { continue };
        page.paragraph(&name.replace('\n', " "), Align::Left, Style::BOLD);
        let style = if *total { Style::BOLD } else { Style::PLAIN };
        for (header, figure) in
            texts.headers.iter().skip(1).zip(figures).filter(|(_, figure)| !matches!(figure.as_str(), "" | "-"))
        {
            let label = format!("{:INDENT$}{}", "", header.replace('\n', " "));
            let (first, others) = figure.split_once('\n').unwrap_or((figure, ""));
            let gap = if others.is_empty() { 0 } else { widest_first + 2 - font::text_columns(first) };
            page.pair(&label, &format!("{}{:gap$}{first}", others.replace('\n', " "), ""), style);
        }
    }
}
