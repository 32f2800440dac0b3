//! Commands with effects: `rpc`, `publish`, `send`. A call that does not return at once continues in a task of its own, so
//! that it runs to its end even if the session ends meanwhile: a commit must always be followed by its publication.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::Poll,
};

use tokio::sync::Semaphore;

use super::{context::SessionContext, outcome::Outcome, rate::Rate, state::Session, subs::Live};
use crate::{
    authority::{PublishDecision, SessionInfo},
    data::Data,
    log::{ClientInfo, Publication},
    protocol::{
        codes::ErrorReply,
        command::{Publish, Rpc, SendMessage},
        reply::Reply,
    },
};

/// The calling side of a connected session.
pub(super) struct Calls {
    pub(super) info: Arc<SessionInfo>,
    /// How others see the client; made for its first publication.
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

    /// Whether one more command of any kind is within the rate.
    pub(super) fn within_bounds(&mut self) -> bool {
        self.flood.take()
    }

    /// Starts a call, which replies when it is done. Calls run concurrently up to the bound; over it this waits.
    pub(super) async fn rpc(
        &mut self,
        context: &Arc<SessionContext>,
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
        let (context, session, info) = (Arc::clone(context), Arc::clone(session), Arc::clone(&self.info));
        let running = Running::start(&context);
        let call = async move {
            let data = command.data.unwrap_or_default();
            let result = context.caught(context.authority.rpc(&info, &command.method, &data)).await;
            let result =
                result.unwrap_or_else(|| Err(panicked(context.authority.method_name(&command.method))));
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
        context: &Arc<SessionContext>,
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
        let who = session.subs.live(&room, Live::announced).flatten().unwrap_or_else(anywhere);
        let (context, info) = (Arc::clone(context), Arc::clone(&self.info));
        let running = Running::start(&context);
        let call = async move {
            let result = context.guarded(publish(&context, &info, &room, data, who)).await;
            drop(running);
            result
        };
        let result = to_its_end(call).await.unwrap_or(Err(ErrorReply::PANICKED));
        result.map(|()| Reply::Publish).into()
    }

    pub(super) async fn message(&self, context: &Arc<SessionContext>, command: SendMessage) -> Outcome {
        let (context, info) = (Arc::clone(context), Arc::clone(&self.info));
        let running = Running::start(&context);
        let call = async move {
            let data = command.data.unwrap_or_default();
            let result = context.guarded(context.authority.message(&info, &data)).await;
            drop(running);
            result
        };
        match to_its_end(call).await {
            Some(Err(code)) => Outcome::Close(code),
            Some(Ok(())) | None => Outcome::Done,
        }
    }
}

/// `method`: as the application names it, for the client may have sent anything.
fn panicked(method: Option<&'static str>) -> ErrorReply {
    tracing::error!(method = method.unwrap_or("_OTHER"), "a call panicked");
    ErrorReply::PANICKED
}

/// Polls once; a call that is not done is returned, to be continued in a task.
async fn begin<F: Future>(call: F) -> Result<F::Output, Pin<Box<F>>> {
    let mut call = Box::pin(call);
    match poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await {
        Poll::Ready(value) => Ok(value),
        Poll::Pending => Err(call),
    }
}

/// Runs a call to its end, even if this future is dropped.
async fn to_its_end<T, F>(call: F) -> Option<T>
where
    T: Send + 'static,
    F: Future<Output = Option<T>> + Send + 'static,
{
    match begin(call).await {
        Ok(value) => value,
        Err(rest) => tokio::spawn(rest).await.ok().flatten(),
    }
}

async fn publish(
    context: &Arc<SessionContext>,
    info: &SessionInfo,
    room: &str,
    data: Data,
    who: Arc<ClientInfo>,
) -> Result<(), ErrorReply> {
    match context.authority.publish(info, room, &data).await? {
        PublishDecision::Handled => {}
        PublishDecision::Ephemeral => {
            let info = Some(who);
            let publication = Publication { data, info, ..Publication::default() };
            context.rooms.publish(None, room, publication);
        }
        PublishDecision::Append => {
            let time_ms = (context.config.clock)();
            let draft = Publication { data, info: Some(who), time_ms, ..Publication::default() };
            let appended = context.log.append(room, draft).await;
            context.rooms.publish(Some(room), room, appended.map_err(|_| ErrorReply::INTERNAL)?);
        }
    }
    Ok(())
}

/// Counts a call for as long as it lives.
struct Running(Arc<SessionContext>);

impl Running {
    fn start(context: &Arc<SessionContext>) -> Self {
        context.counters.rpcs_running.fetch_add(1, Relaxed);
        Running(Arc::clone(context))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.counters.rpcs_running.fetch_sub(1, Relaxed);
        self.0.changed.notify_waiters();
    }
}
