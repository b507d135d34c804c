//! The configuration and the acquirer's profile, as the ledger's rules.

use std::collections::BTreeMap;

use chrono::NaiveTime;

use super::config::{Config, DayCut};
use crate::core::acquirer::profile::{CompletionForm, EarlierDays, TotalsKind, UploadOnError};
use crate::core::acquirer::{MessageName, Profile};
use crate::core::day::{BatchLimits, CutSchedule};
use crate::core::domain::Minor;
use crate::core::ledger::{ChannelRules, MoneyRules, OfflineRules, QueryPlan, Rules, TerminalRules, UploadPlan};
use crate::core::suspense::EndingRules;

/// Every message that a payment can be carried by.
const MESSAGES: &[MessageName] = &[
    MessageName::Sale,
    MessageName::ScanSale,
    MessageName::Void,
    MessageName::Refund,
    MessageName::OfflineSale,
    MessageName::Balance,
    MessageName::Preauth,
    MessageName::PreauthVoid,
    MessageName::Completion,
    MessageName::CompletionAdvice,
    MessageName::CompletionVoid,
    MessageName::OfflineAdjust,
    MessageName::Tip,
    MessageName::IcOffline,
];

/// An advice is sent at most so often before it stands aside for a person.
const ADVICE_TRIES: u32 = 8;
/// The first repeat of something unanswered comes after this; each next one waits twice as long.
const RETRY_FIRST_MS: u64 = 1_000;
/// No repeat waits longer.
const RETRY_LONGEST_MS: u64 = 60_000;

/// The rules of a store, with the shipped tables; [`super::tables`] reads those that the configuration names.
#[must_use]
pub fn rules(config: &Config, profile: &Profile) -> Rules {
    let hour = 3_600_000;
    Rules {
        store: config.store.id.clone(),
        store_name: config.store.name.clone(),
        zone: config.store.timezone.clone(),
        currency: config.store.currency,
        lang: config.store.lang,
        cut: cut_schedule(config.store.day_cut),
        require_shift: config.store.require_shift,
        shift_idle_ms: i64::from(config.store.shift_idle_hours) * hour,
        max_amount: config.limits.max_amount,
        guards: config.limits.guards,
        offline: config.offline.map(|o| OfflineRules {
            max_amount: o.max_amount,
            max_total: o.max_total,
            max_count: u64::from(o.max_count),
            max_age_ms: i64::from(o.max_age_hours) * hour,
        }),
        terminals: config.terminals.iter().map(|t| (t.id.clone(), terminal(config, t))).collect(),
        endings: EndingRules { write_off_limit: config.statements.write_off_limit },
        report_printer: config.printers.first().map(|p| p.id.clone()),
        channel: channel(config, profile),
        money: MoneyRules::default(),
    }
}

/// When the day is cut.
#[must_use]
pub fn cut_schedule(cut: DayCut) -> CutSchedule {
    match cut {
        DayCut::Manual => CutSchedule::Manual,
        DayCut::At { hour, minute } => {
            NaiveTime::from_hms_opt(hour.into(), minute.into(), 0).map_or(CutSchedule::Manual, CutSchedule::At)
        }
    }
}

fn terminal(config: &Config, terminal: &super::config::TerminalConfig) -> TerminalRules {
    let printer = config.printers.iter().find(|p| p.serves(&terminal.id));
    TerminalRules {
        tid: terminal.tid.to_string(),
        mid: terminal.mid.to_string(),
        printer: printer.map(|p| p.id.clone()).or_else(|| super::drawers::outlet(config, &terminal.id)),
        receipts: printer.is_some_and(|p| p.receipts),
    }
}

fn channel(config: &Config, profile: &Profile) -> ChannelRules {
    let has = |name: &MessageName| profile.payment(*name);
    ChannelRules {
        reversible: MESSAGES.iter().copied().filter(|n| has(n).is_some_and(|row| row.reversible)).collect(),
        supported: MESSAGES.iter().copied().filter(|n| has(n).is_some()).collect(),
        reversal_done: profile.reversal.done.clone(),
        reversal_tries: profile.reversal.tries,
        duplicate: profile.advice.delivered.clone(),
        advice_tries: ADVICE_TRIES,
        refund_same_batch: profile.refund.same_batch,
        repeats_recognized: profile.refund.repeats_recognized,
        net_totals: profile.settlement.totals == TotalsKind::Net,
        end_when_balanced: profile.settlement.end_when_balanced,
        completion_as_advice: profile.preauth.completion == CompletionForm::Advice,
        completion_percent: profile.preauth.max_percent,
        query: QueryPlan {
            messages: profile.query.messages.clone(),
            tries: profile.query.tries,
            no_record: profile.query.no_record.clone(),
            no_record_means_failed: profile.query.no_record_means_failed,
        },
        sign_off: profile.sign_on.off_after_settlement,
        preauth_days: profile.preauth.max_days,
        adjust_percent: profile.advice.adjust_percent,
        upload: UploadPlan {
            single_first: profile.upload.single_first.clone(),
            rows: profile.upload.rows.clone(),
            single_last: profile.upload.single_last.clone(),
            rows_per_message: profile.upload.rows_per_message,
            all_on_error: profile.settlement.upload_on_error == UploadOnError::All,
            chip: profile.chip_uploads(),
        },
        domestic: profile.settlement.domestic.clone(),
        batch_limits: BatchLimits {
            count: profile.limits.count,
            sum: Minor(profile.limits.sum),
            records: profile.limits.records,
        },
        outage_ms: u64::from(profile.link.outage_s) * 1_000,
        exhausted: profile.reversal.exhausted,
        reversals_of_the_day: profile.reversal.earlier_days == EarlierDays::GiveUp,
        requests: profile.requests.clone(),
        refund_refused: (profile.refund.refused.iter())
            .flat_map(|(why, codes)| codes.iter().map(|code| (code.clone(), *why)))
            .collect(),
        sentences: profile.codes().map(|(code, c)| (code.to_owned(), c.sentence.clone())).collect::<BTreeMap<_, _>>(),
        wait_ms: config.acquirer.timeout_ms,
        settle_wait_ms: u64::from(config.limits.settle_wait_s) * 1_000,
        retry_first_ms: RETRY_FIRST_MS,
        retry_longest_ms: RETRY_LONGEST_MS,
    }
}
