//! Commands with effects: `rpc`, `publish`, `send`. What is not done at once goes on in a task of its own, so that
//! a call once begun runs to its end even if the client is gone meanwhile: between a commit and its publication
//! nothing may cut in.

use std::{
    future::poll_fn,
    marker,
    pin::Pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::Poll,
};

use serde_json::value::RawValue;
use tokio::sync::Semaphore;

use super::{Session, commands::Outcome, rate::Rate};
use crate::{
    ErrorReply, Publication, PublishDecision, SessionInfo, Tags,
    hub::Inner,
    log::ClientInfo,
    protocol::{
        command::{Publish, Rpc, Send},
        reply::Reply,
    },
};

/// The calling side of a connected session.
pub(super) struct Calls {
    pub(super) info: Arc<SessionInfo>,
    /// As others see it, once it has published.
    who: Option<Arc<ClientInfo>>,
    running: Arc<Semaphore>,
    rate: Rate,
    flood: Rate,
}

impl Calls {
    pub(super) fn new(info: Arc<SessionInfo>) -> Self {
        let running = Arc::new(Semaphore::new(info.limits.max_concurrent_rpc.max(1)));
        let rate = Rate::new(info.limits.rpc_per_second, 1.0);
        let flood = Rate::new(info.limits.commands_per_second, 2.0);
        Calls { info, who: None, running, rate, flood }
    }

    /// Whether one more command of any kind is within bounds.
    pub(super) fn within_bounds(&mut self) -> bool {
        self.flood.take()
    }

    /// Starts a call; its reply comes when it is done, others run beside it up to the bound.
    pub(super) async fn rpc(
        &mut self,
        inner: &Arc<Inner>,
        session: &Arc<Session>,
        id: u32,
        command: Rpc,
    ) -> Outcome {
        if !self.rate.take() {
            return Outcome::Reply(Reply::Error(ErrorReply::TOO_MANY_REQUESTS));
        }
        let Ok(permit) = Arc::clone(&self.running).acquire_owned().await else {
            return Outcome::Reply(Reply::Error(ErrorReply::INTERNAL));
        };
        let (inner, session, info) = (Arc::clone(inner), Arc::clone(session), Arc::clone(&self.info));
        let running = Running::start(&inner);
        let call = async move {
            let data = command.data.as_deref().unwrap_or(RawValue::NULL);
            let result = inner.caught(inner.authority.rpc(&info, &command.method, data)).await;
            let result = result.unwrap_or_else(|| Err(panicked(&command.method)));
            let reply = result.map_or_else(Reply::Error, Reply::Rpc);
            session.reply(id, &reply);
            drop((permit, running));
        };
        if let Err(rest) = begin(call).await {
            tokio::spawn(rest);
        }
        Outcome::Done
    }

    pub(super) async fn publish(
        &mut self,
        inner: &Arc<Inner>,
        session: &Session,
        command: Publish,
    ) -> Outcome {
        let Publish { channel: room, data: Some(data) } = command else {
            return Outcome::Reply(Reply::Error(ErrorReply::BAD_REQUEST));
        };
        if !self.rate.take() {
            return Outcome::Reply(Reply::Error(ErrorReply::TOO_MANY_REQUESTS));
        }
        let anywhere = || Arc::clone(self.who.get_or_insert_with(|| Arc::new(self.info.client_info(None))));
        let who = session.seen_as(&room).unwrap_or_else(anywhere);
        let (inner, info) = (Arc::clone(inner), Arc::clone(&self.info));
        let running = Running::start(&inner);
        let call = async move {
            let result = inner.guarded(publish(&inner, &info, &room, &data, who)).await;
            drop(running);
            result
        };
        let result = to_its_end(call).await.unwrap_or(Err(ErrorReply::PANICKED));
        result.map(|()| Reply::Publish).into()
    }

    pub(super) async fn message(&self, inner: &Arc<Inner>, command: Send) -> Outcome {
        let (inner, info) = (Arc::clone(inner), Arc::clone(&self.info));
        let running = Running::start(&inner);
        let call = async move {
            let data = command.data.as_deref().unwrap_or(RawValue::NULL);
            let result = inner.guarded(inner.authority.message(&info, data)).await;
            drop(running);
            result
        };
        match to_its_end(call).await {
            Some(Err(code)) => Outcome::Close(code),
            Some(Ok(())) | None => Outcome::Done,
        }
    }
}

fn panicked(method: &str) -> ErrorReply {
    // A client chose the name; the application panicked all the same.
    let method: String = method.chars().take(64).collect();
    tracing::error!(method, "a call panicked");
    ErrorReply::PANICKED
}

/// Looks once; what is not done at once is given back, to be gone on with in a task.
async fn begin<F: Future>(call: F) -> Result<F::Output, Pin<Box<F>>> {
    let mut call = Box::pin(call);
    match poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await {
        Poll::Ready(value) => Ok(value),
        Poll::Pending => Err(call),
    }
}

/// What was begun is ended, even if nobody waits for it any more.
async fn to_its_end<T, F>(call: F) -> Option<T>
where
    T: marker::Send + 'static,
    F: Future<Output = Option<T>> + marker::Send + 'static,
{
    match begin(call).await {
        Ok(value) => value,
        Err(rest) => tokio::spawn(rest).await.ok().flatten(),
    }
}

async fn publish(
    inner: &Arc<Inner>,
    info: &SessionInfo,
    room: &str,
    data: &RawValue,
    who: Arc<ClientInfo>,
) -> Result<(), ErrorReply> {
    let data_bytes = || bytes::Bytes::copy_from_slice(data.get().as_bytes());
    match inner.authority.publish(info, room, data).await? {
        PublishDecision::Handled => {}
        PublishDecision::Ephemeral => {
            let info = Some(who);
            inner.publish(room, Publication { data: data_bytes(), info, ..Publication::default() });
        }
        PublishDecision::Append => {
            let time_ms = (inner.config.clock)();
            let draft = Publication {
                offset: 0,
                data: data_bytes(),
                tags: Tags::default(),
                info: Some(who),
                time_ms,
            };
            let appended = inner.log.append(room, draft).await;
            inner.publish(room, appended.map_err(|error| inner.log_failed(room, &error))?);
        }
    }
    Ok(())
}

/// Counts a call for as long as it lives.
struct Running(Arc<Inner>);

impl Running {
    fn start(inner: &Arc<Inner>) -> Self {
        inner.counters.rpcs_running.fetch_add(1, Relaxed);
        Running(Arc::clone(inner))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.counters.rpcs_running.fetch_sub(1, Relaxed);
        self.0.changed.notify_waiters();
    }
}
