//! The field's words as closed lists: methods, kinds, states, how a card was read, roles, languages.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// Every word of the list, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word as the contracts write it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }

            /// The word of this spelling.
            #[must_use]
            pub fn parse(text: &str) -> Option<$name> {
                match text { $($text => Some($name::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words!(
    /// What a customer pays with.
    Method {
        /// A bank card, through the acquirer.
        Card = "card",
        /// A scanned payment code, through the acquirer.
        Qr = "qr",
        /// Banknotes and coins, in a drawer.
        Cash = "cash",
        /// A coupon, journaled here and settled elsewhere.
        Voucher = "voucher",
        /// A transfer from the store's bank account: only of a refund that the original's channel refused.
        Transfer = "transfer",
    }
);

words!(
    /// What a payment does.
    Kind {
        /// 消费
        Sale = "sale",
        /// 撤销
        Void = "void",
        /// 退货
        Refund = "refund",
        /// 预授权
        Preauth = "preauth",
        /// 预授权撤销
        PreauthVoid = "preauth_void",
        /// 预授权完成
        Completion = "completion",
        /// 预授权完成撤销
        CompletionVoid = "completion_void",
        /// 调整
        Adjust = "adjust",
        /// 余额查询
        Balance = "balance",
        /// 转账退回: money of a transfer that had succeeded came back.
        TransferReturn = "transfer_return",
    }
);

words!(
    /// Where a payment stands. `voided` and `refunded` are attributes, not states.
    State {
        /// Journaled; nothing was ever sent.
        Waiting = "waiting",
        /// Taken back before anything was sent.
        Cancelled = "cancelled",
        /// A row says that it is about to be sent, or was: from here a silence means unknown.
        Sent = "sent",
        /// An explicit, documented answer approved it.
        Approved = "approved",
        /// An explicit, documented answer declined it.
        Declined = "declined",
        /// Sent, and nothing documented came back (law 2).
        Unknown = "unknown",
        /// The acquirer confirmed that our reversal undid it.
        Reversed = "reversed",
        /// Taken offline; waits to be forwarded.
        Stored = "stored",
        /// Taken offline, and the acquirer has it.
        Forwarded = "forwarded",
        /// Taken offline, and the acquirer refused it.
        Rejected = "rejected",
        /// Taken offline, and not sent by itself any more: a named person decides.
        SetAside = "set_aside",
        /// Given up by a named person.
        WrittenOff = "written_off",
        /// A transfer whose funds are set aside, and of which it is not known that it was paid.
        Promised = "promised",
    }
);

words!(
    /// How the card was read.
    Entry {
        /// Magnetic stripe.
        Magstripe = "magstripe",
        /// Chip.
        Chip = "chip",
        /// Contactless chip.
        Contactless = "contactless",
        /// Keyed by hand.
        Manual = "manual",
        /// A scanned payment code.
        Scan = "scan",
    }
);

words!(
    /// Who somebody is to the daemon.
    Role {
        /// Sells.
        Cashier = "cashier",
        /// Answers for the money.
        Manager = "manager",
        /// Installs and repairs.
        Technician = "technician",
    }
);

words!(
    /// What a card is, as far as the card table says.
    CardKind {
        /// 借记卡
        Debit = "debit",
        /// 贷记卡
        Credit = "credit",
        /// Not known: a legal value.
        Unknown = "unknown",
    }
);

words!(
    /// Who bears a coupon.
    Funder {
        /// 门店承担
        Store = "store",
        /// 平台承担
        Platform = "platform",
    }
);

words!(
    /// How a coupon was redeemed.
    CouponHow {
        /// By the channel, with the payment of the rest of the order.
        WithPayment = "with_payment",
        /// The cashier confirmed it.
        ByCashier = "by_cashier",
    }
);

words!(
    /// Why the channel refuses a refund by the original route.
    RouteWhy {
        /// The account or card is closed or not known any more.
        AccountClosed = "account_closed",
        /// The sale is too old.
        TooOld = "too_old",
        /// The store's balance at the channel is too small.
        BalanceShort = "balance_short",
    }
);

words!(
    /// Where a transfer order stands.
    TransferStep {
        /// Created; nothing is set aside.
        Created = "created",
        /// Approved by another person; the funds are set aside.
        Approved = "approved",
        /// Taken back before it was sent.
        Withdrawn = "withdrawn",
        /// Handed to the bank, or about to be.
        Sent = "sent",
        /// The bank has taken it on. Not paid.
        Accepted = "accepted",
        /// The bank says that it is paid. Terminal.
        Succeeded = "succeeded",
        /// The bank says that it is not paid. Terminal.
        Failed = "failed",
        /// Nobody knows.
        Unknown = "unknown",
    }
);

words!(
    /// The language of what is shown or printed.
    Lang {
        /// 中文
        Zh = "zh",
        /// English
        En = "en",
    }
);

/// A text in both languages of a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sentence {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Sentence {
    /// From two texts.
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Sentence {
        Sentence { zh: zh.into(), en: en.into() }
    }

    /// The text in one language.
    #[must_use]
    pub fn in_lang(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }
}
