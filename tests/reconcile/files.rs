//! Lines of each format, as their publishers show them, and lines that are spoiled.

use tilld::core::domain::BusinessDate;
use tilld::core::reconcile::{Decoder, Format, Line, Row, RowKind, RowState, formats};

pub fn format(name: &str) -> Format {
    formats().unwrap().into_iter().find(|f| f.name == name).unwrap()
}

/// Every row, and every spoiled line with its number.
pub fn read(name: &str, bytes: &[u8]) -> (Vec<Row>, Vec<(u64, String)>) {
    let format = format(name);
    let mut decoder = Decoder::new(&format, BusinessDate::parse("2026-11-21").unwrap());
    let (mut rows, mut spoiled, mut row) = (Vec::new(), Vec::new(), Row::default());
    for (line, n) in bytes.split(|b| *b == b'\n').zip(1..) {
        match decoder.line(line, &mut row) {
            Line::Row => rows.push(row.clone()),
            Line::Spoiled(why) => spoiled.push((n, why)),
            Line::Other => {}
        }
    }
    assert!(decoder.knows_columns());
    (rows, spoiled)
}

fn date(text: &str) -> Option<BusinessDate> {
    Some(BusinessDate::parse(text).unwrap())
}

#[test]
fn our_acquirers_csv_with_spoiled_lines_among_good_ones() {
    let text = "terminal,batch,stan,rrn,kind,amount,status,date,time,settle_date,masked_pan,code,organisation,order\r\n\
        10000001,000001,000002,263250000006,sale,880,approved,2026-11-20,05:19:06,1120,555555******4444,00,MCC,1\r\n\
        10000001,000001,00000x,263250000007,sale,880,approved,2026-11-20,05:19:06,1120,,00,MCC,2\r\n\
        10000001,000001,000003,,sale,8.80,approved,2026-11-20,05:19:06,1120,,00,MCC,3\r\n\
        10000001,000001,000004,,gift,880,approved,2026-11-20,05:19:06,1120,,00,MCC,4\r\n\
        10000001,000001\r\n\
        ,,,,sale,880,approved,2026-11-20,05:19:06,1120,,00,MCC,5\r\n\
        10000001,000001,000005,,sale,-1,approved,2026-11-20,05:19:06,1120,,00,MCC,6\r\n\
        10000001,000001,000006,,refund,7,reversed,2026-11-20,05:19:06,1399,,00,MCC,6\r\n\
        \"10000001\",000001,000007,,refund,7,reversed,2026-11-20,05:19:06,1231,\"a,b\",00,MCC,7\r\n";
    let (rows, spoiled) = read("tilld-acquirer", text.as_bytes());
    assert_eq!(spoiled.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [3, 4, 5, 6, 7, 8, 9], "{spoiled:?}");
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].terminal.as_str(), rows[0].batch, rows[0].stan), ("10000001", Some(1), Some(2)));
    assert_eq!((rows[0].amount, rows[0].day), (880, date("2026-11-20")));
    assert_eq!(
        (rows[1].terminal.as_str(), rows[1].kind, rows[1].state),
        ("10000001", RowKind::Refund, RowState::Reversed)
    );
    assert_eq!(rows[1].day, date("2025-12-31"), "a day without a year is not in the future");
}

#[test]
fn days_that_no_statement_speaks_of_and_amounts_that_no_payment_has_are_spoiled() {
    let head = "terminal,batch,stan,rrn,kind,amount,status,settle_date\n";
    let line = |amount: &str, day: &str| format!("10000001,000001,000002,,sale,{amount},approved,{day}\n");
    let days = ["2026-11-20", "9999-12-31", "9998-12-31", "2029-11-25", "2029-11-26", "2023-11-17", "2023-11-16"];
    let text = format!("{head}{}", days.map(|day| line("1", day)).concat());
    let (rows, spoiled) = read("tilld-acquirer", text.as_bytes());
    assert_eq!(rows.iter().map(|r| r.line).collect::<Vec<_>>(), [2, 5, 7]);
    assert_eq!(rows.iter().map(|r| r.day).collect::<Vec<_>>(), ["2026-11-20", "2029-11-25", "2023-11-17"].map(date));
    assert_eq!(spoiled.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [3, 4, 6, 8]);
    // Twelve digits of fen are the most that a payment can have (field 4).
    let text = format!("{head}{}{}", line("999999999999", "1120"), line("1000000000000", "1120"));
    let (rows, spoiled) = read("tilld-acquirer", text.as_bytes());
    assert_eq!((rows.len(), rows[0].amount, spoiled.len()), (1, 999_999_999_999, 1));
    let far = WECHAT.replace("`0.60%,`9.90,", "`0.60%,`10000000000.00,");
    assert_eq!(read("wechat-pay", far.as_bytes()).1.len(), 1);
}

/// The layout of the published samples, with a product whose name has a comma and a back-tick's neighbourhood.
pub const WECHAT: &str = "\u{feff}交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\r\n\
`2026-11-20 10:00:00,`wx123,`1900000001,`0,`,`4200001,`pay_1,`o1,`MICROPAY,`SUCCESS,`OTHERS,`CNY,`9.90,`0.00,`0,`0,`0.00,`0.00,`,`,`面包,大份,`,`0.05940,`0.60%,`9.90,`0.00,`\r\n\
`2026-11-20 11:00:00,`wx123,`1900000001,`0,`,`4200001,`pay_1,`o1,`MICROPAY,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`500001,`rfd_1,`3.20,`0.00,`ORIGINAL,`SUCCESS,`面包,`,`-0.01920,`0.60%,`0.00,`3.20,`\r\n\
`2026-11-20 12:00:00,`wx123,`1900000001,`0,`,`4200002,`pay_2,`o1,`MICROPAY,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`500002,`rfd_2,`1.00,`0.00,`ORIGINAL,`PROCESSING,`面包,`,`0.00000,`0.60%,`0.00,`1.00,`\r\n\
总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n\
`3,`9.90,`4.20,`0.00,`0.04000,`9.90,`4.20\r\n";

#[test]
fn a_wechat_pay_bill() {
    let (rows, spoiled) = read("wechat-pay", WECHAT.as_bytes());
    assert_eq!(spoiled, []);
    let seen: Vec<_> = rows.iter().map(|r| (r.order.as_str(), r.kind, r.amount, r.state)).collect();
    assert_eq!(
        seen,
        [
            ("pay_1", RowKind::Sale, 990, RowState::Approved),
            ("rfd_1", RowKind::Refund, 320, RowState::Approved),
            ("rfd_2", RowKind::Refund, 100, RowState::Pending),
        ]
    );
    assert!(rows.iter().all(|r| r.day == date("2026-11-20")));
}

pub const ALIPAY: &str = "#支付宝业务明细查询\r\n#账号：[20880000000000000156]\r\n\
#起始日期：[2026年11月20日 00:00:00]   终止日期：[2026年11月21日 00:00:00]\r\n\
#-----------------------------------------业务明细列表----------------------------------------\r\n\
支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注\r\n\
2026112022001004720299453898\t,pay_3\t,交易\t,挂号,2026-11-20 00:06:14,2026-11-20 00:06:15,\t,\t,\t,\t,*杨(137****2600)\t,20.00,20.00,0.00,0.00,0.00,0.00,0.00,,0.00\t,0.00,\t,0.00,0.00,备注\r\n\
2026112022001004720299453898\t,pay_3\t,退款\t,挂号,2026-11-20 08:06:14,2026-11-20 08:06:15,\t,\t,\t,\t,*杨(137****2600)\t,-5.5,-5.50,0.00,0.00,0.00,0.00,0.00,,0.00\t,0.00,rfd_3\t,0.00,0.00,\r\n\
#-----------------------------------------业务明细列表结束------------------------------------\r\n\
#交易合计：1笔，商家实收共20.00元，商家优惠共0.00元\r\n";

#[test]
fn an_alipay_bill_in_gbk() {
    let bytes = encoding_rs::GBK.encode(ALIPAY).0;
    assert!(std::str::from_utf8(&bytes).is_err(), "it is no UTF-8");
    let (rows, spoiled) = read("alipay", &bytes);
    assert_eq!(spoiled, []);
    let seen: Vec<_> = rows.iter().map(|r| (r.order.as_str(), r.kind, r.amount)).collect();
    assert_eq!(seen, [("pay_3", RowKind::Sale, 2000), ("rfd_3", RowKind::Refund, 550)]);
    let narrow = ALIPAY.replace('（', "(").replace('）', ")");
    assert_eq!(read("alipay", &encoding_rs::GBK.encode(&narrow).0).0.len(), 2);
}

/// A line of the fixed layout: all fields blank but these.
pub fn zm(values: &[(usize, &str)]) -> Vec<u8> {
    const WIDTHS: [usize; 41] = [
        3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15, 1, 15, 32,
        13, 13, 8, 32, 13, 13, 12, 2, 1, 131,
    ];
    let field = |n: usize, width: usize| {
        let value = values.iter().find(|(i, _)| *i == n).map_or("", |(_, v)| *v);
        let mut bytes = encoding_rs::GBK.encode(value).0.into_owned();
        bytes.resize(width, b' ');
        bytes
    };
    WIDTHS.iter().enumerate().map(|(n, w)| field(n, *w)).collect::<Vec<_>>().join(&b' ')
}

#[test]
fn a_fixed_width_unionpay_file() {
    let sale = zm(&[
        (0, "S22"),
        (3, "000123"),
        (4, "1120101500"),
        (6, "000000001234"),
        (11, "pay_4"),
        (19, "01"),
        (30, "望京店"),
        (33, "10000001"),
    ]);
    let refund = zm(&[
        (0, "S30"),
        (3, "000124"),
        (4, "1120101501"),
        (6, "000000000034"),
        (11, "rfd_4"),
        (19, "04"),
        (33, "10000001"),
    ]);
    let mut slipped = sale.clone();
    slipped.remove(20);
    slipped.push(b' ');
    let bytes = [sale, refund, slipped, b"S22 too short".to_vec()].join(&b"\r\n"[..]);
    let (rows, spoiled) = read("unionpay-zm", &bytes);
    let seen: Vec<_> = rows.iter().map(|r| (r.order.as_str(), r.kind, r.amount, r.terminal.as_str(), r.stan)).collect();
    assert_eq!(
        seen,
        [("pay_4", RowKind::Sale, 1234, "10000001", Some(123)), ("rfd_4", RowKind::Refund, 34, "10000001", Some(124))]
    );
    assert_eq!(spoiled.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [3, 4]);
}

/// The bank writes month and day. What is no day of the year before is none of this statement's.
#[test]
fn a_leap_day_of_years_ago_is_no_day_of_a_statement() {
    let of = |mmdd: &str, today: &str| {
        let format = format("unionpay-zm");
        let mut decoder = Decoder::new(&format, BusinessDate::parse(today).unwrap());
        let time = format!("{mmdd}101500");
        let bytes = zm(&[(0, "S22"), (4, &time), (6, "000000001234"), (11, "pay_4"), (19, "01"), (33, "10000001")]);
        let mut row = Row::default();
        match decoder.line(&bytes, &mut row) {
            Line::Row => row.made.or(row.day).unwrap().to_string(),
            Line::Spoiled(why) => why,
            Line::Other => "other".to_owned(),
        }
    };
    assert!(of("0229", "2026-11-29").ends_with("is no date"), "{}", of("0229", "2026-11-29"));
    assert!(of("0229", "2025-11-29").ends_with("is no date"));
    assert_eq!(of("0229", "2024-03-01"), "2024-02-29");
    assert_eq!(of("0229", "2025-02-20"), "2024-02-29");
    assert_eq!(of("1206", "2026-11-29"), "2026-12-06", "the bank's clock may be a week ahead");
    assert_eq!(of("1207", "2026-11-29"), "2025-12-07");
    assert_eq!(of("1231", "2026-01-01"), "2025-12-31");
}

#[test]
fn any_bytes_are_rows_or_spoiled_and_never_a_crash() {
    let mut seed = 0x5EED_u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize
    };
    let formats = formats().unwrap();
    let samples: Vec<Vec<u8>> =
        vec![WECHAT.into(), encoding_rs::GBK.encode(ALIPAY).0.into_owned(), zm(&[(19, "01"), (11, "a"), (6, "1")])];
    for _ in 0..2_000 {
        let mut bytes = samples[next() % samples.len()].clone();
        for _ in 0..next() % 20 {
            let at = next() % bytes.len();
            bytes[at] = (next() % 256) as u8;
        }
        for format in &formats {
            let mut decoder = Decoder::new(format, BusinessDate::parse("2026-11-21").unwrap());
            let mut row = Row::default();
            for line in bytes.split(|b| *b == b'\n') {
                decoder.line(line, &mut row);
            }
        }
    }
    let format = format("tilld-acquirer");
    let mut decoder = Decoder::new(&format, BusinessDate::parse("2026-11-21").unwrap());
    assert!(matches!(decoder.line(&[b'x'; 20_000], &mut Row::default()), Line::Spoiled(_)));
}
