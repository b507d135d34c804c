//! A day report put together by hand: three terminals, four cashiers, everything a Z report has on it.

use tilld::core::domain::{Lang, Minor};
use tilld::core::report::doc::{Align, Document, Element, Rule, Style, Table};

const CASHIERS: [&str; 4] = ["1001\n王芳", "1002\n李强", "1003\n陈静怡", "2001\nAnna"];
const DEVICES: [&str; 3] = ["POS1", "POS2", "POS3"];

/// Sales, refunds and voids of one cashier at one device: count and amount in fen.
type Cell = [(i64, i64); 3];

/// A row a cashier, a column a device.
const DAY: [[Cell; 3]; 4] = [
    [[(61, 512_350), (1, 4_500), (1, 12_800)], [(12, 98_765), (0, 0), (0, 0)], [(0, 0); 3]],
    [[(0, 0); 3], [(58, 604_480), (0, 0), (2, 9_960)], [(7, 40_120), (0, 0), (0, 0)]],
    [[(9, 71_005), (0, 0), (0, 0)], [(0, 0); 3], [(83, 1_022_310), (2, 31_900), (1, 6_600)]],
    [[(0, 0); 3], [(0, 0); 3], [(44, 388_888), (1, 8_888), (0, 0)]],
];

fn money(amount: i64) -> String {
    Minor(amount).grouped(2)
}

fn sum(cells: impl Iterator<Item = Cell>) -> Cell {
    cells.fold([(0, 0); 3], |mut total, cell| {
        for (into, (count, amount)) in total.iter_mut().zip(cell) {
            *into = (into.0 + count, into.1 + amount);
        }
        total
    })
}

fn net(cell: &Cell) -> i64 {
    cell[0].1 - cell[1].1 - cell[2].1
}

fn figures(name: &str, cell: &Cell) -> Vec<String> {
    let figure = |sign: i64, (count, amount): (i64, i64)| match count {
        0 => "-".to_owned(),
        _ => format!("{}\n{count}笔", money(sign * amount)),
    };
    vec![name.to_owned(), figure(1, cell[0]), figure(-1, cell[1]), figure(-1, cell[2]), money(net(cell))]
}

fn by(name: &str, names: &[&str], of: impl Fn(usize) -> Cell) -> Table {
    let mut table = Table::of_figures([name, "消费\nSale", "退货\nRefund", "撤销\nVoid", "净额\nNet"]);
    for (index, name) in names.iter().enumerate() {
        table.row(figures(name, &of(index)));
    }
    table.total(figures("合计\nTotal", &sum((0..names.len()).map(of))));
    table
}

fn matrix() -> Table {
    let mut table = Table::of_figures(["", "POS1", "POS2", "POS3", "合计 Sum"]);
    let or_dash = |amount: i64| if amount == 0 { "-".to_owned() } else { money(amount) };
    for (name, row) in CASHIERS.iter().zip(&DAY) {
        let mut cells = vec![name.split('\n').next().unwrap_or_default().to_owned()];
        cells.extend(row.iter().map(|cell| or_dash(net(cell))));
        cells.push(money(net(&sum(row.iter().copied()))));
        table.row(cells);
    }
    let mut totals = vec!["合计".to_owned()];
    totals.extend((0..3).map(|device| money(net(&sum(DAY.iter().map(|row| row[device]))))));
    totals.push(money(net(&sum(DAY.iter().flatten().copied()))));
    table.total(totals);
    table
}

fn bridge(paper: &mut Document, total: i64) {
    paper.heading("平衡 Cross-foot");
    paper.pair("按收银员 By cashier", money(total));
    paper.pair("按终端 By device", money(total));
    paper.pair("按方式 By method", money(total));
    paper.pair("批次与未入批 Batches and the rest", money(total));
    let batches = [("POS1 批次 000117", 402_155), ("POS2 批次 000094", 501_285), ("POS3 批次 000203", 1_010_930)];
    let batched: i64 = batches.iter().map(|(_, amount)| amount).sum();
    for (name, amount) in batches {
        paper.pair(format!("  {name}"), money(amount));
    }
    paper.pair("  离线待发 Stored, waiting  2笔", money(26_600));
    paper.pair("  现金 Cash  88笔", money(total - batched - 26_600));
    paper.centred("四数相等  All four are equal", Style::BOLD);
}

fn drawer(paper: &mut Document, head: &str, lines: &[(&str, i64)], over: i64) {
    paper.text(head);
    for (label, amount) in lines {
        paper.pair(*label, money(*amount));
    }
    let word = match over {
        0 => "平 Even",
        1.. => "长款 Over",
        _ => "短款 Short",
    };
    paper.styled_pair(format!("  {word} = 实点 − 应有"), money(over), Style::BOLD);
}

/// The report, in Chinese with the English beside it.
pub fn day_report() -> Document {
    let all = sum(DAY.iter().flatten().copied());
    let total = net(&all);
    let mut paper = Document::new(Lang::Zh);
    paper.title("日结单 Z 0128").centred("望京店  S001", Style::TALL);
    paper.push(Element::Feed(1));
    paper.pair("营业日 Business day", "2026-03-14");
    paper.pair("日切 Cut", "2026-03-15 03:00:04");
    paper.pair("序号 Sequence", "48211 – 48694");
    paper.rule(Rule::Double);
    paper.pair(format!("消费 Sale  {}笔", all[0].0), money(all[0].1));
    paper.pair(format!("退货 Refund  {}笔", all[1].0), money(-all[1].1));
    paper.pair(format!("撤销 Void  {}笔", all[2].0), money(-all[2].1));
    paper.styled_pair("净额 Net", format!("¥ {}", money(total)), Style::LARGE);
    paper.rule(Rule::Double);
    paper.styled_pair("应缴现金 Cash to hand in", money(647_450), Style::TALL);
    paper.pair("累计总额 Grand total", money(1_234_567_890 + total));
    paper.heading("按收银员 By cashier");
    paper.table(by("", &CASHIERS, |cashier| sum(DAY[cashier].iter().copied())));
    paper.heading("按终端 By device");
    paper.table(by("", &DEVICES, |device| sum(DAY.iter().map(|row| row[device]))));
    paper.heading("收银员 × 终端 Cashier by device");
    paper.table(matrix());
    bridge(&mut paper, total);
    paper.heading("钱箱 Drawers");
    let early = [
        ("  备用金 Float", 50_000),
        ("+ 现金消费 Cash sales", 312_450),
        ("- 现金退货 Cash refunds", -4_500),
        ("- 取出 Paid out", -100_000),
        ("= 应有 Expected", 257_950),
        ("  实点 Counted", 257_750),
    ];
    drawer(&mut paper, "POS1 · 早班 · 1001 王芳", &early, -200);
    paper.push(Element::Feed(1));
    let late = [
        ("  备用金 Float", 50_000),
        ("+ 现金消费 Cash sales", 339_500),
        ("= 应有 Expected", 389_500),
        ("  实点 Counted", 389_700),
    ];
    drawer(&mut paper, "POS3 · 晚班 · 1003 陈静怡", &late, 200);
    settlement(&mut paper);
    waiting(&mut paper);
    ending(&mut paper);
    paper
}

fn settlement(paper: &mut Document) {
    paper.heading("批结算 Settlement");
    let mut table = Table::of_figures(["终端\nTerminal", "批次\nBatch", "借记\nDebit", "贷记\nCredit", "结果\nResult"]);
    table.row(["POS1", "000117", "4,066.55", "45.00", "平 Balanced"]);
    table.row(["POS2", "000094", "5,012.85", "0.00", "平 Balanced"]);
    table.row(["POS3", "000203", "10,109.30", "0.00", "未确认 Open"]);
    paper.table(table);
}

fn waiting(paper: &mut Document) {
    paper.heading("离线待发 Offline waiting");
    let mut table = Table::of_figures(["", "", ""]);
    table.row(["21:14 POS2 1002", "621234******1111", "186.00"]);
    table.row(["21:16 POS1 1001", "411111******1111", "80.00"]);
    paper.table(table);
    paper.heading("待定 Pending");
    paper.text("无 None");
}

fn ending(paper: &mut Document) {
    paper.rule(Rule::Double);
    paper.push(Element::Feed(1));
    paper.push(Element::Qr("tilld:1:S001:128:7KQ4-9X2M-HD3P-W8RT".to_owned()));
    paper.centred("校验码 Check code", Style::PLAIN);
    paper.centred("7KQ4-9X2M-HD3P-W8RT", Style::BOLD);
    paper.push(Element::Feed(1));
    paper.push(Element::Barcode("Z0128S001".to_owned()));
    paper.push(Element::Feed(1));
    paper.push(Element::Text {
        text: "经理签字 Manager ____________".into(),
        align: Align::Right,
        style: Style::PLAIN,
    });
    paper.push(Element::Feed(1));
    paper.centred("第 1 次打印  2026-03-15 03:00:06", Style::PLAIN);
    paper.push(Element::Cut);
}
