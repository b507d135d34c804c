//! `tilld status --watch`: how things stand, and the day so far, on a screen to leave open.

use std::time::Duration;

use super::failure::Failure;
use super::screen::{Key, Screen};
use super::status;
use super::till::Till;
use crate::core::domain::Lang;
use crate::core::ports::{DayView, StatusView};
use crate::daemon::exit::Exit;

/// How long a picture stands.
const EVERY: Duration = Duration::from_secs(2);

/// Draws until somebody quits. A daemon that goes away is said so, and looked for again.
pub(super) async fn watch(till: &Till) -> Result<Exit, Failure> {
    if till.alone {
        let told = till.say("守护进程未运行：请先执行 tilld run", "no daemon runs: start tilld run first");
        return Err(Failure::new(Exit::Unavailable, told));
    }
    let screen = Screen::open()?;
    loop {
        let (columns, _) = screen.size();
        let picture = match look(till).await {
            Ok((status, day)) => picture(till, &status, &day, columns),
            Err(failure) => format!("\x1b[1;31m{}\x1b[0m\n", failure.text.trim_end()),
        };
        let foot =
            till.say("q 退出 · 任意键刷新 · 每 2 秒自动刷新", "q quits · any key looks again · by itself every 2 s");
        screen.draw(&format!("{picture}\n\x1b[2m{foot}"))?;
        if screen.key(EVERY) == Key::Quit {
            return Ok(Exit::Ok);
        }
    }
}

async fn look(till: &Till) -> Result<(StatusView, DayView), Failure> {
    let status = till.client.get("/healthz").await.map_err(|e| till.failed(e))?;
    let status = status.json().map_err(|e| till.failed(e))?;
    let day = till.client.get("/v1/day").await.and_then(|a| a.ok()).map_err(|e| till.failed(e))?;
    Ok((status, day.json().map_err(|e| till.failed(e))?))
}

fn picture(till: &Till, status: &StatusView, day: &DayView, columns: usize) -> String {
    let colour =
        if status.health == "ok" && status.terminals.iter().all(|t| t.stopped.is_none()) { "32" } else { "31" };
    let mut out = format!("\x1b[1;{colour}m{}\x1b[0m\n", "━".repeat(columns.min(120)));
    out.push_str(&takings(till, day));
    out.push('\n');
    out.push_str(&status::text(till, status));
    for exception in &day.exceptions {
        out.push_str(&format!("\x1b[33m! {}\x1b[0m\n", exception.message.in_lang(till.lang())));
    }
    for shift in day.shifts.iter().filter(|shift| shift.forgotten) {
        let told = till.say("遗忘的班次", "forgotten shift");
        out.push_str(&format!("\x1b[33m! {told} {} {}\x1b[0m\n", shift.shift, shift.cashier));
    }
    out
}

fn takings(till: &Till, day: &DayView) -> String {
    let (t, net) = (&day.totals, till.money(day.net));
    match till.lang() {
        Lang::Zh => format!(
            "\x1b[1m当日净额 {net}\x1b[0m  消费 {} 笔  退货 {} 笔  撤销 {} 笔  待定 {} 笔\n",
            t.sale.count,
            t.refund.count,
            t.void.count,
            day.pending.len()
        ),
        Lang::En => format!(
            "\x1b[1mnet of the day {net}\x1b[0m  sales {}  refunds {}  voids {}  pending {}\n",
            t.sale.count,
            t.refund.count,
            t.void.count,
            day.pending.len()
        ),
    }
}
