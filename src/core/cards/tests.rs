//! Look-ups, and what a bad table is told.
#![allow(clippy::unwrap_used)]

use super::*;

const TABLE: &str = "\
# a few rows
prefix,brand,kind,origin,length,issuer
4,visa,unknown,foreign,,
411111,visa,credit,foreign,16,test
62,unionpay,unknown,domestic,,
622202,unionpay,debit,domestic,19,银行
622202,unionpay,credit,domestic,16,银行
";

#[test]
fn the_longest_prefix_decides_and_then_the_length() {
    let table = read(TABLE.as_bytes()).unwrap();
    assert_eq!(table.len(), 5);
    let kind = |number: &str| table.look_up(number).map(|c| (c.kind, c.foreign));
    assert_eq!(kind("4111111111111111"), Some((CardKind::Credit, Some(true))));
    assert_eq!(kind("4000000000000002"), Some((CardKind::Unknown, Some(true))));
    assert_eq!(kind("6222021234567890128"), Some((CardKind::Debit, Some(false))));
    assert_eq!(kind("6222021234567890"), Some((CardKind::Credit, Some(false))));
    // Neither of the two lengths: the shorter prefix, which names none.
    assert_eq!(kind("62220212345678901"), Some((CardKind::Unknown, Some(false))));
    assert_eq!((kind("5555555555554444"), kind("")), (None, None));
    assert_eq!(table.look_up("6222021234567890").unwrap().brand.as_deref(), Some("unionpay"));
}

#[test]
fn a_line_twice_is_one_row_and_a_contradiction_is_told_with_its_line() {
    let twice = format!("{TABLE}62,UnionPay,unknown,domestic,,again\n");
    assert_eq!(read(twice.as_bytes()).unwrap(), read(TABLE.as_bytes()).unwrap());
    let error = read(format!("{TABLE}62,unionpay,debit,domestic,,\n").as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "line 8: the prefix 62 stood before and said something else");
}

#[test]
fn every_wrong_line_is_told_and_no_digits_of_a_number_are() {
    let bad = "prefix,brand,kind,origin\n4111111111111111,visa,credit,foreign\n4x,visa,credit,foreign\n\
               51,mastercard,gold,foreign\n52,mastercard,credit,abroad\n53,m!,credit,foreign\n54,mastercard\n";
    let error = read(bad.as_bytes()).unwrap_err();
    assert_eq!(error.count, 6);
    assert_eq!(error.lines.iter().map(|e| e.line).collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7]);
    let text = error.to_string();
    assert!(text.contains("1 to 11 digits, not 16 characters") && text.contains("has 2 columns"), "{text}");
    assert!(!text.contains("411111"), "{text}");
    assert!(read(b"bin,brand\n").unwrap_err().to_string().contains("must name a column prefix"));
    assert!(read(b"prefix,brand,kind,origin\n").unwrap_err().to_string().contains("no rows"));
    assert!(read(b"\xFF\xFE").is_err());
}

#[test]
fn a_scanned_code_names_its_wallet() {
    assert_eq!(wallet("134567890123456789"), Some("wechat"));
    assert_eq!(wallet("284567890123456789"), Some("alipay"));
    assert_eq!(wallet("6212345678901234567"), Some("unionpay"));
    assert_eq!((wallet("994567890123456789"), wallet("1"), wallet("付款")), (None, None, None));
}
