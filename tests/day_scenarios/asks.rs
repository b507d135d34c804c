//! Lines of a story that only look: what the day's report lists one by one, what is forgotten, what stands in the way of a close.

use tilld::core::acquirer::Outgoing;

use crate::shop::{Shop, terminal};
use crate::words::day;

/// What is asked, if it is one of these; `words` has what the lines of a story mean.
pub fn asked(shop: &Shop, words: &[&str]) -> Option<String> {
    Some(match words {
        [device, "under-way"] => match shop.message(&terminal(device)) {
            None => "nothing".into(),
            Some(Outgoing::SignOn) => "sign-on".into(),
            Some(Outgoing::Payment(m)) => format!("{:?}", m.name).to_lowercase(),
            Some(Outgoing::Reversal(..)) => "reversal".into(),
            Some(Outgoing::Settle(_)) => "settle".into(),
            Some(Outgoing::Upload(_)) => "upload".into(),
            Some(Outgoing::End { .. }) => "end".into(),
            Some(other) => format!("{other:?}"),
        },
        ["forgotten"] => {
            let (rules, now) = (&shop.rules, shop.now.wall);
            let all = shop.ledger().forgotten_shifts(rules, now).map(|s| format!("{} {}", s.no.0, s.cashier));
            all.collect::<Vec<_>>().join(", ")
        }
        ["notes", date] => {
            let view = day(shop, date);
            let drawers = view.shifts.iter().flat_map(|shift| &shift.drawers);
            let text = drawers.map(|d| {
                let notes = d.denominations.iter().map(|n| format!("{}x{}", n.value.grouped(2), n.count));
                format!("{} {}", d.sums.device, notes.collect::<Vec<_>>().join("+")).trim_end().to_owned()
            });
            text.collect::<Vec<_>>().join(", ")
        }
        ["to-sign", date] => {
            let view = day(shop, date);
            let wanted = view.shifts.iter().filter(|shift| shift.to_sign);
            wanted.map(|shift| format!("{} {}", shift.shift, shift.cashier)).collect::<Vec<_>>().join(", ")
        }
        ["acts", date] => {
            let view = day(shop, date);
            let all = view.drawer_openings.iter().chain(&view.overrides).chain(&view.reprints);
            let text = all.map(|act| {
                let by = act.by.as_ref().map_or("nobody", |by| by.as_str());
                let amount = act.amount.map(|a| format!(" {}", a.grouped(2))).unwrap_or_default();
                format!("{} by {by}{amount}", act.what)
            });
            text.collect::<Vec<_>>().join(", ")
        }
        ["channels", date] => {
            let lines = day(shop, date).by_channel;
            lines.iter().map(|g| format!("{} {}", g.id, g.net.grouped(2))).collect::<Vec<_>>().join(", ")
        }
        ["reversals", date] => {
            let lines = day(shop, date).reversals;
            let text = lines.iter().map(|r| {
                let card = r.masked_pan.as_deref().unwrap_or("-");
                format!("{} {} {} {card}", r.cashier, r.device, r.amount.grouped(2))
            });
            text.collect::<Vec<_>>().join(", ")
        }
        ["refused", date] => {
            let lines = day(shop, date).vouchers;
            let text = lines.iter().filter(|v| v.why == "offline_rejected").map(|v| {
                let card = v.masked_pan.as_deref().unwrap_or("-");
                format!("{} {} {card}", v.cashier, v.amount.grouped(2))
            });
            text.collect::<Vec<_>>().join(", ")
        }
        ["unsettled", date] => {
            let lines = day(shop, date).unsettled;
            let text = lines.iter().map(|b| format!("{} {} {} days", b.terminal, b.batch, b.days));
            text.collect::<Vec<_>>().join(", ")
        }
        ["checklist"] => {
            let writer = shop.writer();
            let list = writer.ledger().checklist(writer.lines(), shop.now, &shop.rules, writer.store()).unwrap();
            let wrong = list.checks.iter().filter(|check| check.level != "ok");
            let text = wrong.map(|c| format!("{} {} {}", c.level, c.code, c.count)).collect::<Vec<_>>().join(", ");
            if text.is_empty() { "ok".into() } else { text }
        }
        _ => return None,
    })
}
