//! The facts' table of messages, row by row: for each there is a message whose bytes the strangers compare, and a host that knows it.

use tilld::core::acquirer::iso8583::{Message, Mti};
use tilld::sim::acquirer::dialect::classify;

use crate::messages;

/// Type, field 3, field 25, 60.1, 60.3; `-` where the row has none.
const ROWS: &str = "
    0200 310000 00 01 000    balance
    0200 000000 00 22 000    sale
    0200 200000 00 23 000    void
    0220 200000 00 25 000    refund
    0100 030000 06 10 000    pre-authorization
    0100 200000 06 11 000    pre-authorization void
    0200 000000 06 20 000    completion
    0200 200000 06 21 000    completion void
    0220 000000 06 24 000    completion, advice
    0220 000000 00 30 000    offline sale
    0220 000000 00 32 000    adjust
    0220 000000 00 34 000    tip
    0200 000000 00 36 000    IC offline sale
    0400 000000 00 22 000    reversal of a sale
    0400 200000 00 23 000    reversal of a void
    0400 030000 06 10 000    reversal of a pre-authorization
    0400 200000 06 11 000    reversal of its void
    0400 000000 06 20 000    reversal of a completion
    0400 200000 06 21 000    reversal of its void
    0800 - - 00 003          sign-on
    0820 - - 00 002          sign-off
    0820 - - 00 301          echo
    0500 - - 00 201          settlement
    0320 - - 00 201          upload
    0320 - - 00 207          end, balanced
    0320 - - 00 202          end, unbalanced
    0320 - - 00 203          IC upload, balanced
    0320 - - 00 205          IC upload, unbalanced
    0320 - - 00 204          IC failures, balanced
    0320 - - 00 206          IC failures, unbalanced
";

#[test]
fn every_row_of_the_facts_table_is_said_and_its_host_knows_it() {
    let cases = messages::all();
    let mut missing = Vec::new();
    for row in ROWS.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let [mti, f3, f25, code, management, name] = row.splitn(6, ' ').map(str::trim).collect::<Vec<_>>()[..] else {
            panic!("{row}")
        };
        let is = |case: &&messages::Case, field: &str, value: &str| match value {
            "-" => !case.meant.contains_key(field),
            value => case.meant.get(field).is_some_and(|meant| meant == value),
        };
        let said = cases.iter().find(|case| {
            let f60 = case.meant.get("60").map_or("", String::as_str);
            is(case, "t", mti)
                && is(case, "3", f3)
                && is(case, "25", f25)
                && f60.starts_with(code)
                && f60.get(8..11) == Some(management)
        });
        let known = said.is_some_and(|case| {
            let mut message = Message::new(Mti::new(mti.parse().unwrap()).unwrap());
            for (field, value) in case.meant.iter().filter(|(field, _)| ["3", "25", "60"].contains(&field.as_str())) {
                message.set_text(field.parse().unwrap(), value);
            }
            classify(&message).is_some()
        });
        if !known {
            missing.push(format!("{name}: {row}"));
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}
