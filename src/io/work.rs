//! Threads and tasks: what runs beside. They are started here and in one form, so that the program holds what starts, polls and ends one only once; but for
//! a serial port's, which has a small stack of its own, and the simulated acquirer's and the demo's that are waited for with what they give.
//!
//! Knows nothing of what they do.

use std::io;
use std::pin::Pin;
use std::thread::JoinHandle;

/// What a task does, in the one form.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The longest name of a thread that the kernel shows.
const NAME: usize = 15;

/// Starts a thread; its name is cut to what the kernel shows.
///
/// # Errors
/// What the system says: mostly too many threads.
pub fn thread(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    start(name, Box::new(body))
}

fn start(name: &str, body: Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.chars().take(NAME).collect()).spawn(body)
}

/// Starts a task on the runtime of the caller.
pub fn task(body: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
    tokio::spawn(boxed(body))
}

/// A task's body in the one form, for a set of tasks.
pub fn boxed(body: impl Future<Output = ()> + Send + 'static) -> Task {
    Box::pin(body)
}

/// Runs something that blocks, on a thread of its own; `None` if it panicked or the runtime ended.
pub async fn blocking<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (done, result) = tokio::sync::oneshot::channel();
    // Nobody waits for it any more: it is done all the same.
    let body = move || drop(done.send(body()));
    let body: Box<dyn FnOnce() + Send> = Box::new(body);
    tokio::task::spawn_blocking(body);
    result.await.ok()
}
