//! What stands on a paper: a few kinds of element, from which every output is made.
//!
//! Texts come ready in the reader's language; amounts come as texts (`Minor::grouped`). Any character may stand in a text:
//! what a Chinese printer has not is printed as `?`, in every output alike.

use crate::core::domain::Lang;

/// A whole paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The language of its texts.
    pub lang: Lang,
    /// From the top.
    pub elements: Vec<Element>,
}

/// One thing on the paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Element {
    /// Centred, twice as high, and twice as wide where one line holds it so.
    Title(String),
    /// The head of a part: some air, then bold over a single rule.
    Heading(String),
    /// A paragraph: wrapped, `\n` breaks it, leading spaces indent all its lines.
    Text {
        /// What it says.
        text: String,
        /// Where it stands.
        align: Align,
        /// How it is printed.
        style: Style,
    },
    /// A label at the left and its value at the right.
    Pair {
        /// At the left; leading spaces indent it.
        label: String,
        /// At the right edge.
        value: String,
        /// How both are printed; double width is given up where they do not fit in it.
        style: Style,
    },
    /// Rows and columns.
    Table(Table),
    /// A line across the paper.
    Rule(Rule),
    /// Code128 over its own text; only the text where the bars do not fit or cannot say it.
    Barcode(String),
    /// A QR code; its text where it does not fit.
    Qr(String),
    /// Empty lines.
    Feed(u8),
    /// The store's logo, where the printer has one; nothing elsewhere.
    Logo,
    /// The end of a slip.
    Cut,
}

/// Where a text stands in its width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Align {
    /// At the left edge.
    #[default]
    Left,
    /// In the middle.
    Centre,
    /// At the right edge: amounts.
    Right,
}

/// How large letters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Size {
    /// One column a letter.
    #[default]
    Normal,
    /// Twice as high.
    Tall,
    /// Twice as high and twice as wide.
    Double,
}

impl Size {
    /// How many times wider than normal.
    #[must_use]
    pub fn across(self) -> usize {
        if self == Size::Double { 2 } else { 1 }
    }

    /// How many times higher than normal.
    #[must_use]
    pub fn down(self) -> usize {
        if self == Size::Normal { 1 } else { 2 }
    }
}

/// How letters are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Style {
    /// Heavier strokes.
    pub bold: bool,
    /// How large.
    pub size: Size,
}

impl Style {
    /// As the printer starts.
    pub const PLAIN: Style = Style { bold: false, size: Size::Normal };
    /// Heavier.
    pub const BOLD: Style = Style { bold: true, size: Size::Normal };
    /// Heavier, and twice as high: subtotals that the eye should find.
    pub const TALL: Style = Style { bold: true, size: Size::Tall };
    /// Heavier, twice as high and wide: the figure that the paper is for.
    pub const LARGE: Style = Style { bold: true, size: Size::Double };
}

/// A line across the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Between parts.
    Single,
    /// Before what closes the paper, or a part of it.
    Double,
}

/// Rows and columns. How it is set depends on the paper, for the whole table at once: every row in one line where that
/// fits; else the first cell in a line of its own and the others under it; else each of the others in a line of its own,
/// behind its column's header.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// From the left; the first names the row.
    pub columns: Vec<Column>,
    /// From the top.
    pub rows: Vec<Row>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Over the column; `\n` makes a second line. Where all headers are empty none is printed.
    pub header: String,
    /// Where header and cells stand.
    pub align: Align,
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// A cell a column; missing ones are empty, more than the columns are left out. `\n` makes a further line: first the
    /// figure, under it what belongs to it (a count).
    pub cells: Vec<String>,
    /// The sum of those above: bold, under a rule.
    pub total: bool,
}

impl Document {
    /// An empty paper.
    #[must_use]
    pub fn new(lang: Lang) -> Document {
        Document { lang, elements: Vec::new() }
    }

    /// Adds an element at the end.
    pub fn push(&mut self, element: Element) -> &mut Document {
        self.elements.push(element);
        self
    }

    /// Adds [`Element::Title`].
    pub fn title(&mut self, text: impl Into<String>) -> &mut Document {
        self.push(Element::Title(text.into()))
    }

    /// Adds [`Element::Heading`].
    pub fn heading(&mut self, text: impl Into<String>) -> &mut Document {
        self.push(Element::Heading(text.into()))
    }

    /// Adds a paragraph at the left.
    pub fn text(&mut self, text: impl Into<String>) -> &mut Document {
        self.push(Element::Text { text: text.into(), align: Align::Left, style: Style::PLAIN })
    }

    /// Adds a paragraph in the middle.
    pub fn centred(&mut self, text: impl Into<String>, style: Style) -> &mut Document {
        self.push(Element::Text { text: text.into(), align: Align::Centre, style })
    }

    /// Adds [`Element::Pair`], plain.
    pub fn pair(&mut self, label: impl Into<String>, value: impl Into<String>) -> &mut Document {
        self.styled_pair(label, value, Style::PLAIN)
    }

    /// Adds [`Element::Pair`].
    pub fn styled_pair(&mut self, label: impl Into<String>, value: impl Into<String>, style: Style) -> &mut Document {
        self.push(Element::Pair { label: label.into(), value: value.into(), style })
    }

    /// Adds [`Element::Rule`].
    pub fn rule(&mut self, rule: Rule) -> &mut Document {
        self.push(Element::Rule(rule))
    }

    /// Adds [`Element::Table`].
    pub fn table(&mut self, table: Table) -> &mut Document {
        self.push(Element::Table(table))
    }
}

impl Table {
    /// A table whose first column stands at the left and all others, the figures, at the right.
    pub fn of_figures<T: Into<String>>(headers: impl IntoIterator<Item = T>) -> Table {
        let columns = headers.into_iter().enumerate().map(|(index, header)| Column {
            header: header.into(),
            align: if index == 0 { Align::Left } else { Align::Right },
        });
        Table { columns: columns.collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) -> &mut Table {
        self.rows.push(Row { cells: cells.into_iter().map(Into::into).collect(), total: false });
        self
    }

    /// Adds the row of sums.
    pub fn total<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) -> &mut Table {
        self.rows.push(Row { cells: cells.into_iter().map(Into::into).collect(), total: true });
        self
    }
}
