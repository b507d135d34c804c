//! The shipped calendar against the published notices, and what a bad file is told.
#![allow(clippy::unwrap_used)]

use super::*;

fn day(text: &str) -> BusinessDate {
    BusinessDate::parse(text).unwrap()
}

#[test]
fn money_of_the_last_day_before_the_october_week_arrives_after_it() {
    let cn = Calendar::cn();
    // 30 September 2026 is a Wednesday; the week ends on the 7th, a Wednesday.
    assert_eq!(cn.add_business_days(day("2026-09-30"), 1), day("2026-10-08"));
    // Saturday the 10th is worked for it.
    assert_eq!(cn.add_business_days(day("2026-09-30"), 3), day("2026-10-10"));
    assert_eq!(cn.add_business_days(day("2026-09-30"), 4), day("2026-10-12"));
}

#[test]
fn seven_business_days_are_twelve_days_and_more_over_a_holiday_week() {
    let cn = Calendar::cn();
    let seen = cn.add_business_days(day("2025-09-29"), 7);
    assert_eq!(seen, day("2025-10-15"));
    assert_eq!(cn.business_days_between(day("2025-09-29"), seen), 7);
    assert_eq!(cn.add_business_days(day("2026-11-04"), 7), day("2026-11-13"));
}

#[test]
fn a_day_that_is_none_waits_for_the_next_one() {
    let cn = Calendar::cn();
    assert_eq!(cn.add_business_days(day("2026-11-21"), 0), day("2026-11-23"));
    assert_eq!(cn.add_business_days(day("2026-11-20"), 0), day("2026-11-20"));
    assert_eq!(cn.add_business_days(day("2026-11-21"), 1), day("2026-11-23"));
    assert_eq!(cn.after(day("2026-11-20"), Wait::parse("D+1").unwrap()), day("2026-11-21"));
    assert_eq!(cn.after(day("2026-11-20"), Wait::parse("T+1").unwrap()), day("2026-11-23"));
    assert!(Wait::parse("T+999").is_err() && Wait::parse("X+1").is_err() && Wait::parse("T").is_err());
}

#[test]
fn past_the_published_notices_only_weekends_are_known_and_it_says_so() {
    let cn = Calendar::cn();
    let new_year = day("2027-01-01"); // a Friday
    assert!(!cn.knows(new_year) && cn.is_business_day(new_year));
    assert!(cn.knows(day("2026-12-31")) && cn.holiday(day("2026-02-17")) == Some("春节"));
    assert!(!cn.is_business_day(day("2027-01-02")));
}

/// The arithmetic against a count of its own, day by day.
#[test]
fn counting_on_and_counting_between_agree_from_every_day() {
    let cn = Calendar::cn();
    let mut start = day("2025-01-01");
    while start < day("2026-12-31") {
        for n in [1, 2, 7, 20] {
            let end = cn.add_business_days(start, n);
            assert!(cn.is_business_day(end));
            assert_eq!(cn.business_days_between(start, end), n, "{start} + {n}");
        }
        start = start.next();
    }
}

#[test]
fn a_bad_calendar_is_told_its_line() {
    let head = "name = \"x\"\nfrom = \"2026-01-01\"\nto = \"2026-12-31\"\nweekend = [\"sunday\"]\n";
    let told = |rest: &str| Calendar::parse(&format!("{head}{rest}")).unwrap_err().to_string();
    let closed = |from: &str, to: &str| format!("[[closed]]\nname = \"y\"\nfrom = \"{from}\"\nto = \"{to}\"\n");
    assert!(told(&closed("2026-10-01", "2026-09-30")).starts_with("line 8: 2026-09-30 should follow"));
    assert!(told(&closed("2027-01-01", "2027-01-02")).contains("outside 2026-01-01 to 2026-12-31"));
    assert!(told(&closed("2026-13-01", "2026-01-02")).starts_with("line 7: \"2026-13-01\" is no date"));
    let twice = closed("2026-01-01", "2026-01-02") + &closed("2026-01-02", "2026-01-02");
    assert!(told(&twice).starts_with("line 11: 2026-01-02 is closed twice"));
    assert!(told("[[closed]]\nnam = 1\n").starts_with("line 6: unknown field"));
    let worked = closed("2026-01-01", "2026-01-01") + "worked = [\"2026-01-05\"]\n";
    assert!(told(&worked).starts_with("line 9: 2026-01-05 is worked anyway"));
    let both = closed("2026-01-04", "2026-01-04") + "worked = [\"2026-01-04\"]\n";
    assert!(told(&both).contains("is closed and worked"));
    let never = head.replace("[\"sunday\"]", "[\"mon\",\"tue\",\"wed\",\"thu\",\"fri\",\"sat\",\"sun\"]");
    assert!(Calendar::parse(&never).unwrap_err().what.contains("would never end"));
}
