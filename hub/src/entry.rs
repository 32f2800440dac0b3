//! One thing to hand out in a room, encoded once: the bytes are shared by all who get it.

use bytes::Bytes;

use crate::{
    authority::Filter,
    log::{ClientInfo, Publication, Tags},
    protocol::{json, push},
};

#[derive(Clone)]
pub(crate) struct Entry {
    /// Position in the room's log; 0 for what is not in it.
    pub(crate) offset: u64,
    /// The whole push.
    pub(crate) frame: Bytes,
    /// Where in `frame` the publication object stands.
    body: (u32, u32),
    pub(crate) tags: Tags,
    /// A join or leave, which only those see who asked for them.
    pub(crate) announcement: bool,
}

impl Entry {
    /// Data that is no JSON becomes null: the offset must go out all the same, or the room would wait for it.
    pub(crate) fn publication(room: &str, mut publication: Publication) -> Self {
        let data = std::mem::take(&mut publication.data);
        publication.data = json::clean(data).unwrap_or_else(|| {
            tracing::error!(room, offset = publication.offset, "publication is not JSON, null is sent");
            Bytes::from_static(b"null")
        });
        let (frame, body) = push::publication(room, &publication);
        let body = (body.start as u32, body.end as u32);
        let (offset, tags) = (publication.offset, publication.tags);
        Entry { offset, frame, body, tags, announcement: false }
    }

    pub(crate) fn all(room: &str, publications: Vec<Publication>) -> Vec<Self> {
        publications.into_iter().map(|p| Entry::publication(room, p)).collect()
    }

    pub(crate) fn join(room: &str, who: &ClientInfo) -> Self {
        Entry::announcement(push::join(room, who))
    }

    pub(crate) fn leave(room: &str, who: &ClientInfo) -> Self {
        Entry::announcement(push::leave(room, who))
    }

    fn announcement(frame: Bytes) -> Self {
        Entry { offset: 0, frame, body: (0, 0), tags: Tags::default(), announcement: true }
    }

    /// The publication object alone, for replies.
    pub(crate) fn body(&self) -> &[u8] {
        &self.frame[self.body.0 as usize..self.body.1 as usize]
    }

    /// What it costs to keep.
    pub(crate) fn cost(&self) -> usize {
        self.frame.len() + size_of::<Entry>()
    }

    /// A filter that panics hides the entry from its subscriber and harms nobody else.
    pub(crate) fn passes(&self, filter: Option<&Filter>) -> bool {
        let Some(filter) = filter else { return true };
        let verdict = std::panic::AssertUnwindSafe(|| filter(&self.tags));
        std::panic::catch_unwind(verdict).unwrap_or(false)
    }
}
