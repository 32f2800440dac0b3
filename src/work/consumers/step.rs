//! One step of a consumer in one tenant: a bounded batch of events, of filling or of clearing, in one transaction with the
//! consumer's new place. A step of another process that came first makes this one do nothing.

use std::marker::PhantomData;
use std::sync::Arc;

use uuid::Uuid;

use super::{Consumer, Filled};
use crate::error::{Error, StoreError};
use crate::store::consumers::{self, ConsumerState, Progress};
use crate::store::{Event, Store, Tx, Verb, events};

/// The most events of a batch, and the most bytes of them that are taken at once.
pub(super) const EVENTS: i64 = 256;
const BYTES: usize = 1024 * 1024;

/// What a step came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Events whose effects were written.
    pub events: usize,
    /// There is more to do.
    pub more: bool,
    /// It takes in what was stored already, or clears it.
    pub builds: bool,
    pub cursor: i64,
    pub top: i64,
    /// The time of the last event of the batch.
    pub at: Option<i64>,
    /// It failed here before, and is not tried before this time.
    pub wait_until: Option<i64>,
}

/// Runs one step.
pub async fn step<C: Consumer>(store: &Store, consumer: &Arc<C>, tenant: Uuid) -> Result<Step, Error> {
    let look = store.read(Look { tenant, consumer: C::NAME }).await?;
    let Some(progress) = look.progress else {
        store.write(Begin::<C> { consumer: PhantomData, tenant, was: None }).await?;
        // It follows from the newest event on.
        return Ok(Step { more: true, builds: true, cursor: look.top, top: look.top, ..Step::default() });
    };
    let base = Step { cursor: progress.cursor, top: look.top, ..Step::default() };
    if let Some(until) = progress.retry_at.filter(|at| *at > store.clock().now_ms()) {
        return Ok(Step { wait_until: Some(until), more: true, ..base });
    }
    let first = look.events.first().map(|event| event.cursor);
    let has_gap = look.top > progress.cursor && first != Some(progress.cursor + 1);
    let follows = progress.state != ConsumerState::Clearing;
    if progress.version != C::VERSION || (follows && has_gap) {
        tracing::info!(consumer = C::NAME, %tenant, has_gap, "a consumer begins anew in a tenant");
        store.write(Begin::<C> { consumer: PhantomData, tenant, was: Some(progress) }).await?;
        return Ok(Step { more: true, builds: true, ..base });
    }
    if !follows || look.events.is_empty() {
        if progress.state == ConsumerState::Following {
            return Ok(base);
        }
        build(store, consumer, tenant, progress).await?;
        return Ok(Step { more: true, builds: true, ..base });
    }
    let (mut was, at) = (progress, look.events.last().map(|event| event.at));
    let mut applied = apply(store, consumer, tenant, &was, &look.events).await;
    // What is away is so for every event.
    let is_away = matches!(applied, Err(Error::Away { .. }));
    if applied.is_err() && !is_away && look.events.len() > 1 {
        // One by one, so that all before the one that fails are done, and it is known which it is.
        for event in &look.events {
            applied = apply(store, consumer, tenant, &was, std::slice::from_ref(event)).await;
            if !matches!(applied, Ok(true)) {
                break;
            }
            was = Progress { cursor: event.cursor, failures: 0, retry_at: None, ..was };
        }
    }
    let events = if applied? { look.events.len() } else { 0 };
    if events > 0 {
        was.cursor = look.events.last().map_or(was.cursor, |event| event.cursor);
    }
    let cursor = was.cursor;
    // A busy tenant has events in every step: what it stored before would never be taken in.
    if events > 0 && look.fills {
        build(store, consumer, tenant, was).await?;
    }
    let more = events == 0 || look.is_cut || look.top > cursor || look.fills;
    Ok(Step { events, more, builds: look.fills, cursor, at, ..base })
}

/// Clears or fills in a batch.
async fn build<C: Consumer>(
    store: &Store,
    consumer: &Arc<C>,
    tenant: Uuid,
    was: Progress,
) -> Result<(), Error> {
    let before = was.position.unwrap_or(Uuid::max());
    let fills = was.state != ConsumerState::Clearing;
    let filled = if fills { consumer.fill_outside(tenant, before).await? } else { None };
    store.write(Build { consumer: Arc::clone(consumer), tenant, was, filled }).await?;
    Ok(())
}

/// Writes the effects of these events; `false` if another process was there first.
async fn apply<C: Consumer>(
    store: &Store,
    consumer: &Arc<C>,
    tenant: Uuid,
    was: &Progress,
    events: &[Event],
) -> Result<bool, Error> {
    let cursor = events.last().map_or(was.cursor, |event| event.cursor);
    let effects = consumer.prepare(events)?;
    consumer.deliver(tenant, events, &effects).await?;
    let apply = Apply { consumer: Arc::clone(consumer), tenant, was: was.clone(), cursor, effects };
    Ok(store.write(apply).await?.value)
}

/// The place of a consumer, and the events after it.
struct Look {
    tenant: Uuid,
    consumer: &'static str,
}

struct Looked {
    progress: Option<Progress>,
    events: Vec<Event>,
    top: i64,
    is_cut: bool,
    fills: bool,
}

impl Verb for Look {
    type Out = Looked;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Looked, Error> {
        let progress = consumers::get(tx, self.tenant, self.consumer).await?;
        let top = events::top(tx, self.tenant).await?;
        let mut events = Vec::new();
        let mut is_cut = false;
        if let Some(progress) = progress.as_ref().filter(|progress| progress.cursor < top) {
            // The first is the one that failed.
            let limit = if progress.failures > 0 { 1 } else { EVENTS };
            events = events::since(tx, self.tenant, progress.cursor, limit).await?;
            let mut bytes = 0;
            let fits = events.iter().take_while(|event| {
                bytes += event.data.len();
                bytes <= BYTES
            });
            let fits = fits.count().max(1).min(events.len());
            is_cut = fits < events.len();
            events.truncate(fits);
        }
        let fills = progress.as_ref().is_some_and(|progress| progress.state == ConsumerState::Filling);
        Ok(Looked { progress, events, top, is_cut, fills })
    }
}

/// Whether the consumer is still where it was seen, where it then stays until the transaction ends.
async fn is_still<C: Consumer>(tx: &mut Tx<'_>, tenant: Uuid, was: &Progress) -> Result<bool, Error> {
    let now = consumers::hold(tx, tenant, C::NAME).await?;
    let same = |now: &Progress| {
        (now.version, now.state, now.cursor, now.position)
            == (was.version, was.state, was.cursor, was.position)
    };
    Ok(now.as_ref().is_some_and(same))
}

fn filling<C: Consumer>(top: i64) -> Progress {
    Progress {
        version: C::VERSION,
        state: ConsumerState::Filling,
        cursor: top,
        position: Some(Uuid::max()),
        failures: 0,
        retry_at: None,
    }
}

/// Begins in a tenant: from now on it follows, and what is there already is filled in. What another version left is
/// cleared first.
struct Begin<C> {
    consumer: PhantomData<C>,
    tenant: Uuid,
    was: Option<Progress>,
}

impl<C: Consumer> Verb for Begin<C> {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let is_still = match &self.was {
            Some(was) => is_still::<C>(tx, self.tenant, was).await?,
            None => consumers::get(tx, self.tenant, C::NAME).await?.is_none(),
        };
        if is_still {
            let begun = filling::<C>(consumers::top(tx, self.tenant).await?);
            let state = if self.was.is_some() { ConsumerState::Clearing } else { ConsumerState::Filling };
            consumers::put(tx, self.tenant, C::NAME, &Progress { state, ..begun }).await?;
        }
        Ok(())
    }
}

/// Clears or fills in a batch.
struct Build<C> {
    consumer: Arc<C>,
    tenant: Uuid,
    was: Progress,
    /// What was done outside already.
    filled: Option<Filled>,
}

impl<C: Consumer> Verb for Build<C> {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    fn has_own_lock(&self) -> bool {
        true
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        if !is_still::<C>(tx, self.tenant, &self.was).await? {
            return Ok(());
        }
        if self.was.state == ConsumerState::Clearing {
            if self.consumer.clear(tx, self.tenant).await? {
                let begun = filling::<C>(consumers::top(tx, self.tenant).await?);
                consumers::put(tx, self.tenant, C::NAME, &begun).await?;
            }
            return Ok(());
        }
        let before = self.was.position.unwrap_or(Uuid::max());
        // What was stored since the look is news, and is followed in its order. (Outside, later events replace what an earlier
        // reading of the same message left there.)
        let begins = self.filled.is_none() && before == Uuid::max();
        if begins && consumers::top(tx, self.tenant).await? > self.was.cursor {
            return Ok(());
        }
        let position = match self.filled {
            Some(Filled(next)) => next,
            None => self.consumer.fill(tx, self.tenant, before).await?,
        };
        // Messages do not wait for this: one may have come before it was read.
        if begins && consumers::top(tx, self.tenant).await? > self.was.cursor {
            return Err(StoreError::Retry("events came while the filling in began".to_owned()).into());
        }
        let state = if position.is_some() { ConsumerState::Filling } else { ConsumerState::Following };
        let progress = Progress { state, position, ..self.was.clone() };
        Ok(consumers::put(tx, self.tenant, C::NAME, &progress).await?)
    }
}

/// Writes the effects of a batch with the new cursor; `false` if it was somewhere else by then.
struct Apply<C: Consumer> {
    consumer: Arc<C>,
    tenant: Uuid,
    was: Progress,
    cursor: i64,
    effects: C::Effects,
}

impl<C: Consumer> Verb for Apply<C> {
    type Out = bool;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    fn has_own_lock(&self) -> bool {
        true
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        if !is_still::<C>(tx, self.tenant, &self.was).await? {
            return Ok(false);
        }
        self.consumer.apply(tx, self.tenant, &self.effects, self.was.position).await?;
        let progress = Progress { cursor: self.cursor, ..self.was.clone() };
        consumers::put(tx, self.tenant, C::NAME, &progress).await?;
        Ok(true)
    }
}

/// Keeps a failure with its reason.
pub(super) struct Failed {
    pub tenant: Uuid,
    pub consumer: &'static str,
    pub reason: String,
    pub retry_at: i64,
}

impl Verb for Failed {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    fn has_own_lock(&self) -> bool {
        true
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        Ok(consumers::fail(tx, self.tenant, self.consumer, self.retry_at, &self.reason).await?)
    }
}

/// Tenants in which the consumer has something to do, of a page of all tenants; and where the next page begins.
pub(super) struct Behind {
    pub consumer: &'static str,
    pub version: i64,
    pub after: Uuid,
    pub limit: i64,
}

impl Verb for Behind {
    type Out = (Vec<consumers::Place>, Option<Uuid>);

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let mut page = consumers::places(tx, self.consumer, self.after, self.limit).await?;
        let next = page.last().map(|place| place.tenant).filter(|_| page.len() as i64 == self.limit);
        page.retain(|place| place.is_behind(self.version));
        Ok((page, next))
    }
}
