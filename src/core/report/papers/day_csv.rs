//! The day as CSV: one figure a row, the same columns in every row, so that a spreadsheet can filter and sum it.
//!
//! UTF-8, comma, CRLF as RFC 4180; amounts twice: `minor` in minor units, `amount` as a decimal with a point and no groups.
//! Amounts have the sign of the JSON: refunds and voids are positive, vouchers and nets are signed. Texts are as the papers print them; one that a
//! spreadsheet would take for a formula stands behind a quote (`'`).

use super::super::wrap::clean;
use super::cross_foot::{cell_columns, group_columns};
use crate::core::domain::{Minor, table_cell};
use crate::core::journal::{Column, Columns, Tally};
use crate::core::ports::{ActView, DayView, DrawerView, GroupView};

/// The header. Stable: columns are added at its end, none is renamed.
///
/// `table` says which part of the report the row is from and `measure` which figure it is; `id` is the group, batch, line,
/// payment or shift; `reference` what it refers to; `state` a state, result or reason; `date` the day of what it refers to.
pub const CSV_HEADER: [&str; 17] = [
    "table",
    "store",
    "business_date",
    "z_number",
    "id",
    "name",
    "cashier",
    "device",
    "method",
    "measure",
    "count",
    "minor",
    "amount",
    "currency",
    "reference",
    "state",
    "date",
];

/// A row before the day's own columns are added.
#[derive(Debug, Clone, Default)]
struct Row<'a> {
    table: &'a str,
    id: &'a str,
    name: &'a str,
    cashier: &'a str,
    device: &'a str,
    method: &'a str,
    measure: &'a str,
    count: Option<u64>,
    minor: Option<Minor>,
    reference: &'a str,
    state: &'a str,
    date: &'a str,
}

struct Sheet<'a> {
    day: &'a DayView,
    out: csv::Writer<Vec<u8>>,
}

/// The whole day report as CSV.
#[must_use]
pub fn day_csv(day: &DayView) -> String {
    let out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let mut sheet = Sheet { day, out };
    sheet.record(&CSV_HEADER);
    sheet.day();
    sheet.groups("by_cashier", &day.by_cashier);
    sheet.groups("by_device", &day.by_device);
    sheet.groups("by_method", &day.by_method);
    sheet.groups("by_channel", &day.by_channel);
    sheet.matrix();
    sheet.bridge();
    sheet.settlement();
    sheet.shifts();
    sheet.lists();
    let bytes = sheet.out.into_inner().expect("a vector takes every byte");
    String::from_utf8(bytes).expect("every cell was text")
}

impl<'a> Sheet<'a> {
    fn record(&mut self, cells: &[&str; 17]) {
        self.out.write_record(cells).expect("every record has the header's columns, and a vector takes every byte");
    }

    fn row(&mut self, row: &Row) {
        let day = self.day;
        let count = row.count.map(|count| count.to_string()).unwrap_or_default();
        let minor = row.minor.map(|minor| minor.to_string()).unwrap_or_default();
        let amount = row.minor.map(|minor| minor.grouped(day.currency.exponent()).replace(',', "")).unwrap_or_default();
        let text = |text: &str| table_cell(&clean(text)).into_owned();
        self.record(&[
            row.table,
            &text(&day.store),
            &day.business_date.to_string(),
            &day.z_number.to_string(),
            &text(row.id),
            &text(row.name),
            &text(row.cashier),
            &text(row.device),
            row.method,
            row.measure,
            &count,
            &minor,
            &amount,
            day.currency.alpha(),
            &text(row.reference),
            &text(row.state),
            row.date,
        ]);
    }

    fn amount(&mut self, row: &Row, measure: &str, minor: Minor) {
        self.row(&Row { measure, minor: Some(minor), ..row.clone() });
    }

    fn tally(&mut self, row: &Row, measure: &str, tally: Tally) {
        self.row(&Row { measure, count: Some(tally.count), minor: Some(tally.amount), ..row.clone() });
    }

    fn count(&mut self, row: &Row, measure: &str, count: u64) {
        self.row(&Row { measure, count: Some(count), ..row.clone() });
    }

    fn columns(&mut self, row: &Row, columns: &Columns, net: Minor) {
        self.tally(row, "sale", columns.sale);
        self.tally(row, "refund", columns.refund);
        self.tally(row, "void", columns.void);
        self.tally(row, "vouchers", columns.vouchers);
        self.amount(row, "net", net);
    }

    fn day(&mut self) {
        let day = self.day;
        let row = Row { table: "day", id: &day.store, name: &day.store_name, state: &day.state, ..Row::default() };
        self.columns(&row, &day.totals, day.net);
        self.tally(&row, "reversed", day.reversed);
        self.amount(&row, "grand_total", day.grand_total);
        self.count(&row, "first_seq", day.first_seq);
        self.count(&row, "last_seq", day.last_seq);
        self.count(&row, "cross_foot", day.cross_foot.into());
        self.count(&row, "journal_rows", day.journal.rows);
        let head = Row { measure: "journal_head", reference: &day.journal.head, ..row.clone() };
        self.row(&head);
        if let Some(code) = &day.check_code {
            self.row(&Row { measure: "check_code", reference: code, ..row.clone() });
        }
        let offline = Row { table: "offline", ..Row::default() };
        self.count(&offline, "stored", day.offline.stored);
        self.count(&offline, "forwarded", day.offline.forwarded);
        self.count(&offline, "rejected", day.offline.rejected);
        self.count(&offline, "waiting", day.offline.waiting);
    }

    fn groups(&mut self, table: &str, groups: &[GroupView]) {
        for group in groups {
            let id = group.id.as_str();
            let mut row = Row { table, id, name: &group.name, ..Row::default() };
            match table {
                "by_cashier" => row.cashier = id,
                "by_device" => row.device = id,
                "by_method" => row.method = id,
                _ => {}
            }
            self.columns(&row, &group_columns(group), group.net);
        }
    }

    fn matrix(&mut self) {
        for cell in &self.day.matrix {
            let (cashier, device) = (cell.cashier.as_str(), cell.device.as_str());
            let row = Row { table: "matrix", cashier, device, ..Row::default() };
            self.columns(&row, &cell_columns(cell), cell.net);
        }
    }

    fn bridge(&mut self) {
        for line in &self.day.bridge {
            let row = Row { table: "bridge", id: &line.line, name: &line.label.en, ..Row::default() };
            self.columns(&row, &line.columns, line.net);
        }
    }

    fn settlement(&mut self) {
        for batch in &self.day.settlement {
            let row = Row {
                table: "settlement",
                id: &batch.batch,
                device: batch.terminal.as_str(),
                reference: &batch.rung,
                state: &batch.result,
                ..Row::default()
            };
            self.tally(&row, "debit", batch.debit);
            self.tally(&row, "credit", batch.credit);
            self.tally(&row, "part_sale", batch.part.sale);
            self.tally(&row, "part_refund", batch.part.refund);
            self.tally(&row, "part_void", batch.part.void);
            self.tally(&row, "part_vouchers", batch.part.vouchers);
            if let Some(net) = batch.part.net() {
                self.amount(&row, "part_net", net);
            }
        }
    }

    fn shifts(&mut self) {
        for shift in &self.day.shifts {
            let id = shift.shift.to_string();
            let state = if shift.closed { "closed" } else { "carried" };
            let row = Row { table: "shift", id: &id, cashier: shift.cashier.as_str(), state, ..Row::default() };
            self.count(&row, "drawers", shift.drawers.len() as u64);
            for drawer in &shift.drawers {
                self.drawer(&Row { table: "drawer", device: drawer.sums.device.as_str(), ..row.clone() }, drawer);
            }
        }
    }

    fn drawer(&mut self, row: &Row, drawer: &DrawerView) {
        let sums = &drawer.sums;
        self.amount(row, "float", sums.float);
        self.amount(row, "sales", sums.sales);
        self.amount(row, "refunds", sums.refunds);
        self.amount(row, "paid_in", sums.paid_in);
        self.amount(row, "paid_out", sums.paid_out);
        self.amount(row, "expected", sums.expected);
        for (measure, amount) in [("counted", drawer.counted), ("difference", drawer.difference)] {
            if let Some(amount) = amount {
                self.amount(row, measure, amount);
            }
        }
    }

    /// What the report lists one by one, all of it.
    fn lists(&mut self) {
        let day = self.day;
        for item in &day.pending {
            self.row(&Row {
                table: "pending",
                id: &item.payment,
                cashier: item.cashier.as_str(),
                device: item.device.as_str(),
                method: item.method.as_str(),
                measure: item.kind.as_str(),
                count: Some(1),
                minor: Some(item.amount),
                reference: item.masked_pan.as_deref().unwrap_or(""),
                state: item.state.as_str(),
                ..Row::default()
            });
        }
        for item in &day.returns {
            self.row(&Row {
                table: if item.column == Column::Void { "voids" } else { "refunds" },
                id: &item.payment,
                cashier: item.cashier.as_str(),
                device: item.device.as_str(),
                method: item.method.as_str(),
                measure: item.column.as_str(),
                count: Some(1),
                minor: Some(item.amount),
                reference: item.original.as_deref().unwrap_or(""),
                ..Row::default()
            });
        }
        for item in &day.vouchers {
            let date = item.business_date.to_string();
            self.row(&Row {
                table: "vouchers",
                id: &item.payment,
                cashier: item.cashier.as_str(),
                device: item.device.as_str(),
                measure: "voucher",
                count: Some(1),
                minor: Some(item.amount),
                date: &date,
                state: &item.why,
                ..Row::default()
            });
        }
        self.cases();
        self.exceptions();
        self.unsettled();
        for item in &day.reversals {
            self.row(&Row {
                table: "reversals",
                id: &item.payment,
                cashier: item.cashier.as_str(),
                device: item.device.as_str(),
                method: item.method.as_str(),
                measure: item.kind.as_str(),
                count: Some(1),
                minor: Some(item.amount),
                reference: item.masked_pan.as_deref().unwrap_or(""),
                ..Row::default()
            });
        }
        for (table, acts) in
            [("drawer_openings", &day.drawer_openings), ("overrides", &day.overrides), ("reprints", &day.reprints)]
        {
            acts.iter().for_each(|act| self.act(table, act));
        }
    }

    fn unsettled(&mut self) {
        for batch in &self.day.unsettled {
            let since = batch.since.to_string();
            let (id, device, state) = (batch.batch.as_str(), batch.terminal.as_str(), batch.rung.as_str());
            let row = Row { table: "unsettled", id, device, state, date: &since, ..Row::default() };
            self.count(&row, "days", batch.days.into());
            self.tally(&row, "debit", batch.debit);
            self.tally(&row, "credit", batch.credit);
        }
    }

    /// `name` is who did it, `cashier` for whom, `state` what exactly, `reference` the payment.
    fn act(&mut self, table: &str, act: &ActView) {
        let seq = act.seq.to_string();
        self.row(&Row {
            table,
            id: &seq,
            name: act.by.as_ref().map_or("", |by| by.as_str()),
            cashier: act.cashier.as_ref().map_or("", |cashier| cashier.as_str()),
            device: act.device.as_ref().map_or("", |device| device.as_str()),
            measure: &act.what,
            count: Some(act.times.map_or(1, u64::from)),
            minor: act.amount,
            reference: act.payment.as_deref().unwrap_or(""),
            state: act.about.as_deref().unwrap_or(""),
            ..Row::default()
        });
    }

    fn cases(&mut self) {
        for item in &self.day.cases.items {
            let (id, day) = (item.id.to_string(), item.day.to_string());
            self.row(&Row {
                table: "cases",
                id: &id,
                name: &item.action.en,
                cashier: item.cashier.as_ref().map_or("", |c| c.as_str()),
                device: item.device.as_ref().map_or("", |d| d.as_str()),
                measure: item.class.as_str(),
                count: Some(1),
                minor: Some(item.difference),
                reference: item.payment.as_deref().unwrap_or(""),
                state: item.how.map_or_else(|| item.state.as_str(), |how| how.as_str()),
                date: &day,
                ..Row::default()
            });
        }
    }

    fn exceptions(&mut self) {
        for item in &self.day.exceptions {
            let (id, opened) = (item.id.to_string(), item.opened.to_string());
            let device = item.terminal.as_ref().map_or("", |terminal| terminal.as_str());
            self.row(&Row {
                table: "exceptions",
                id: &id,
                name: &item.message.en,
                device,
                measure: "exception",
                reference: item.payment.as_deref().unwrap_or(""),
                state: &item.state,
                date: &opened,
                ..Row::default()
            });
        }
    }
}
