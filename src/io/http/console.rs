//! The manager's console: its page, scripts and styles, compiled in (packed). It is a client of the same API as everybody else; nothing it shows is
//! known here.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::routing::get;

use super::answer::file;
use super::api::Api;
use crate::core::packed::{Packed, packed};

/// Everything from here, nothing from elsewhere, nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const ICON: &str = "image/svg+xml";
const TEXT: &str = "text/plain; charset=utf-8";

/// One file of the console.
struct Asset {
    address: &'static str,
    /// Below assets/console.
    name: &'static str,
    kind: &'static str,
    file: Packed,
}

macro_rules! files {
    ($($address:literal, $name:literal, $kind:expr;)+) => {
        const FILES: &[Asset] = &[$(Asset {
            address: $address,
            name: $name,
            kind: $kind,
            file: packed!(concat!("console/", $name)),
        }),+];
    };
}

files! {
    "/", "index.html", HTML;
    "/console/icon.svg", "icon.svg", ICON;
    "/console/theme.css", "theme.css", STYLE;
    "/console/frame.css", "frame.css", STYLE;
    "/console/parts.css", "parts.css", STYLE;
    "/console/pages.css", "pages.css", STYLE;
    "/console/main.js", "main.js", SCRIPT;
    "/console/api.js", "api.js", SCRIPT;
    "/console/live.js", "live.js", SCRIPT;
    "/console/money.js", "money.js", SCRIPT;
    "/console/words.js", "words.js", SCRIPT;
    "/console/words.json", "words.json", SCRIPT;
    "/console/icons.js", "icons.js", SCRIPT;
    "/console/parts.js", "parts.js", SCRIPT;
    "/console/ask.js", "ask.js", SCRIPT;
    "/console/keypad.js", "keypad.js", SCRIPT;
    "/console/chart.js", "chart.js", SCRIPT;
    "/console/pages/login.js", "pages/login.js", SCRIPT;
    "/console/pages/today.js", "pages/today.js", SCRIPT;
    "/console/pages/payments.js", "pages/payments.js", SCRIPT;
    "/console/pages/payment.js", "pages/payment.js", SCRIPT;
    "/console/pages/shifts.js", "pages/shifts.js", SCRIPT;
    "/console/pages/count.js", "pages/count.js", SCRIPT;
    "/console/pages/close.js", "pages/close.js", SCRIPT;
    "/console/pages/days.js", "pages/days.js", SCRIPT;
    "/console/pages/day.js", "pages/day.js", SCRIPT;
    "/console/pages/exceptions.js", "pages/exceptions.js", SCRIPT;
    "/console/pages/cases.js", "pages/cases.js", SCRIPT;
    "/console/vendor/preact.js", "vendor/preact.js", SCRIPT;
    "/console/vendor/uplot.js", "vendor/uplot.js", SCRIPT;
    "/console/vendor/uplot.css", "vendor/uplot.css", STYLE;
    "/console/vendor/LICENSES.txt", "vendor/LICENSES.txt", TEXT;
}

impl Asset {
    /// The words are kept as JSON, so that tests read them, and served as the module that browsers can import.
    fn content(&self) -> String {
        let text = self.text();
        if self.name.ends_with(".json") { format!("export default {text};") } else { text }
    }

    #[cfg(not(debug_assertions))]
    fn text(&self) -> String {
        self.file.text()
    }

    /// In a debug build a page is shown as it was last saved, where its source still lies there.
    #[cfg(debug_assertions)]
    fn text(&self) -> String {
        let saved = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/console").join(self.name);
        std::fs::read_to_string(saved).unwrap_or_else(|_| self.file.text())
    }
}

/// This address is one of the page's files.
pub(super) fn serves(path: &str) -> bool {
    FILES.iter().any(|asset| asset.address == path)
}

/// Adds the page's files to the routes.
pub(super) fn pages(routes: Router<Arc<Api>>) -> Router<Arc<Api>> {
    FILES.iter().fold(routes, |routes, asset| routes.route(asset.address, get(async move || page(asset))))
}

fn page(asset: &Asset) -> Response {
    let mut response = file(asset.content().into_bytes(), asset.kind);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

#[cfg(test)]
mod tests;
