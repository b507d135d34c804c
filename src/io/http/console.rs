//! The manager's console: one page, its script and its style, compiled in. It is a client of the same API as everybody else; nothing it
//! shows is known here.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::routing::get;

use super::answer::file;
use super::api::Api;

/// Everything from here, nothing from elsewhere, nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

macro_rules! files {
    ($($address:literal, $name:literal, $kind:literal;)+) => {
        /// Address, content, media type.
        const FILES: &[(&str, &str, &str)] = &[$(($address, include_str!(concat!("../../../assets/console/", $name)), $kind)),+];
    };
}

files! {
    "/", "index.html", "text/html; charset=utf-8";
    "/console/app.js", "app.js", "text/javascript; charset=utf-8";
    "/console/pages.js", "pages.js", "text/javascript; charset=utf-8";
    "/console/words.js", "words.js", "text/javascript; charset=utf-8";
    "/console/style.css", "style.css", "text/css; charset=utf-8";
    "/console/icon.svg", "icon.svg", "image/svg+xml";
    "/console/uplot.js", "uplot.js", "text/javascript; charset=utf-8";
    "/console/uplot.css", "uplot.css", "text/css; charset=utf-8";
    "/console/uPlot-LICENSE.txt", "uPlot-LICENSE.txt", "text/plain; charset=utf-8";
}

/// This address is one of the page's files.
pub(super) fn serves(path: &str) -> bool {
    FILES.iter().any(|(address, ..)| *address == path)
}

/// Adds the page's files to the routes.
pub(super) fn pages(routes: Router<Arc<Api>>) -> Router<Arc<Api>> {
    FILES
        .iter()
        .fold(routes, |routes, &(address, content, kind)| routes.route(address, get(async move || page(content, kind))))
}

fn page(content: &'static str, kind: &'static str) -> Response {
    let mut response = file(content.as_bytes().to_vec(), kind);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}
