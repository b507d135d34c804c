//! The sections about what becomes of the money afterwards, and a look at the tables that they name.

use chrono::Days;

use super::files::{error, secret_file, warn};
use super::finding::Finding;
use super::read::Reader;
use super::section::Section;
use super::{CalendarConfig, Config, FeesConfig, RefundsConfig};
use crate::core::calendar::Calendar;
use crate::core::domain::{BusinessDate, Minor, Sentence, WallMs};
use crate::daemon::{payees, tables};

/// A calendar that ends sooner than this is worth a word: the next year's notice comes out in November.
const CALENDAR_NOTICE_DAYS: u64 = 45;

impl Reader<'_> {
    pub(super) fn calendar(&self, mut s: Section<'_, '_>) -> Option<CalendarConfig> {
        let file = s.text("file", "\"/etc/tilld/holidays.toml\"", |t| self.path(t));
        s.finish();
        Some(CalendarConfig { file: file.map(|v| v.0) })
    }

    pub(super) fn fees(&self, mut s: Section<'_, '_>) -> Option<FeesConfig> {
        let file = s.text("file", "\"/etc/tilld/fees.toml\"", |t| self.path(t));
        s.finish();
        Some(FeesConfig { file: file.map(|v| v.0) })
    }

    pub(super) fn refunds(&self, mut s: Section<'_, '_>) -> Option<RefundsConfig> {
        let cash = s.flag("cash", false);
        let transfer = s.flag("transfer", false);
        let payees_file = s.text("payees_file", "\"/etc/tilld/payees.csv\"", |t| self.path(t)).map(|v| v.0);
        let cap = s.number("cap_per_card", 0, 0..=Minor::MAX_ISO.0);
        let cap_days = s.number("cap_days", 365, 1..=366);
        let card_key_file = s.text("card_key_file", "\"/media/other/card.key\"", |t| self.path(t)).map(|v| v.0);
        let place = s.place();
        if transfer == Some(true) && payees_file.is_none() {
            s.wrong(
                "payees_file",
                place,
                Sentence::new(
                    "启用 transfer 时必须设置：转账收款人白名单（CSV）",
                    "is needed with transfer: the allow-list of payees (CSV)",
                ),
            );
        }
        s.finish();
        Some(RefundsConfig {
            cash: cash?,
            transfer: transfer?,
            payees_file,
            cap_per_card: cap.map(Minor).filter(|cap| cap.is_positive()),
            cap_days: u32::try_from(cap_days?).unwrap_or(365),
            card_key_file,
        })
    }
}

/// Reads the tables as the start will: what would fail then is said now.
pub(super) fn money(config: &Config, now: WallMs, out: &mut Vec<Finding>) {
    match tables::calendar(config) {
        Err(e) => out.push(error("calendar.file", format!("不可用：{e}"), format!("cannot be used: {e}"))),
        Ok(calendar) => {
            let today = config.store.timezone.local(now).map(|local| BusinessDate(local.date()));
            out.extend(today.and_then(|today| calendar_ends(&calendar, today)));
        }
    }
    if let Err(e) = tables::fees(config) {
        out.push(error("fees.file", format!("不可用：{e}"), format!("cannot be used: {e}")));
    }
    if let Err(e) = tables::cards(&config.data.dir) {
        out.push(error("data.dir", format!("卡表不可用：{e}"), format!("the card table cannot be used: {e}")));
    }
    refunds(config, out);
}

fn refunds(config: &Config, out: &mut Vec<Finding>) {
    let refunds = &config.refunds;
    if let Some(path) = &refunds.payees_file {
        secret_file("refunds.payees_file", path, out);
        if let Err(e) = payees::read(path) {
            out.push(warn("refunds.payees_file", format!("不可用：{e}"), format!("cannot be used: {e}")));
        }
    }
    if let Some(path) = &refunds.card_key_file {
        secret_file("refunds.card_key_file", path, out);
    }
    if refunds.cap_per_card.is_some() && tables::card_key(config).is_none() {
        out.push(warn(
            "refunds.cap_per_card",
            "不启用：需要 card_key_file，且须与数据不在同一文件系统（密钥与数据同处时不得保存卡号散列）",
            "is not kept: it needs card_key_file, on another file system than the data. Where a key lies beside the data no hash of a card is stored",
        ));
    }
}

/// A calendar that ends soon, or has ended, knows no holidays from then on.
pub(super) fn calendar_ends(calendar: &Calendar, today: BusinessDate) -> Option<Finding> {
    let soon = BusinessDate(today.0.checked_add_days(Days::new(CALENDAR_NOTICE_DAYS))?);
    let (from, to) = calendar.range();
    if calendar.knows(soon) && today >= from {
        return None;
    }
    Some(warn(
        "calendar.file",
        format!(
            "节假日历“{}”只含 {from} 至 {to}；此外的日子只按周末判断。新一年的放假通知发布后请更新",
            calendar.name()
        ),
        format!(
            "the holiday calendar {:?} covers {from} to {to}: days outside are judged by weekends alone. Name a newer one when the year's notice is out",
            calendar.name()
        ),
    ))
}
