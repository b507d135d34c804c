//! What every route shares: the desk, the bounds, and the ways to ask the desk from an async task.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use super::ApiOptions;
use super::events::Hub;
use super::metrics::Counters;
use super::pay::Flights;
use super::rate::Rates;
use super::session::Sessions;
use crate::core::domain::{CashierId, Lang, Pin, Refusal, Reject, Role};
use crate::core::ports::{Command, Desk, Reply, Respond};
use crate::io::work;

/// Reads of the store at once.
const READS: usize = 8;
/// Read-backs of single payments at once, beside those: an answer to a payment waits for no listing.
const READ_BACKS: usize = 4;
/// Statements taken in at once; who comes beside is told to try again.
const UPLOADS: usize = 2;
/// PINs hashed at once: each costs a core some tenth of a second.
const PINS: usize = 2;
/// How long anything but a payment may take the writer before the caller is told to try again.
const PATIENCE: Duration = Duration::from_secs(30);

/// The routes' state.
pub(super) struct Api {
    pub desk: Arc<dyn Desk>,
    pub lang: Lang,
    pub timeout_ms: u64,
    pub flights: Flights,
    pub counters: Counters,
    pub sessions: Sessions,
    pub rates: Rates,
    pub hub: Hub,
    /// Turns true when the API closes: what would go on for ever ends then.
    pub stopped: watch::Receiver<bool>,
    reads: Arc<Semaphore>,
    read_backs: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
    pins: Arc<Semaphore>,
}

impl Api {
    pub fn new(desk: Arc<dyn Desk>, options: &ApiOptions, stopped: watch::Receiver<bool>) -> Api {
        Api {
            desk,
            lang: options.lang,
            timeout_ms: options.timeout_ms,
            flights: Flights::default(),
            counters: Counters::default(),
            sessions: Sessions::default(),
            rates: Rates::new(std::time::Instant::now()),
            hub: Hub::default(),
            stopped,
            reads: Arc::new(Semaphore::new(READS)),
            read_backs: Arc::new(Semaphore::new(READ_BACKS)),
            uploads: Arc::new(Semaphore::new(UPLOADS)),
            pins: Arc::new(Semaphore::new(PINS)),
        }
    }

    /// Calls something of the desk that answers through a [`Respond`]. `None` where the desk dropped the question.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Desk, Respond<T>),
    ) -> Option<Result<T, Reject>> {
        let (sender, receiver) = oneshot::channel();
        question(
            self.desk.as_ref(),
            Box::new(move |answer| {
                let _ = sender.send(answer);
            }),
        );
        receiver.await.ok()
    }

    /// The same, for what is answered soon or not at all.
    pub async fn ask_soon<T: Send + 'static>(&self, question: impl FnOnce(&dyn Desk, Respond<T>)) -> Result<T, Reject> {
        match tokio::time::timeout(PATIENCE, self.ask(question)).await {
            Ok(Some(answer)) => answer,
            Ok(None) => Err(Refusal::Stopping.into()),
            Err(_) => Err(Refusal::Busy.into()),
        }
    }

    /// A person's language; the store's where they have none of their own.
    pub async fn lang_of(&self, person: &CashierId) -> Lang {
        let people = self.ask_soon(|desk, respond| desk.people(respond)).await.unwrap_or_default();
        people.into_iter().find(|p| p.id == *person).and_then(|p| p.lang).unwrap_or(self.lang)
    }

    /// Asks the writer for anything but a payment.
    pub async fn submit(&self, command: Command) -> Result<Reply, Reject> {
        self.ask_soon(|desk, respond| desk.submit(command, respond)).await
    }

    /// Calls something of the desk that blocks: reading the store, drawing a report.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Desk) -> Result<T, Reject> + Send + 'static,
    ) -> Result<T, Reject> {
        self.off_thread(&self.reads, work).await
    }

    /// The same for what a payment's answer needs: one payment, by its id or its request's.
    pub async fn read_back<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Desk) -> Result<T, Reject> + Send + 'static,
    ) -> Result<T, Reject> {
        self.off_thread(&self.read_backs, work).await
    }

    /// The same for a statement, whose body is awaited meanwhile: it takes nobody else's turn, and has none of its own to wait for.
    pub async fn take_in<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Desk) -> Result<T, Reject> + Send + 'static,
    ) -> Result<T, Reject> {
        let permit = self.uploads.clone().try_acquire_owned().map_err(|_| Refusal::Busy)?;
        self.with_permit(permit, work).await
    }

    async fn off_thread<T: Send + 'static>(
        &self,
        bound: &Arc<Semaphore>,
        work: impl FnOnce(&dyn Desk) -> Result<T, Reject> + Send + 'static,
    ) -> Result<T, Reject> {
        let permit = bound.clone().acquire_owned().await.map_err(|_| Refusal::Stopping)?;
        self.with_permit(permit, work).await
    }

    async fn with_permit<T: Send + 'static>(
        &self,
        permit: OwnedSemaphorePermit,
        work: impl FnOnce(&dyn Desk) -> Result<T, Reject> + Send + 'static,
    ) -> Result<T, Reject> {
        let desk = self.desk.clone();
        let done = work::blocking(move || {
            let _permit = permit;
            work(desk.as_ref())
        });
        done.await.unwrap_or_else(|| Err(Refusal::Busy.into()))
    }

    /// Checks a person's PIN and that they have one of these roles.
    pub async fn approve(&self, person: CashierId, pin: Pin, roles: &'static [Role]) -> Result<CashierId, Reject> {
        self.off_thread(&self.pins, move |desk| {
            let role = desk.check_pin(&person, &pin)?;
            if roles.contains(&role) { Ok(person) } else { Err(Refusal::ManagerRequired.into()) }
        })
        .await
    }

    /// Checks a person's PIN and says what they are.
    pub async fn log_in(&self, person: CashierId, pin: Pin) -> Result<(CashierId, Role), Reject> {
        self.off_thread(&self.pins, move |desk| desk.check_pin(&person, &pin).map(|role| (person, role))).await
    }

    /// Hashes a new PIN.
    pub async fn hash_pin(&self, pin: Pin) -> Result<Vec<u8>, Reject> {
        self.off_thread(&self.pins, move |desk| desk.hash_pin(&pin)).await
    }
}
