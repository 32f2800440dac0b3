//! Traces: what one webhook, request or call caused, from its transaction to the sockets of all nodes and the jobs that
//! it left. Spans are explicit: a trace goes through queues, rows and other nodes, where no task's state reaches. Only
//! spans that are recorded have a [`Trace`], so whatever comes after one that is not costs nothing.
//!
//! Attributes are ids and names of our own: no text of a message, no secret, nothing of a customer.
//!
//! With the feature `otel` they are sent by OTLP over HTTP (`otel.rs`); without it nothing here does anything.

#[cfg(not(feature = "otel"))]
#[path = "traces/off.rs"]
mod backend;
#[cfg(feature = "otel")]
#[path = "traces/otel.rs"]
mod backend;

use futures_util::future::Either;
pub use hub::Trace;
use tokio::task::futures::TaskLocalFuture;

use self::backend::Open;
pub use self::backend::{are_on, listener, start, stop};

tokio::task_local! {
    static CURRENT: Trace;
}

/// The recorded span that the running task works for.
pub fn current() -> Option<Trace> {
    are_on().then(|| CURRENT.try_with(|trace| *trace).ok()).flatten()
}

/// A span under way; it ends when it is dropped. It may be nothing.
#[must_use]
pub struct Span(Option<Open>);

impl Span {
    pub fn none() -> Span {
        Span(None)
    }

    /// The first of a trace, if that is one of those which are recorded.
    pub fn root(name: &'static str) -> Span {
        Span(backend::root(name, None))
    }

    /// The first span of a request on our side. `told`: its `traceparent`; `accept`: continue that trace.
    pub fn request(told: Option<&str>, accept: bool) -> Span {
        if !are_on() {
            return Span(None);
        }
        match told.and_then(Trace::parse) {
            Some((trace, is_recorded)) if accept => {
                Span(is_recorded.then(|| backend::child("request", trace)).flatten())
            }
            told => Span(backend::root("request", told.map(|(trace, _)| trace))),
        }
    }

    /// Below the current span.
    pub fn child(name: &'static str) -> Span {
        Span::of(name, current())
    }

    /// Below this span, if there is one.
    pub fn of(name: &'static str, parent: Option<Trace>) -> Span {
        Span(parent.and_then(|parent| backend::child(name, parent)))
    }

    /// The value is only made for a recorded span.
    pub fn put(&mut self, key: &'static str, value: impl FnOnce() -> String) {
        if let Some(open) = &mut self.0 {
            open.put(key, value());
        }
    }

    pub fn fail(&mut self, why: &'static str) {
        if let Some(open) = &mut self.0 {
            open.fail(why);
        }
    }

    pub fn trace(&self) -> Option<Trace> {
        self.0.as_ref().map(Open::trace)
    }

    /// Runs the future with this span as the current one; without a span the current one stays.
    pub fn within<F: Future>(&self, future: F) -> Either<TaskLocalFuture<Trace, F>, F> {
        match self.trace() {
            Some(trace) => Either::Left(CURRENT.scope(trace, future)),
            None => Either::Right(future),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_a_collector_nothing_is_recorded() {
        let told = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        for span in [Span::root("a"), Span::child("b"), Span::request(told, true), Span::request(told, false)]
        {
            assert!(span.trace().is_none());
            assert!(span.within(async { current() }).await.is_none());
        }
        let mut span = Span::root("a");
        span.put("key", || panic!("a value that nobody needs is not made"));
        span.fail("it is nothing");
    }

    /// What a span costs that is not recorded: `cargo test --release … -- --ignored --nocapture cost`.
    #[tokio::test]
    #[ignore = "a measurement"]
    async fn the_cost_of_spans_that_are_not_recorded() {
        const ROUNDS: u32 = 10_000_000;
        let begun = std::time::Instant::now();
        for _ in 0..ROUNDS {
            let mut span = std::hint::black_box(Span::child("store"));
            span.put("verb", || "Receive".to_owned());
            span.within(std::future::ready(())).await;
            std::hint::black_box(&span);
        }
        println!("{:?} for each span", begun.elapsed() / ROUNDS);
    }
}
