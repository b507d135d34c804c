//! Papers, for the moment titles only.
#![allow(missing_docs)]
use crate::core::domain::*;
use crate::core::ports::*;
use crate::core::report::doc::Document;
#[derive(Debug, Clone, Copy)]
pub enum DayReportKind {
    X,
    Z,
}
#[derive(Debug)]
pub struct ReceiptHead {
    pub store_name: String,
    pub mid: String,
    pub tid: String,
    pub cashier_name: String,
    pub local_time: String,
}
pub fn day_report(v: &DayView, _k: DayReportKind, l: Lang, _r: u32, _t: &str) -> Document {
    let mut d = Document::new(l);
    d.title(v.business_date.to_string());
    d
}
pub fn receipt(v: &PaymentView, _h: &ReceiptHead, l: Lang, _r: u32) -> Document {
    let mut d = Document::new(l);
    d.title(v.id.clone());
    d
}
pub fn batch_slip(_s: &str, _m: &str, _t: &str, v: &SettlementView, l: Lang, _r: u32, _n: &str) -> Document {
    let mut d = Document::new(l);
    d.title(v.batch.clone());
    d
}
pub fn shift_slip(_s: &str, v: &ShiftView, _c: Currency, l: Lang, _r: u32, _n: &str) -> Document {
    let mut d = Document::new(l);
    d.title(v.shift.to_string());
    d
}
pub fn day_csv(_v: &DayView) -> String {
    String::new()
}
