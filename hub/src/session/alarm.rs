//! The timer of a session: sleeps until something is due, and does it.

use tokio::time::{Instant, sleep_until};

use super::{context::SessionContext, state::Session, timers::Fired};

/// Runs until it is dropped: what ends the session here is its queue.
pub(super) async fn run(context: &SessionContext, session: &Session) {
    loop {
        let next = session.timers.next();
        let alarm = async {
            match next {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = alarm => fire(context, session),
            () = session.timers.changed.notified() => {}
        }
    }
}

fn fire(context: &SessionContext, session: &Session) {
    let (config, now) = (&context.config, Instant::now());
    // A missing pong does not count while commands are not read, or while our ping may not have gone out.
    let excused = if session.inbox.is_full() { Some(now) } else { session.queue().busy_until() };
    session.timers.excuse_pong(excused, config.pong_wait);
    match session.timers.fire(config, context.started, now) {
        Fired::Close(why) => session.queue().close(why.into()),
        Fired::Due { ping, subs } => {
            if ping && session.native_pings {
                session.queue().ping();
            } else if ping {
                session.push(session.form().ping());
            }
            if subs {
                session.expire_subs(now);
            }
        }
    }
}
