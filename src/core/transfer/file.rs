//! What is handed to the bank and what comes back: CSV, as a bank's batch-payment page takes and gives it.
//!
//! The order number of a transfer is its payment's id: the bank refuses a number that it has seen, so that a file handed in twice pays
//! once. Pure text; nothing here knows files or who may send.

use thiserror::Error;

use crate::core::domain::{Currency, Minor, PaymentId, TransferStep, table_cell};
use crate::core::journal::TransferAnswer;

/// A file of answers has at most so many lines.
const MAX_LINES: usize = 10_000;
/// A cell of an answer is cut to so many characters before it is journaled.
const MAX_CELL: usize = 120;

/// A line to be handed to the bank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    /// The order's number.
    pub payment: PaymentId,
    /// The payee's name, whole.
    pub name: &'a str,
    /// The payee's account.
    pub account: &'a str,
    /// The payee's bank.
    pub bank: &'a str,
    /// How much.
    pub amount: Minor,
}

/// The file for the bank: amounts with a decimal point, as banks' pages want them.
#[must_use]
pub fn write(lines: &[Line<'_>], currency: Currency, purpose: &str) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = ["order_no", "payee_name", "account", "bank", "amount", "currency", "purpose"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(lines.iter().map(|line| {
        [
            line.payment.to_string(),
            table_cell(line.name).into_owned(),
            table_cell(line.account).into_owned(),
            table_cell(line.bank).into_owned(),
            line.amount.grouped(currency.exponent()).replace(',', ""),
            currency.alpha().to_owned(),
            table_cell(&format!("{purpose} {}", line.payment)).into_owned(),
        ]
    }));
    for row in rows {
        writer.write_record(&row).expect("a Vec takes every byte, and every row has the columns of the first");
    }
    writer.into_inner().expect("a Vec takes every byte")
}

/// What a line of the bank's answers says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankLine {
    /// Its line in the file, from 1.
    pub line: u64,
    /// The order.
    pub payment: PaymentId,
    /// How much, where the file says it: compared with the order.
    pub amount: Option<Minor>,
    /// What it says.
    pub said: Said,
    /// The evidence.
    pub answer: TransferAnswer,
}

/// What the bank says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// The order stands there now.
    Step(TransferStep),
    /// Money of a success came back.
    Returned,
}

/// A file of answers that is not read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {what}")]
pub struct FileError {
    /// From 1.
    pub line: u64,
    /// What is wrong, and what to do.
    pub what: String,
}

/// Reads a bank's answers: `order_no`, `status`, `reference`, and where the file has them `amount`, `code`, `text`. A status that is not
/// documented here is *unknown* (law 2), never *failed*. The whole file is read before anything of it is used.
pub fn read(bytes: &[u8], exponent: u8) -> Result<Vec<BankLine>, FileError> {
    let wrong = |line: u64, what: &str| FileError { line, what: what.to_owned() };
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let names = reader.headers().map_err(|_| wrong(1, "is not UTF-8 CSV"))?.clone();
    let find = |name: &str| names.iter().position(|n| n.eq_ignore_ascii_case(name));
    let (Some(order), Some(status), Some(reference)) = (find("order_no"), find("status"), find("reference")) else {
        return Err(wrong(1, "the first line must name the columns order_no, status and reference"));
    };
    let (amount, code, text) = (find("amount"), find("code"), find("text"));
    let mut lines = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|e| {
            wrong(e.position().map_or(0, csv::Position::line), "is not UTF-8, or has not the columns of the first line")
        })?;
        let line = row.position().map_or(0, csv::Position::line);
        if lines.len() >= MAX_LINES {
            return Err(wrong(line, "is one too many: cut the file"));
        }
        let cell = |place: Option<usize>| -> String {
            place
                .and_then(|n| row.get(n))
                .unwrap_or_default()
                .chars()
                .filter(|c| !c.is_control())
                .take(MAX_CELL)
                .collect()
        };
        let payment = PaymentId::parse(&cell(Some(order)))
            .ok_or_else(|| wrong(line, "order_no is no order of ours: they look like P00000042"))?;
        let amount = match cell(amount).as_str() {
            "" => None,
            text => Some(major(text, exponent).ok_or_else(|| wrong(line, "amount is no amount: write it as 12.34"))?),
        };
        let said = match cell(Some(status)).to_ascii_lowercase().as_str() {
            "accepted" | "processing" | "已受理" | "处理中" => Said::Step(TransferStep::Accepted),
            "succeeded" | "success" | "成功" | "已到账" => Said::Step(TransferStep::Succeeded),
            "failed" | "fail" | "失败" => Said::Step(TransferStep::Failed),
            "returned" | "退票" | "退回" => Said::Returned,
            _ => Said::Step(TransferStep::Unknown),
        };
        let mut words = cell(text);
        if said == Said::Step(TransferStep::Unknown) {
            words = format!("{} {words}", cell(Some(status))).trim().to_owned();
        }
        let answer = TransferAnswer { reference: cell(Some(reference)), code: cell(code), text: words };
        lines.push(BankLine { line, payment, amount, said, answer });
    }
    Ok(lines)
}

/// `12.34` in minor units, by digits alone.
fn major(text: &str, exponent: u8) -> Option<Minor> {
    let text = text.replace(',', "");
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > usize::from(exponent) {
        return None;
    }
    let width = usize::from(exponent);
    format!("{whole}{part:0<width$}").parse().ok().map(Minor)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_banks_file_names_each_order_once_with_its_amount() {
        let line = Line {
            payment: PaymentId(42),
            name: "王, 小明",
            account: "6222021234567890128",
            bank: "工商银行",
            amount: Minor(123_456),
        };
        let text = String::from_utf8(write(&[line], Currency::CNY, "退款")).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "order_no,payee_name,account,bank,amount,currency,purpose");
        assert_eq!(lines[1], "P00000042,\"王, 小明\",6222021234567890128,工商银行,1234.56,CNY,退款 P00000042");
    }

    #[test]
    fn a_payees_name_is_no_formula_of_the_spreadsheet_that_looks_into_the_file() {
        let (name, bank, amount) = ("=1+1", "@工商银行", Minor(1));
        let line = Line { payment: PaymentId(42), name, account: "6222021234567890128", bank, amount };
        let text = String::from_utf8(write(&[line], Currency::CNY, "-退款")).unwrap();
        let row = text.lines().nth(1).unwrap();
        assert_eq!(row, "P00000042,'=1+1,6222021234567890128,'@工商银行,0.01,CNY,'-退款 P00000042");
    }

    #[test]
    fn an_undocumented_status_is_unknown_and_keeps_its_word() {
        let file = "order_no,status,reference,amount,code\nP00000042,accepted,B1,1234.56,\nP00000042,在途,B1,,77\nP00000043,退票,B2,5,\n";
        let lines = read(file.as_bytes(), 2).unwrap();
        assert_eq!(lines[0].said, Said::Step(TransferStep::Accepted));
        assert_eq!(lines[0].amount, Some(Minor(123_456)));
        assert_eq!((lines[1].said, lines[1].answer.text.as_str()), (Said::Step(TransferStep::Unknown), "在途"));
        assert_eq!((lines[2].said, lines[2].amount, lines[2].line), (Said::Returned, Some(Minor(500)), 4));
    }

    #[test]
    fn a_spoiled_file_is_told_its_line_and_nothing_of_it_is_used() {
        let told = |rows: &str| {
            read(format!("order_no,status,reference,amount\n{rows}").as_bytes(), 2).unwrap_err().to_string()
        };
        assert!(told("P00000042,success,B1,1\n42,success,B1,1\n").starts_with("line 3: order_no is no order"));
        assert!(told("P00000042,success,B1,1.234\n").contains("is no amount"));
        assert!(told("P00000042,success\n").starts_with("line 2"));
        assert!(read(b"a,b\n", 2).unwrap_err().to_string().contains("must name the columns"));
    }
}
