//! The topics that a node holds, each as often as somebody wants it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use tokio::sync::Notify;

use crate::lock::lock;

#[derive(Default)]
pub(crate) struct Topics {
    state: Mutex<State>,
    pub(super) changed: Notify,
}

#[derive(Default)]
struct State {
    held: HashMap<Arc<str>, usize>,
    /// Taken up or dropped since the last look.
    changed: Vec<Arc<str>>,
}

/// A topic that is held.
pub(crate) struct Held {
    topics: Arc<Topics>,
    topic: Arc<str>,
}

impl Held {
    pub(crate) fn topic(&self) -> &Arc<str> {
        &self.topic
    }
}

impl Topics {
    /// Also whether nobody held it before.
    pub(super) fn hold(self: &Arc<Self>, topic: &str) -> (Held, bool) {
        let mut state = lock(&self.state);
        let known = state.held.get_key_value(topic).map(|(known, _)| Arc::clone(known));
        let topic = known.unwrap_or_else(|| topic.into());
        let holds = state.held.entry(Arc::clone(&topic)).or_default();
        *holds += 1;
        let is_new = *holds == 1;
        if is_new {
            state.changed.push(Arc::clone(&topic));
            self.changed.notify_one();
        }
        (Held { topics: Arc::clone(self), topic }, is_new)
    }

    fn release(&self, topic: &Arc<str>) {
        let mut state = lock(&self.state);
        let Some(holds) = state.held.get_mut(topic) else { return };
        *holds -= 1;
        if *holds == 0 {
            state.held.remove(topic);
            state.changed.push(Arc::clone(topic));
            self.changed.notify_one();
        }
    }

    pub(super) fn has(&self, topic: &str) -> bool {
        lock(&self.state).held.contains_key(topic)
    }

    pub(super) fn all(&self) -> Vec<Arc<str>> {
        let mut state = lock(&self.state);
        state.changed.clear();
        state.held.keys().cloned().collect()
    }

    /// What changed since the last look, and whether it is held now.
    pub(super) fn changes(&self) -> Vec<(Arc<str>, bool)> {
        let mut state = lock(&self.state);
        let changed = std::mem::take(&mut state.changed);
        changed
            .into_iter()
            .map(|topic| {
                let is_held = state.held.contains_key(&topic);
                (topic, is_held)
            })
            .collect()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.topics.release(&self.topic);
    }
}
