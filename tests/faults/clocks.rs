//! A clock that jumps a day either way: the cut waits for a manager, and nothing is lost or cut twice.

use tilld::core::day::CutSchedule;

use crate::shop::rules;
use crate::words::play_with;

#[test]
fn a_clock_that_jumps_a_day_either_way_cuts_nothing() {
    let mut rules = rules();
    rules.cut = CutSchedule::At(chrono::NaiveTime::from_hms_opt(3, 0, 0).unwrap());
    for jump in ["24h", "-24h", "25h", "-25h"] {
        play_with(
            rules.clone(),
            &format!(
                "
                1001 POS1 sells a card 12.00    => approved
                clock jumps {jump}
                wait 5m
                open-day                        => 2026-03-07
                1001 POS1 sells b card 13.00    => approved
                1001 POS1 sells c cash 1.00     => approved
                day 2026-03-07 => open sale 3/26.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 26.00
                M1 cuts                         => 2026-03-07 Z1
                wait 5m
                settled 2026-03-07              => POS1 000001 balanced
                "
            ),
        );
    }
}
