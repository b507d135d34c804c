//! Makes the API's description from the routes and their types, and holds the shipped text against it.
//!
//! The handlers say what they take and give when all is well. What may be refused is the same few things nearly everywhere, and is added here
//! from [`Refusal`] itself: a status that a route answers and that is not listed is a fault that `tests/api/schemathesis.sh` finds.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use utoipa::PartialSchema;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, Ref, RefOr, Server};

use super::super::{ROUTES, described};
use super::DESCRIPTION;
use crate::core::domain::Refusal::{self, *};
use crate::core::ports::CaseStates;

#[test]
fn the_shipped_description_is_what_the_routes_say() {
    // The library holds bounds as wide as a pointer: on 32 bits it cuts an amount's. Every machine's program carries the text made on 64.
    if cfg!(target_pointer_width = "32") {
        return;
    }
    let made = describe(described());
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/openapi.json");
    if std::env::var_os("TILLD_DESCRIBE").is_some() {
        std::fs::write(file, &made).unwrap();
        return;
    }
    let shipped = DESCRIPTION.text();
    let differs = made.lines().zip(shipped.lines()).position(|(made, shipped)| made != shipped);
    assert!(
        made == shipped,
        "assets/openapi.json differs from the routes at line {}: TILLD_DESCRIBE=1 cargo test --lib shipped_description writes it",
        differs.unwrap_or(made.lines().count().min(shipped.lines().count())) + 1
    );
}

#[test]
fn every_route_is_served_where_it_says() {
    let said = described();
    let said: BTreeSet<(&str, &str)> = said
        .paths
        .paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = [("get", item.get.is_some()), ("post", item.post.is_some())];
            methods.into_iter().filter(|m| m.1).map(move |m| (m.0, path.as_str()))
        })
        .collect();
    assert_eq!(said, ROUTES.iter().copied().collect::<BTreeSet<_>>());
}

/// What any route may refuse.
const ANY: &[Refusal] = &[
    Unauthorized,
    HostNotAllowed,
    OriginNotAllowed,
    Busy,
    TooMany,
    StorageFailed,
    StorageFull,
    StorageDoubtful,
    Stopping,
    Verifying,
    Damaged,
];
/// What any body may be refused for.
const BODY: &[Refusal] = &[BadRequest, TooLarge, NotJson];
/// Wherever a PIN is asked for.
const PIN: &[Refusal] = &[ManagerRequired, SecondManager, WrongPin, Locked, UnknownCashier, CashierInactive];
/// What an end of a case may be refused for.
const CASE_END: &[Refusal] = &[
    UnknownCase,
    NotFound,
    CaseResolved,
    CaseWay,
    CaseFacts,
    CaseRefund,
    SecondPerson,
    InProgress,
    UnknownPayment,
    UnknownDevice,
    AmountTooLarge,
];
/// Shifts and drawers.
const SHIFT: &[Refusal] = &[
    AmountInvalid,
    AmountTooLarge,
    UnknownCashier,
    UnknownDevice,
    ShiftRequired,
    ShiftAlreadyOpen,
    ShiftNotOpen,
    DrawerHeld,
    NotCounted,
    CountMismatch,
    CashierInactive,
    InProgress,
    NotSupported,
    ManagerRequired,
];

/// What this route may refuse beyond that.
fn own(operation: &str) -> Vec<Refusal> {
    let printing: &[Refusal] = &[UnknownPayment, UnknownDay, NotFound, NotSupported, UnknownDevice, CashierInactive];
    match operation {
        "makePayment" => {
            let not: &[Refusal] =
                &[NotFound, MethodNotAllowed, UnknownDay, UnknownException, CashierExists, BatchSettled];
            Refusal::ALL.iter().copied().filter(|r| !not.contains(r)).collect()
        }
        "getPayment" | "getStory" => vec![BadRequest, UnknownPayment, NotFound],
        "cancelPayment" => vec![BadRequest, UnknownPayment, NotFound, NotCancellable, InProgress],
        "listPayments" => vec![BadRequest],
        "getDay" => vec![BadRequest, UnknownDay],
        "listDays" => vec![BadRequest, UnknownDay],
        "getHours" | "getReport" => vec![BadRequest, UnknownDay, NotFound, NotSupported],
        "closeDay" => [PIN, &[DayClosed, DayNotFooting, NotSupported, InProgress, Settling, UnknownDay]].concat(),
        "settleTerminal" => {
            vec![UnknownDevice, BadRequest, NotFound, Settling, BatchDisagrees, InProgress, NotSupported]
        }
        "resolveException" => {
            [PIN, &[UnknownException, NotFound, NotSupported, InProgress, NotCancellable, BatchDisagrees, BatchSettled]]
                .concat()
        }
        "listCases" | "listStatements" => vec![BadRequest],
        "getCase" => vec![BadRequest, UnknownCase, NotFound],
        "takeCase" | "noteCase" => [PIN, &[UnknownCase, NotFound, CaseResolved, CaseTrail, CaseFacts]].concat(),
        "reopenCase" => [PIN, &[UnknownCase, NotFound, CaseNotResolved, CaseFacts]].concat(),
        "resolveCase" => [PIN, CASE_END].concat(),
        "takeStatement" => vec![NotAStatement, TooManyDifferences, CasesFull, ManagerRequired, NotSupported],
        "moveTransfer" => {
            [PIN, &[BadRequest, NotFound, UnknownPayment, AnotherPerson, EvidenceNeeded, TransferStep, InProgress]]
                .concat()
        }
        "sendTransfers" | "answerTransfers" => [PIN, &[NotSupported, UnknownPayment]].concat(),
        "useCards" => vec![BadRequest],
        "addCashier" => [PIN, &[CashierExists, NotSupported]].concat(),
        "changeCashier" => [PIN, &[ShiftAlreadyOpen, NotSupported]].concat(),
        "listCashiers" | "getChecklist" => vec![NotSupported],
        "print" => printing.to_vec(),
        "resumePrinting" => vec![UnknownDevice],
        "closeShift" | "countDrawer" => [PIN, SHIFT].concat(),
        "logIn" => vec![WrongPin, Locked],
        op if op.contains("Shift") || op.contains("Drawer") || op.starts_with("pay") || op == "handOver" => {
            SHIFT.to_vec()
        }
        _ => Vec::new(),
    }
}

/// The whole description, from what the routes say of themselves.
fn describe(mut api: OpenApi) -> String {
    api.info = InfoBuilder::new()
        .title("tilld")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "The till's local API. Amounts are whole numbers of minor units. A refusal creates nothing (only `storage_doubtful` does not know) and is \
             application/problem+json with a stable `code`. `unknown` is not failed: never charge again, ask for the payment.",
        ))
        .license(Some(LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build()))
        .build();
    api.servers = Some(vec![Server::new("/")]);
    let components = api.components.get_or_insert_default();
    components.schemas.insert("Problem".to_owned(), problem());
    // Named by a query's parameter alone: those bring no schema with them.
    components.schemas.insert("CaseStates".to_owned(), CaseStates::schema());
    let bearer =
        HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("the token file's content")).build();
    components.add_security_scheme("token", SecurityScheme::Http(bearer));
    let cookie = ApiKeyValue::with_description(super::super::session::COOKIE, "a person who has logged in");
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    let none: [&str; 0] = [];
    api.security = Some(vec![SecurityRequirement::new("token", none), SecurityRequirement::new("session", none)]);
    for item in api.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
            refusals(operation);
        }
    }
    let mut text = String::new();
    write(&serde_json::to_value(api).unwrap(), 0, &mut text);
    text.push('\n');
    text
}

/// Small, because it is compiled in, and yet a line an operation and a schema, so that a change can be read.
fn write(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(entries) if depth < 3 && !entries.is_empty() => {
            let mut before = "{\n";
            for (name, value) in entries {
                out.push_str(before);
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write(value, depth + 1, out);
                before = ",\n";
            }
            out.push_str("\n}");
        }
        _ => out.push_str(&value.to_string()),
    }
}

/// Adds what an operation may refuse, by status.
fn refusals(operation: &mut Operation) {
    let mut all = own(operation.operation_id.as_deref().unwrap_or_default());
    all.extend(ANY);
    if operation.request_body.is_some() {
        all.extend(BODY);
    }
    if operation.parameters.as_ref().is_some_and(|p| !p.is_empty()) {
        all.push(BadRequest);
    }
    all.sort();
    all.dedup();
    let mut by_status: BTreeMap<u16, Vec<Refusal>> = BTreeMap::new();
    for refusal in all {
        by_status.entry(refusal.status()).or_default().push(refusal);
    }
    for (status, refusals) in by_status {
        let codes: Vec<_> = refusals.iter().map(|r| r.code()).collect();
        let code = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes.clone()));
        let schema = AllOfBuilder::new()
            .item(Ref::from_schema_name("Problem"))
            .item(ObjectBuilder::new().property("code", code))
            .build();
        let content = ContentBuilder::new().schema(Some(Schema::AllOf(schema))).build();
        let response =
            ResponseBuilder::new().description(codes.join(", ")).content("application/problem+json", content).build();
        // The status may be there already, with the body of an answer that is no refusal: `/healthz` 503.
        match operation.responses.responses.get_mut(&status.to_string()) {
            Some(RefOr::T(there)) => there.content.extend(response.content),
            _ => {
                operation.responses.responses.insert(status.to_string(), RefOr::T(response));
            }
        }
    }
}

/// RFC 9457, with what every refusal carries.
fn problem() -> RefOr<Schema> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let object = ObjectBuilder::new()
        .property("type", text().description(Some("urn:tilld:problem:CODE")))
        .property("title", text())
        .property("status", ObjectBuilder::new().schema_type(Type::Integer))
        .property("code", text().description(Some("stable: programs compare this")))
        .property("detail", text().description(Some("a sentence that the cashier can read out")))
        .property("detail_zh", text().description(Some("the same in Chinese")))
        .property("facts", ObjectBuilder::new().description(Some("names and values in the sentence")));
    let object =
        ["type", "title", "status", "code", "detail", "detail_zh"].iter().fold(object, |o, name| o.required(*name));
    RefOr::T(Schema::Object(object.build()))
}
