//! Whether a frame is the answer to a message, and what may be believed of it (facts page, "Accepting an answer").
//!
//! An answer that matches nothing is never given to the next request. One that matches and is doubtful is `Unknown`, never failed (law 2).

use thiserror::Error;

use super::iso8583::{DecodeError, Frame, Message, View, dump};
use super::profile::{Profile, VerdictPlace};
use super::{Answer, AnswerClass, Doubt, Pending, Purpose, Verdict, Verdicts};
use crate::core::domain::{BatchNo, Minor, Stan};
use crate::core::ports::{KeyError, TerminalKeys};

/// Why a frame is not the answer to a message.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum Mismatch {
    /// It cannot be read.
    #[error("malformed: {0}")]
    Malformed(#[from] DecodeError),
    /// Its type is not the request's + 10.
    #[error("its type answers nothing that was asked")]
    Type,
    /// Field 11 is another's, or absent.
    #[error("field 11 is not the request's")]
    Stan,
    /// Field 3 is another's.
    #[error("field 3 is not the request's")]
    Processing,
    /// Field 41 is another's.
    #[error("field 41 is not the request's")]
    Terminal,
}

/// A matched answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// What is kept of it.
    pub answer: Answer,
    /// Why its work keys were not taken, where they were not.
    pub keys: Option<KeyError>,
}

/// Holds a frame against a message that waits for its answer. The keys check its MAC; `take_keys` lets a sign-on's answer load work keys.
pub fn accept(
    profile: &Profile,
    pending: &Pending,
    frame: &Frame,
    keys: &mut dyn TerminalKeys,
    take_keys: bool,
) -> Result<Accepted, Mismatch> {
    let view = View::check(&profile.spec, &frame.body)?;
    let message = view.message();
    matches(pending, &message)?;
    let mut answer = read(profile, frame, &message);
    let judged = judge(profile, pending, &message).and_then(|class| {
        check_mac(profile, pending, &view, class, keys)?;
        check_echo(pending, &message, class)?;
        Ok(class)
    });
    (answer.class, answer.doubt) = match judged {
        Ok(class) => (class, None),
        Err(doubt) => (AnswerClass::Unknown, Some(doubt)),
    };
    if pending.purpose == Purpose::Settle && answer.doubt.is_none() {
        answer.verdict = verdict(profile, &message);
    }
    let mut problem = None;
    if take_keys && profile.sign_on.keys && pending.purpose == Purpose::SignOn && answer.class == AnswerClass::Approved
    {
        problem = keys.load_work_keys(message.bytes(62).unwrap_or_default()).err();
        if problem.is_some() {
            (answer.class, answer.doubt) = (AnswerClass::Unknown, Some(Doubt::Keys));
        }
    }
    Ok(Accepted { answer, keys: problem })
}

/// What a frame says that nobody asked for: its STAN, and the answer where it is one. Its class is `Unknown`: there is nothing to hold it against.
#[must_use]
pub fn read_unasked(profile: &Profile, frame: &Frame) -> (Option<Stan>, Option<Answer>) {
    let Ok(message) = profile.spec.decode(&frame.body) else { return (None, None) };
    let is_answer = message.mti().number() / 10 % 2 == 1;
    (stan(&message), is_answer.then(|| read(profile, frame, &message)))
}

fn stan(message: &Message) -> Option<Stan> {
    message.text(11)?.parse().ok().map(Stan)
}

/// Type, STAN, processing code and terminal. A host that leaves 3 or 41 out is believed: the connection is the terminal's own.
fn matches(pending: &Pending, message: &Message) -> Result<(), Mismatch> {
    let differs =
        |field, ours: &Option<String>| message.has(field) && ours.is_some() && message.text(field) != ours.as_deref();
    if message.mti() != pending.mti.answer() {
        Err(Mismatch::Type)
    } else if pending.stan.is_some() && stan(message) != pending.stan {
        Err(Mismatch::Stan)
    } else if differs(3, &pending.processing) {
        Err(Mismatch::Processing)
    } else if differs(41, &pending.tid) {
        Err(Mismatch::Terminal)
    } else {
        Ok(())
    }
}

/// What the code means for what was asked.
fn judge(profile: &Profile, pending: &Pending, message: &Message) -> Result<AnswerClass, Doubt> {
    let code = message.text(39);
    let listed = |list: &[String]| code.is_some_and(|code| list.iter().any(|known| known == code));
    let class = match pending.purpose {
        Purpose::Settle if verdict(profile, message).is_some() => AnswerClass::Approved,
        Purpose::Advice if listed(&profile.advice.delivered) => AnswerClass::Approved,
        Purpose::Reversal if listed(&profile.reversal.done) => AnswerClass::Approved,
        purpose => match profile.classify(code.ok_or(Doubt::NoCode)?).0 {
            // 0500 approved without a verdict, or a reversal ended by a code that ends none
            AnswerClass::Approved if purpose == Purpose::Settle => return Err(Doubt::NoCode),
            AnswerClass::Approved if purpose == Purpose::Reversal => return Err(Doubt::UndocumentedCode),
            class => class,
        },
    };
    if class == AnswerClass::Unknown { Err(Doubt::UndocumentedCode) } else { Ok(class) }
}

/// A MAC that is there must be right; an approval must have one where the request had. What a host answers to a reversal or an advice that it has had, or
/// knows nothing of, is no approval: some sign it, some do not.
fn check_mac(
    profile: &Profile,
    pending: &Pending,
    view: &View<'_>,
    class: AnswerClass,
    keys: &mut dyn TerminalKeys,
) -> Result<(), Doubt> {
    if !pending.mac {
        return Ok(());
    }
    let approves = match pending.purpose {
        Purpose::Reversal | Purpose::Advice => {
            view.message().text(39).is_some_and(|code| profile.classify(code).0 == AnswerClass::Approved)
        }
        _ => class == AnswerClass::Approved,
    };
    match view.mac_parts() {
        Some((covered, mac)) if keys.verify_mac(profile.mac.method, covered, &mac) == Ok(true) => Ok(()),
        // The host says that its keys are others: so is its MAC.
        Some(_) if class == AnswerClass::SignOnAgain => Ok(()),
        Some(_) => Err(Doubt::BadMac),
        None if approves => Err(Doubt::NoMac),
        None => Ok(()),
    }
}

/// Amount and merchant of an approval are ours. A payment's must be there; elsewhere a host may leave them out.
///
/// A partial approval (10) has another amount. There is no place for a part of a payment, so it is doubted, and undone by its reversal.
fn check_echo(pending: &Pending, message: &Message, class: AnswerClass) -> Result<(), Doubt> {
    if class != AnswerClass::Approved {
        return Ok(());
    }
    let must = matches!(pending.purpose, Purpose::Payment | Purpose::Advice);
    let same = |field, ours: &Option<String>| match (message.bytes(field), ours) {
        (Some(theirs), Some(ours)) => theirs == ours.as_bytes(),
        (None, Some(_)) => !must,
        (_, None) => true,
    };
    if !same(4, &pending.amount) {
        Err(Doubt::Amount)
    } else if !same(42, &pending.mid) {
        Err(Doubt::Merchant)
    } else {
        Ok(())
    }
}

/// The verdict for each half, where the answer has one.
fn verdict(profile: &Profile, message: &Message) -> Option<Verdicts> {
    let rules = &profile.settlement;
    let both = |verdict| Some(Verdicts { domestic: verdict, foreign: verdict });
    match rules.verdict {
        VerdictPlace::Code => {
            let code = message.text(39)?.to_owned();
            if rules.balanced.contains(&code) {
                both(Verdict::Balanced)
            } else if rules.unbalanced.contains(&code) {
                both(Verdict::Unbalanced)
            } else {
                None
            }
        }
        VerdictPlace::Field48 => {
            let digits = message.bytes(48).filter(|digits| digits.len() == 62)?;
            // a refusal by code that merely echoes our zeros is a refusal
            let refused = message.text(39).is_some_and(|code| profile.classify(code).0 != AnswerClass::Approved);
            if refused && (digits[30] == b'0' || digits[61] == b'0') {
                return None;
            }
            let half = |digit| match digit {
                b'1' => Verdict::Balanced,
                b'2' => Verdict::Unbalanced,
                _ => Verdict::Error,
            };
            Some(Verdicts { domestic: half(digits[30]), foreign: half(digits[61]) })
        }
    }
}

/// What is kept of a frame, without judgement.
fn read(profile: &Profile, frame: &Frame, message: &Message) -> Answer {
    let text = |field| message.text(field).map(str::to_owned);
    let organisation =
        message.bytes(63).and_then(|content| content.get(..3)).filter(|name| name.is_ascii() && message.has(4));
    Answer {
        class: AnswerClass::Unknown,
        doubt: None,
        code: text(39),
        host_time: text(12),
        host_date: text(13),
        settle_date: text(15),
        rrn: text(37),
        approval_code: text(38),
        batch: message.text(60).and_then(batch),
        organisation: organisation.map(|name| String::from_utf8_lossy(name).trim().to_owned()),
        verdict: None,
        processing_request: frame.processing_request(),
        balance: message.text(54).and_then(balance),
        masked_frame: dump::masked_frame(&profile.spec, frame),
    }
}

/// Field 54: pieces of twenty characters [account 2, kind 2, currency 3, C or D, amount 12]; kind 02 is what is available.
fn balance(field: &str) -> Option<Minor> {
    let pieces = || (0..field.len() / 20).filter_map(|n| field.get(n * 20..(n + 1) * 20));
    let piece = pieces().find(|piece| piece.get(2..4) == Some("02")).or_else(|| pieces().next())?;
    let amount: i64 = piece.get(8..)?.parse().ok().filter(|amount| *amount >= 0)?;
    match piece.get(7..8)? {
        "C" => Some(Minor(amount)),
        "D" => Some(Minor(-amount)),
        _ => None,
    }
}

/// 60.2: behind the two digits of 60.1, or all of a field that is six digits long.
fn batch(field: &str) -> Option<BatchNo> {
    let digits = if field.len() == 6 { field } else { field.get(2..8)? };
    digits.parse().ok().map(BatchNo)
}

#[cfg(test)]
#[path = "accept_tests.rs"]
mod tests;
