//! Passes the effects of a commit to the hub and the workers. It runs on the store's writer thread, so it never blocks:
//! the hub queues events, and workers are only woken.

use std::sync::{Arc, OnceLock, Weak};

use hub::{Publication, Tags};

use super::notices;
use crate::app::App;
use crate::model::RoomFrame;
use crate::rooms;
use crate::store::{Effects, Event, Publisher, Wake};
use crate::work::{Runner, ScheduledTurn};

#[derive(Default)]
pub(super) struct Bridge {
    ends: OnceLock<(Weak<App>, Arc<Runner>)>,
}

impl Bridge {
    pub(super) fn connect(&self, app: &Arc<App>, runner: Arc<Runner>) {
        let _ = self.ends.set((Arc::downgrade(app), runner));
    }
}

impl Bridge {
    /// A notice of another node.
    pub(super) fn noticed(&self, notice: &[u8]) {
        if let Some((app, runner)) = self.ends.get()
            && let Some(app) = app.upgrade()
        {
            notices::take(&app, runner, notice);
        }
    }
}

impl Publisher for Bridge {
    fn publish(&self, effects: Effects) {
        // Not connected while the store opens; the workers read their rows when they start.
        let Some((app, runner)) = self.ends.get() else { return };
        let Some(app) = app.upgrade() else { return };
        // All events of a verb are of one tenant.
        if let Some(event) = effects.events.last() {
            app.consumers.wake(event.tenant, event.cursor);
        }
        for event in effects.events {
            let room = rooms::tenant(event.tenant);
            app.hub.publish(&room, Publication { trace: effects.trace.map(Box::new), ..publication(event) });
        }
        let has_others = !app.hub.is_alone();
        for wake in effects.wakes {
            if has_others {
                notices::tell(&app, runner, &wake);
            }
            match wake {
                Wake::Job { class, at } => runner.wake(class, at),
                Wake::Turn { tenant, channel, turn, due_at } => {
                    app.dispatcher.schedule(ScheduledTurn {
                        tenant,
                        channel,
                        turn,
                        due_at,
                        trace: effects.trace,
                    });
                }
                Wake::Withdrawn { turn, lease, reason, .. } => {
                    app.dispatcher.withdraw(turn, lease, reason);
                }
                Wake::CustomerTyping { tenant, conversation, on, at } => {
                    let frame = RoomFrame::CustomerTyping { on, at };
                    if let Ok(data) = serde_json::to_vec(&frame) {
                        let (topic, room) = (rooms::tenant(tenant), rooms::conversation(conversation));
                        app.hub.publish_ephemeral(Some(&topic), &room, data.into(), Tags::default());
                    }
                }
                Wake::Hear { tenant, conversation } => app.hearing.ask(tenant, conversation),
                Wake::Channel(id) => app.channels.forget(id),
                Wake::Rights { user, at } => {
                    app.accounts.told(user, at);
                    app.rights_changed(user);
                }
            }
        }
    }
}

/// An event as a publication: the offset is the cursor, and subscriptions are filtered by the tags.
pub(super) fn publication(event: Event) -> Publication {
    let company = event.company.map(|id| ("company", id.to_string()));
    let user = event.user.map(|id| ("user", id.to_string()));
    Publication {
        offset: u64::try_from(event.cursor).unwrap_or_default(),
        data: event.data.into(),
        tags: company.into_iter().chain(user).collect::<Tags>(),
        info: None,
        time_ms: event.at,
        trace: None,
    }
}
