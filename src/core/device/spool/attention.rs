//! What a printer wants of a person, in one sentence each.

use crate::core::domain::Sentence;

/// Something the cashier should see to, or know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attention {
    /// No paper.
    PaperOut,
    /// Little paper left; printing goes on.
    PaperNearEnd,
    /// The cover is open.
    CoverOpen,
    /// The cutter is stuck.
    Cutter,
    /// Another error, or it waits for a person to say go on.
    Error,
    /// It does not take data and does not say why.
    Offline,
    /// The port is there, the printer says nothing.
    NoAnswer,
    /// The port is gone (power, cable).
    Unplugged,
    /// It cannot be known whether the job is on paper, and it has been tried several times.
    Unproven,
}

impl Attention {
    /// All of them, most urgent first.
    pub const ALL: [Self; 9] = [
        Self::Unplugged,
        Self::NoAnswer,
        Self::CoverOpen,
        Self::PaperOut,
        Self::Cutter,
        Self::Error,
        Self::Offline,
        Self::Unproven,
        Self::PaperNearEnd,
    ];

    /// Stable code for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::PaperOut => "paper_out",
            Self::PaperNearEnd => "paper_near_end",
            Self::CoverOpen => "cover_open",
            Self::Cutter => "cutter",
            Self::Error => "error",
            Self::Offline => "offline",
            Self::NoAnswer => "no_answer",
            Self::Unplugged => "unplugged",
            Self::Unproven => "unproven",
        }
    }

    /// The sentence for the cashier, in Chinese.
    pub fn zh(self) -> &'static str {
        match self {
            Self::PaperOut => "缺纸，请换纸后按继续",
            Self::PaperNearEnd => "纸将用完，请准备新纸",
            Self::CoverOpen => "打印机盖未合上，请合盖后按继续",
            Self::Cutter => "切刀卡住，请取出卡纸后按继续",
            Self::Error => "打印机出错，请排除后按继续",
            Self::Offline => "打印机脱机，请按打印机上的联机键或重新开机",
            Self::NoAnswer => "打印机无应答，请检查电源和连线后按继续",
            Self::Unplugged => "打印机未连接，请检查电源和连线",
            Self::Unproven => "无法确认是否已打印，请查看纸张，按继续重打印",
        }
    }

    /// The same in English.
    pub fn en(self) -> &'static str {
        match self {
            Self::PaperOut => "Out of paper: change the roll, then press Continue",
            Self::PaperNearEnd => "Paper is running low: have a new roll ready",
            Self::CoverOpen => "Printer cover is open: close it, then press Continue",
            Self::Cutter => "Cutter is jammed: remove the paper, then press Continue",
            Self::Error => "Printer error: clear it, then press Continue",
            Self::Offline => "Printer is offline: press its online key or switch it off and on",
            Self::NoAnswer => "Printer does not answer: check power and cable, then press Continue",
            Self::Unplugged => "Printer is not connected: check power and cable",
            Self::Unproven => {
                "Cannot tell whether this was printed: look at the paper, press Continue to print it again"
            }
        }
    }

    /// Both.
    #[must_use]
    pub fn sentence(self) -> Sentence {
        Sentence::new(self.zh(), self.en())
    }

    /// Whether printing stands still until it is seen to.
    pub fn blocks(self) -> bool {
        self != Self::PaperNearEnd
    }
}

/// A set of attentions; a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Set(u16);

impl Set {
    pub(super) fn with(mut self, a: Attention, on: bool) -> Self {
        let bit = 1 << a as u16;
        if on {
            self.0 |= bit;
        } else {
            self.0 &= !bit;
        }
        self
    }

    pub(super) fn has(self, a: Attention) -> bool {
        self.0 & (1 << a as u16) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_own_sentences_and_bit() {
        for (i, a) in Attention::ALL.iter().enumerate() {
            for b in &Attention::ALL[i + 1..] {
                assert!(a.code() != b.code() && a.zh() != b.zh() && a.en() != b.en());
            }
            let set = Set::default().with(*a, true);
            assert_eq!(Attention::ALL.iter().filter(|b| set.has(**b)).count(), 1);
            assert_eq!(set.with(*a, false), Set::default());
        }
        assert_eq!(Attention::PaperOut.zh(), "缺纸，请换纸后按继续");
    }
}
