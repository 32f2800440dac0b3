//! What nodes tell each other beside the events of feeds: that there is work, that an offer is withdrawn, that rights or a
//! channel changed. A notice may be lost, so each has a sweep or a short-lived cache behind it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::app::App;
use crate::rooms;
use crate::store::Wake;
use crate::store::jobs::Class;
use crate::work::{Runner, ScheduledTurn};

#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
enum Notice {
    /// There are jobs of a class, and more than the workers of the node can take.
    Jobs {
        class: String,
    },
    Turn {
        tenant: Uuid,
        channel: Uuid,
        turn: Uuid,
        due_at: i64,
    },
    Withdrawn {
        turn: Uuid,
        lease: Uuid,
        reason: Cow<'static, str>,
    },
    Channel {
        id: Uuid,
    },
    Rights {
        user: Uuid,
        at: i64,
    },
}

/// Tells other nodes what concerns them. Never blocks.
pub(super) fn tell(app: &App, runner: &Runner, wake: &Wake) {
    let (topic, notice) = match wake {
        Wake::Job { class, at } => {
            // A job for later, and one for a node with free workers, is found by that node.
            if *at > app.store.clock().now_ms() || !runner.is_busy(*class) || !app.busy_told.may_tell(*class)
            {
                return;
            }
            (None, Notice::Jobs { class: class.as_str().to_owned() })
        }
        Wake::Turn { tenant, channel, turn, due_at } => {
            let notice = Notice::Turn { tenant: *tenant, channel: *channel, turn: *turn, due_at: *due_at };
            (Some(rooms::turns(*tenant)), notice)
        }
        Wake::Withdrawn { tenant, turn, lease, reason } => {
            let reason = Cow::Borrowed(*reason);
            (Some(rooms::turns(*tenant)), Notice::Withdrawn { turn: *turn, lease: *lease, reason })
        }
        Wake::Channel(id) => (None, Notice::Channel { id: *id }),
        Wake::Rights { user, at } => (None, Notice::Rights { user: *user, at: *at }),
        // The room's publication reaches its members everywhere, and one node asks the provider.
        Wake::CustomerTyping { .. } | Wake::Hear { .. } => return,
    };
    if let Ok(bytes) = serde_json::to_vec(&notice) {
        app.hub.notify(topic.as_deref(), bytes.into());
    }
}

/// Acts on a notice of another node. One that a newer version sent and this one does not know is left out.
pub(super) fn take(app: &App, runner: &Runner, notice: &[u8]) {
    match serde_json::from_slice(notice) {
        Ok(Notice::Jobs { class }) => {
            if let Some(class) = Class::ALL.iter().find(|one| one.as_str() == class) {
                runner.wake(*class, 0);
            }
        }
        Ok(Notice::Turn { tenant, channel, turn, due_at }) => {
            app.dispatcher.schedule(ScheduledTurn { tenant, channel, turn, due_at, trace: None });
        }
        Ok(Notice::Withdrawn { turn, lease, reason }) => app.dispatcher.withdraw(turn, lease, &reason),
        Ok(Notice::Channel { id }) => app.channels.forget(id),
        Ok(Notice::Rights { user, at }) => {
            app.accounts.told(user, at);
            app.rights_changed(user);
        }
        Err(error) => tracing::debug!(%error, "a notice of another node is not known here"),
    }
}
