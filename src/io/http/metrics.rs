//! `GET /metrics`: the status and the API's own counters in Prometheus text (version 0.0.4).

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::response::Response;

use super::answer::file;
use super::api::Api;
use super::problem::Problem;
use crate::core::ports::StatusView;

/// Answers by route and status. Bounded: routes are a fixed list, strangers' addresses count as one.
#[derive(Default)]
pub(super) struct Counters(Mutex<BTreeMap<(String, String, u16), u64>>);

impl Counters {
    /// Counts an answer.
    pub fn count(&self, method: &str, route: Option<&str>, status: u16) {
        let method = if matches!(method, "GET" | "POST" | "HEAD") { method } else { "other" };
        let key = (method.to_owned(), route.unwrap_or("other").to_owned(), status);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(key).or_default() += 1;
    }

    fn write(&self, out: &mut Text) {
        out.family("tilld_http_requests_total", "counter", "Answers of the local API.");
        for ((method, route, status), n) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            out.value(&[("method", method), ("route", route), ("status", &status.to_string())], n);
        }
    }
}

/// The text as it grows.
#[derive(Default)]
struct Text {
    text: String,
    name: &'static str,
}

impl Text {
    fn family(&mut self, name: &'static str, kind: &str, help: &str) {
        self.name = name;
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn value(&mut self, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.text.push_str(self.name);
        for (index, (name, text)) in labels.iter().enumerate() {
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.text, "{}{name}=\"{text}\"", if index == 0 { '{' } else { ',' });
        }
        let _ = writeln!(self.text, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }

    fn gauge(&mut self, name: &'static str, help: &str, value: impl std::fmt::Display) {
        self.family(name, "gauge", help);
        self.value(&[], value);
    }
}

/// `GET /metrics`
#[utoipa::path(get, path = "/metrics", operation_id = "getMetrics", tag = "machine", responses((status = 200, description = "Prometheus text 0.0.4", content((String = "text/plain")))))]
pub(super) async fn text(State(api): State<Arc<Api>>) -> Result<Response, Problem> {
    let status = api.ask_soon(|desk, respond| desk.status(respond)).await?;
    let mut out = Text::default();
    status_lines(&status, &mut out);
    api.counters.write(&mut out);
    Ok(file(out.text.into_bytes(), "text/plain; version=0.0.4; charset=utf-8"))
}

fn status_lines(status: &StatusView, out: &mut Text) {
    out.family("tilld_info", "gauge", "Version and store.");
    out.value(&[("version", &status.version), ("store", &status.store)], 1);
    out.gauge("tilld_healthy", "1 where sales are possible.", u8::from(status.sells()));
    out.gauge("tilld_offline_waiting_count", "Payments taken offline that wait.", status.waiting.count);
    out.gauge("tilld_offline_waiting_minor", "Their sum in minor units.", status.waiting.amount);
    if let Some(ms) = status.oldest_expires_in_ms {
        let help = "Until the oldest waiting payment is not sent by itself any more.";
        out.gauge("tilld_offline_oldest_expires_seconds", help, ms / 1000);
    }
    out.gauge("tilld_exceptions_open", "What a named person must decide.", status.exceptions);
    out.gauge("tilld_journal_rows", "Rows in the journal.", status.journal.rows);
    out.gauge("tilld_warnings", "What people should know.", status.warnings.len());
    terminal_lines(status, out);
    out.family("tilld_port_open", "gauge", "1 where the printer or reader is there.");
    for port in &status.ports {
        out.value(&[("port", &port.id)], u8::from(port.state == "open"));
    }
    out.family("tilld_port_attention", "gauge", "1 where a person should see to the printer or reader.");
    for port in &status.ports {
        out.value(&[("port", &port.id)], u8::from(port.attention.is_some()));
    }
    out.family("tilld_port_total", "counter", "What a port has seen since the start, by name.");
    for port in &status.ports {
        for (what, n) in &port.counters {
            out.value(&[("port", &port.id), ("what", what)], n);
        }
    }
    out.family("tilld_print_jobs_waiting", "gauge", "Print jobs that wait.");
    for port in &status.ports {
        out.value(&[("port", &port.id)], port.queued);
    }
}

fn terminal_lines(status: &StatusView, out: &mut Text) {
    out.family("tilld_terminal_line_up", "gauge", "1 where the line to the acquirer stands.");
    for t in &status.terminals {
        out.value(&[("terminal", t.terminal.as_str())], u8::from(t.line == "up"));
    }
    out.family("tilld_terminal_signed_on", "gauge", "1 where work keys are loaded.");
    for t in &status.terminals {
        out.value(&[("terminal", t.terminal.as_str())], u8::from(t.signed_on));
    }
    out.family("tilld_terminal_asked", "gauge", "1 where the acquirer asks for something that a person must see to.");
    for t in &status.terminals {
        out.value(&[("terminal", t.terminal.as_str())], u8::from(t.asks.is_some()));
    }
    out.family("tilld_terminal_stopped", "gauge", "1 where cards are stopped.");
    for t in &status.terminals {
        out.value(&[("terminal", t.terminal.as_str())], u8::from(t.stopped.is_some()));
    }
    out.family("tilld_terminal_waiting_count", "gauge", "Payments taken offline that wait.");
    for t in &status.terminals {
        out.value(&[("terminal", t.terminal.as_str())], t.waiting.count);
    }
    out.family("tilld_terminal_reversals_owed", "gauge", "Reversals not yet confirmed.");
    for t in &status.terminals {
        out.value(&[("terminal", t.terminal.as_str())], t.reversals);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_counters_bounded() {
        let mut out = Text::default();
        out.family("x", "gauge", "X.");
        out.value(&[("a", "q\"\\\n"), ("b", "c")], 7);
        assert_eq!(out.text, "# HELP x X.\n# TYPE x gauge\nx{a=\"q\\\"\\\\\\n\",b=\"c\"} 7\n");
        let counters = Counters::default();
        for method in ["GET", "BREW", "PURGE"] {
            counters.count(method, None, 404);
        }
        assert_eq!(counters.0.lock().map(|c| c.len()).ok(), Some(2));
    }
}
